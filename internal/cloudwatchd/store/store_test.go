package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
	"gitlab.com/nines-sre/nines/internal/fault"
)

var home = store.Place{Account: "111122223333", Region: "eu-west-1"}

func open(t testing.TB, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func read(t testing.TB, s *store.Store, m store.Metric, unit string, from, to int64, values bool) map[int64]stat.Set {
	t.Helper()
	got := map[int64]stat.Set{}
	last := int64(-1 << 62)
	err := s.Space(home).Scan(m, unit, from, to, values, func(at int64, set stat.Set) {
		if at <= last {
			t.Errorf("%d comes after %d", at, last)
		}
		last = at
		set.Samples = slices.Clone(set.Samples)
		got[at] = set
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func drawSet(rt *rapid.T) stat.Set {
	number := rapid.OneOf(
		rapid.Map(rapid.IntRange(-20, 2000), func(n int) float64 { return float64(n) }),
		rapid.Map(rapid.IntRange(0, 1_000_000), func(n int) float64 { return float64(n) / 1024 }),
		rapid.SampledFrom([]float64{0, 1 << 50, 1 << 52, -(1 << 51), 0x1p360, 5e-324, 0.1}),
	)
	count := rapid.SampledFrom([]float64{1, 1, 1, 2, 17, 0.5, 1e9})
	switch rapid.IntRange(0, 3).Draw(rt, "kind") {
	case 0:
		return stat.Single(number.Draw(rt, "v"), count.Draw(rt, "n"))
	case 1:
		a, b := number.Draw(rt, "a"), number.Draw(rt, "b")
		return stat.FromStatistics(count.Draw(rt, "n"), number.Draw(rt, "sum"), min(a, b), max(a, b))
	default:
		var s []stat.Sample
		for range rapid.IntRange(1, 5).Draw(rt, "len") {
			s = append(s, stat.Sample{Value: number.Draw(rt, "v"), Count: count.Draw(rt, "n")})
		}
		return stat.FromSamples(s)
	}
}

// What is put, in any order and portions, through restarts, is what is read:
// against a plain map.
func TestLikeAMap(t *testing.T) {
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		path := filepath.Join(dir, fmt.Sprintf("%d.db", run))
		s := open(t, path)
		m := store.NewMetric("shop", "latency", []store.Dimension{{Name: "b", Value: "2"}, {Name: "a", Value: "1"}})
		base := int64(1_700_000_000) / 60 * 60
		step := rapid.SampledFrom([]int64{1, 60, 300}).Draw(rt, "step")
		model := map[string]map[int64]stat.Set{"Count": {}, "None": {}}
		for range rapid.IntRange(1, 40).Draw(rt, "puts") {
			var data []store.Datum
			for range rapid.IntRange(1, 4).Draw(rt, "data") {
				unit := rapid.SampledFrom([]string{"Count", "None"}).Draw(rt, "unit")
				at := base + step*rapid.Int64Range(0, 2000).Draw(rt, "at")
				set := drawSet(rt)
				data = append(data, store.Datum{Metric: m, Unit: unit, At: at, Set: set})
				model[unit][at] = model[unit][at].Merge(set)
			}
			if err := s.Put(t.Context(), home, data); err != nil {
				rt.Fatal(err)
			}
			if rapid.IntRange(0, 9).Draw(rt, "restart") == 0 {
				if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
				s = open(t, path)
			}
		}
		from := base + step*rapid.Int64Range(0, 2000).Draw(rt, "from")
		to := from + step*rapid.Int64Range(0, 2000).Draw(rt, "length")
		for unit, sets := range model {
			for _, values := range []bool{true, false} {
				want := map[int64]stat.Set{}
				for at, set := range sets {
					if at >= from && at < to {
						want[at] = set
					}
				}
				got := read(t, s, m, unit, from, to, values)
				if !values {
					got, want = bare(got), bare(want)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					rt.Fatalf("%s, values %v: %s", unit, values, diff)
				}
			}
		}
	})
}

func bare(sets map[int64]stat.Set) map[int64]stat.Set {
	for at, s := range sets {
		s.Samples = nil
		sets[at] = s
	}
	return sets
}

func TestListInPagesSurvivesRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.db")
	s := open(t, path)
	var data []store.Datum
	for i := range 30 {
		dims := []store.Dimension{{Name: "n", Value: fmt.Sprint(i)}}
		data = append(data, store.Datum{Metric: store.NewMetric("a", "m", dims), Unit: "None", At: int64(60 * (i + 1)), Set: stat.Single(1, 1)})
	}
	if err := s.Put(t.Context(), home, data); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if i == 1 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, path)
		}
		var got []string
		after, pages := "", 0
		for more := true; more; pages++ {
			var found []store.Listed
			found, more = s.Space(home).List(after, 7, func(l store.Listed) bool { return l.Last > 60*10 })
			for _, l := range found {
				v, _ := l.Metric.Dimension("n")
				got = append(got, v)
				after = l.Metric.Key()
			}
		}
		if len(got) != 20 || pages != 3 {
			t.Errorf("%d metrics on %d pages, want 20 on 3: %v", len(got), pages, got)
		}
		if other := s.Space(store.Place{Account: "other"}); other.Size().Metrics != 0 {
			t.Error("places are not separate")
		}
	}
}

func TestForeignAndDamagedFiles(t *testing.T) {
	exec := func(t *testing.T, path, q string, args ...any) {
		t.Helper()
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), q, args...); err != nil {
			t.Fatal(err)
		}
	}
	fresh := func(t *testing.T) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "m.db")
		s := open(t, path)
		m := store.NewMetric("a", "m", nil)
		if err := s.Put(t.Context(), home, []store.Datum{{Metric: m, Unit: "None", At: 60, Set: stat.Single(3, 1)}}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		name string
		make func(t *testing.T) string
		want fault.Kind
	}{
		{"another program's database", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "x.db")
			exec(t, path, "CREATE TABLE x (y)")
			return path
		}, fault.Invalid},
		{"no database at all", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "x.db")
			if err := os.WriteFile(path, []byte("timestamp,good,total\n2025-01-01,1,1\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}, fault.Unavailable},
		{"a newer layout", func(t *testing.T) string { p := fresh(t); exec(t, p, "PRAGMA user_version=99"); return p }, fault.Unsupported},
		{"a damaged chunk", func(t *testing.T) string {
			p := fresh(t)
			exec(t, p, "UPDATE chunk SET data=?", []byte{1, 60, 9, 4})
			return p
		}, fault.Corrupt},
		{"a folder that is not there", func(t *testing.T) string { return filepath.Join(t.TempDir(), "no", "m.db") }, fault.Unavailable},
	} {
		_, err := store.Open(t.Context(), c.make(t))
		if err == nil || fault.KindOf(err) != c.want {
			t.Errorf("%s: %v (%v), want %v", c.name, err, fault.KindOf(err), c.want)
		}
	}
}

func TestReadersBesideWriters(t *testing.T) {
	s := open(t, "")
	m := store.NewMetric("a", "m", nil)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 500 {
				d := store.Datum{Metric: m, Unit: "None", At: int64(i * 60), Set: stat.Single(float64(w), 1)}
				if err := s.Put(context.WithoutCancel(t.Context()), home, []store.Datum{d}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 4 {
		wg.Go(func() {
			for range 50 {
				_ = s.Space(home).Scan(m, "None", 0, 1<<40, true, func(int64, stat.Set) {})
				_ = s.Space(home).Units(m)
			}
		})
	}
	wg.Wait()
	n := 0.0
	for _, set := range read(t, s, m, "None", 0, 1<<40, true) {
		n += set.Count
	}
	if n != 2000 {
		t.Errorf("%v samples, want 2000", n)
	}
}

// A metric of plain counts, a minute each, for four weeks.
func BenchmarkFourWeeks(b *testing.B) {
	b.ReportAllocs()
	var size store.Size
	for b.Loop() {
		s := open(b, "")
		m := store.NewMetric("a", "m", nil)
		data := make([]store.Datum, 0, 1440)
		for day := range int64(28) {
			data = data[:0]
			for minute := range int64(1440) {
				data = append(data, store.Datum{Metric: m, Unit: "Count", At: day*86400 + minute*60, Set: stat.Single(float64(900+minute%211), 1)})
			}
			if err := s.Put(b.Context(), home, data); err != nil {
				b.Fatal(err)
			}
		}
		size = s.Space(home).Size()
	}
	b.ReportMetric(float64(size.Bytes)/(28*1440), "B/minute")
}
