package metrics_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// A stream that fails, or panics, costs the values of its lines, and they are
// counted.
func TestStreamsThatFail(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]io.Writer{
		"error": writer(func([]byte) (int, error) { return 0, errors.New("full") }),
		"panic": writer(func([]byte) (int, error) { panic("out") }),
	} {
		r, _ := start(t, metrics.WithWriter(w))
		m := r.MustMetric("m", metrics.Count)
		addMany(t.Context(), m, 130) // 100 go out early
		m.Emit(t.Context(), 1)
		drops := r.Flush(t.Context())
		if dropped(drops, metrics.LineLost) != 131 || dropped(r.Dropped(), metrics.LineLost) != 131 {
			t.Errorf("%s: %v", name, drops)
		}
		if again := r.Flush(t.Context()); again != nil {
			t.Errorf("%s: told twice: %v", name, again)
		}
	}
}

// A pipe that nobody reads takes some lines and then none; nothing waits long.
func TestPipeThatNobodyReads(t *testing.T) {
	t.Parallel()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), out.Close() })
	r, _ := start(t, metrics.WithWriter(out))
	m := r.MustMetric("m", metrics.Count)
	begin := time.Now()
	var lost uint64
	for range 2000 {
		m.Add(t.Context(), 1)
		lost += dropped(r.Flush(t.Context()), metrics.LineLost)
	}
	if lost == 0 || lost == 2000 || lost != dropped(r.Dropped(), metrics.LineLost) {
		t.Errorf("%d lines of 2000 lost, %v", lost, r.Dropped())
	}
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
}

type bad struct{}

func (*bad) Error() string                 { panic("no text") }
func (bad) MarshalJSON() ([]byte, error)   { panic("no JSON") }
func (bad) unexported() (a, b, c chan int) { return }

// Nothing that a program hands over breaks the line or the program.
func TestHostileMetadata(t *testing.T) {
	t.Parallel()
	_, _, _ = bad{}.unexported()
	r, out := start(t)
	r.MustMetric("m", metrics.Count).Add(t.Context(), 1)
	var none *bad
	cycle := map[string]any{}
	cycle["self"] = cycle
	for i, v := range []any{
		nil, true, 1, int64(2), 1.5, time.Second, at(), "text\n\x00\u2028", errors.New("failed"), none,
		bad{},
		&bad{}, make(chan int), func() {}, cycle,
		[]byte("bytes"),
		map[string]int{"a": 1},
		struct{ A string }{"x"},
		math.NaN(), complex(1, 2),
	} {
		r.Metadata(t.Context(), fmt.Sprintf("k%d", i), v)
	}
	r.Flush(t.Context())
	if d := out.documents(t); len(d) != 1 || !d[0].has("m") || len(d[0].members) != 23 {
		t.Errorf("%+v", d)
	}
}

// What came with an error that nobody looked at may be used.
func TestHandlesOfFailures(t *testing.T) {
	t.Parallel()
	r, out := start(t)
	m, err := r.Metric("", "nonsense")
	set, err2 := r.Dimensions("a", "a")
	if err == nil || err2 == nil {
		t.Fatal("no error")
	}
	m.Add(t.Context(), 1)
	m.With(set.Of("x", "y")).Add(t.Context(), 1)
	m.At(at()).Emit(t.Context(), 1)
	r.MustMetric("good", metrics.Count).With(set.Of("x", "y")).Add(t.Context(), 1)
	(metrics.Series{}).Add(t.Context(), 1)
	(metrics.Series{}).Emit(t.Context(), 1)
	var nothing *metrics.DimensionSet
	if _, err := nothing.Values("x"); err == nil {
		t.Error("a set that is nil has values")
	}
	var no *metrics.Metric
	no.Add(t.Context(), 1)
	no.With(metrics.Dimensions{}).Add(t.Context(), 1)
	drops := r.Flush(t.Context())
	if dropped(drops, metrics.BadMetric) != 3 || dropped(drops, metrics.BadDimensions) != 1 || len(out.lines()) != 0 {
		t.Errorf("%v", drops)
	}
}

func TestMustPanicsAndSaysWhy(t *testing.T) {
	t.Parallel()
	r, _ := start(t)
	for want, f := range map[string]func(){
		`metrics: the unit "Parsecs" of metric "m" is none of CloudWatch's 27; use one of the constants, such as metrics.Count`: func() { r.MustMetric("m", "Parsecs") },
		`metrics: the dimension "a" stands twice in a set; name it once`:                                                        func() { r.MustDimensions("a", "a") },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != want {
					t.Errorf("%s, want %s", got, want)
				}
			}()
			f()
		}()
	}
}
