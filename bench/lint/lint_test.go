package lint_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/OpenSLO/go-sdk/pkg/openslo"
	"github.com/OpenSLO/go-sdk/pkg/openslosdk"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/wire"
)

// documents is the size of the comparison.
const documents = 1000

// nines lints a folder as `nines lint` does: read, decode, resolve, check.
func nines(tb testing.TB, dir string) error {
	tb.Helper()
	_, problems, err := config.Load(tb.Context(), []string{dir}, config.Options{Types: wire.CLI().Types()})
	return errors.Join(err, problems.Err(false))
}

// sdk reads the same files with OpenSLO's own library: decode and validate. It
// resolves no reference between documents.
func sdk(tb testing.TB, dir string) error {
	tb.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return err
	}
	var all []openslo.Object
	for _, name := range names {
		objects, err := decode(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, objects...)
	}
	return openslosdk.Validate(all...)
}

func decode(name string) ([]openslo.Object, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	return openslosdk.Decode(f, openslosdk.FormatYAML)
}

func BenchmarkLint(b *testing.B) {
	dir := write(b, documents)
	for _, program := range []struct {
		name string
		lint func(testing.TB, string) error
	}{{"nines", nines}, {"openslo-sdk", sdk}} {
		b.Run(program.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := program.lint(b, dir); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)*1000/documents, "ms/1000docs")
		})
	}
}

// TestHeap measures how much linting 1,000 documents grows the heap: what the
// catalog keeps, and the highest it stood on the way. At most 30 MB each.
func TestHeap(t *testing.T) {
	const most = 30 << 20
	dir := write(t, documents)
	runtime.GC()
	before := live()
	stop, peak := make(chan struct{}), make(chan uint64)
	go watch(stop, peak)
	catalog, problems, err := config.Load(t.Context(), []string{dir}, config.Options{Types: wire.CLI().Types()})
	close(stop)
	highest := <-peak
	if err := errors.Join(err, problems.Err(false)); err != nil {
		t.Fatal(err)
	}
	if len(catalog.Objectives) != 2*documents {
		t.Fatalf("%d objectives, want %d", len(catalog.Objectives), 2*documents)
	}
	runtime.GC()
	kept, grown := live()-before, highest-before
	t.Logf("%d documents: the catalog keeps %.1f MB, the heap grew by at most %.1f MB on the way", documents, mega(kept), mega(grown))
	if kept > most || grown > most {
		t.Errorf("at most %.0f MB are allowed", mega(most))
	}
	runtime.KeepAlive(catalog)
}

func mega(bytes uint64) float64 { return float64(bytes) / (1 << 20) }

// live is what the heap's objects take, those not yet collected included.
func live() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// watch returns the highest the heap stood until it is told to stop.
func watch(stop <-chan struct{}, peak chan<- uint64) {
	highest := live()
	for tick := time.NewTicker(time.Millisecond); ; {
		select {
		case <-tick.C:
			highest = max(highest, live())
		case <-stop:
			tick.Stop()
			peak <- max(highest, live())
			return
		}
	}
}
