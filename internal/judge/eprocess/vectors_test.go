package eprocess_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/judge/eprocess"
)

// sequential is the shared file of traces.
type sequential struct {
	Edges     int     `json:"n_edges"`
	Traces    []trace `json:"error_rate_traces"`
	Quantiles []struct {
		Scale  float64          `json:"canary_scale"`
		Base   map[string]int64 `json:"base_nonzero"`
		Canary map[string]int64 `json:"canary_nonzero"`
		P50    float64          `json:"logE_p50"`
		P99    float64          `json:"logE_p99"`
	} `json:"quantile_examples"`
}

type trace struct {
	Name     string     `json:"name"`
	Margin   float64    `json:"margin"`
	Prior    float64    `json:"prior_rate"`
	Worth    float64    `json:"prior_n"`
	Unit     float64    `json:"unit"`
	Minutes  [][4]int64 `json:"-"` // canary and bad ones, baseline and bad ones
	Additive []float64  `json:"logE_additive"`
	Ratio    []float64  `json:"logE_ratio_r2"`
	At05     *int       `json:"fires_alpha_.05"`
	At01     *int       `json:"fires_alpha_.01"`
}

// UnmarshalJSON reads the minutes too, whose name has commas.
func (t *trace) UnmarshalJSON(raw []byte) error {
	type plain trace
	var all map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(raw, (*plain)(t)), json.Unmarshal(raw, &all)); err != nil {
		return err
	}
	return json.Unmarshal(all["minutes(nc,xc,nb,xb)"], &t.Minutes)
}

func TestSequentialVectors(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "reference", "vectors", "sequential.json"))
	if err != nil {
		t.Skip("the shared vectors are not here: ", err)
	}
	var v sequential
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Traces) == 0 || len(v.Quantiles) == 0 {
		t.Fatal("the file holds no traces")
	}
	for _, tr := range v.Traces {
		if len(tr.Minutes) != len(tr.Additive) || len(tr.Minutes) == 0 {
			t.Fatalf("%s has %d minutes and %d numbers", tr.Name, len(tr.Minutes), len(tr.Additive))
		}
		m := eprocess.NewMargin(eprocess.Options{Margin: tr.Margin, Prior: tr.Prior, PriorRequests: tr.Worth, Unit: tr.Unit})
		r := eprocess.NewRatio(2)
		var at05, at01 *int
		for i, x := range tr.Minutes {
			m.Add(x[2], x[3], x[0], x[1])
			r.Add(x[2], x[3], x[0], x[1])
			near(t, tr.Name, m.Log(), tr.Additive[i], 1e-6)
			at05, at01 = first(at05, i+1, m.Log(), .05), first(at01, i+1, m.Log(), .01)
			// The file does not say over which tilts its ratio form is averaged; without
			// a bad request every one of them says nothing.
			if x[1]+x[3] == 0 {
				near(t, tr.Name+" ratio", r.Log(), tr.Ratio[i], 1e-6)
			}
		}
		if !same(at05, tr.At05) || !same(at01, tr.At01) {
			t.Errorf("%s fires at %v and %v, not %v and %v", tr.Name, num(at05), num(at01), num(tr.At05), num(tr.At01))
		}
	}
	for _, q := range v.Quantiles {
		base, canary := buckets(v.Edges+1, q.Base), buckets(v.Edges+1, q.Canary)
		for p, want := range map[float64]float64{.5: q.P50, .99: q.P99} {
			e := eprocess.NewQuantile(p, v.Edges+1)
			e.Add(base, canary)
			near(t, "quantile "+strconv.FormatFloat(p, 'g', -1, 64), e.Log(), want, 1e-6)
		}
	}
}

func first(at *int, i int, log, alpha float64) *int {
	if at == nil && log >= math.Log(1/alpha) {
		return &i
	}
	return at
}

func num(p *int) int {
	if p == nil {
		return 0
	}
	return *p
}

func same(a, b *int) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

func buckets(n int, some map[string]int64) []int64 {
	out := make([]int64, n)
	for k, c := range some {
		i, _ := strconv.Atoi(k)
		out[i] = c
	}
	return out
}

// latencies are 5000 requests, lognormal around 100 ms with a sigma of 0.5, in
// buckets of a sixteenth of an octave from 20 ms; slower are those of a version
// that takes a tenth longer.
func latencies() (base, slower []int64) {
	base = []int64{
		3, 1, 2, 2, 2, 3, 4, 5, 7, 8, 10, 12, 14, 18, 21, 25, 30, 35, 41, 46, 54, 61, 69, 77, 86, 95, 104, 113, 122, 130, 139, 146, 153, 160, 164, 168, 171, 173, 173, 171, 169, 166, 161, 155, 149, 141, 133, 124, 116, 107, 97, 89, 79, 72, 63, 56, 49, 42, 37, 31, 27, 22, 19, 15, 13, 10, 9, 7, 5, 5, 3, 3, 2, 1, 1, 1, 1, 1, 0, 0, 0, 1,
	}
	slower = []int64{
		2, 0, 1, 1, 1, 2, 3, 3, 4, 4, 6, 8, 9, 12, 14, 17, 21, 24, 29, 34, 39, 46, 52, 59, 68, 75, 84, 93, 102, 112, 120, 128, 137, 145, 152, 158, 164, 167, 171, 172, 173, 172, 170, 166, 162, 157, 150, 142, 135, 126, 118, 108, 99, 91, 81, 73, 65, 57, 51, 43, 38, 32, 28, 23, 19, 16, 14, 11, 8, 7, 6, 5, 3, 3, 2, 2, 1, 1, 1, 1, 0, 0, 0, 1,
	}
	return append(base, make([]int64, 140-len(base))...), append(slower, make([]int64, 140-len(slower))...)
}

// A canary that is a tenth slower is found by its median, one that is as fast by
// nothing.
func TestQuantileGolden(t *testing.T) {
	t.Parallel()
	base, slower := latencies()
	for _, c := range []struct {
		q      float64
		canary []int64
		want   float64
	}{{.5, base, -4.368412}, {.99, base, -2.84733}, {.5, slower, 6.05721}, {.99, slower, -0.999695}} {
		e := eprocess.NewQuantile(c.q, 140)
		e.Add(base, c.canary)
		near(t, "quantile", e.Log(), c.want, 1e-6)
	}
}

// naiveQuantile looks at every bucket.
func naiveQuantile(q float64, base, canary []int64) float64 {
	var nb, nc int64
	for i := range base {
		nb, nc = nb+base[i], nc+canary[i]
	}
	if nb == 0 || nc == 0 {
		return 0
	}
	least := math.Inf(1)
	for i := range base {
		var tail, below int64
		for j := range base {
			if j > i {
				tail += canary[j]
			}
			if j < i {
				below += base[j]
			}
		}
		var up, down []float64
		for _, psi := range []float64{1, 1.06, 1.12, 1.25, 1.6, 2.2, 3.2, 5, 9} {
			s := 1 - q
			up = append(up, float64(tail)*math.Log(psi)-float64(nc)*math.Log(1-s+s*psi))
			down = append(down, -float64(nb-below)*math.Log(psi)-float64(nb)*math.Log(1-s+s/psi))
		}
		least = min(least, eprocess.Mean(up...)+eprocess.Mean(down...))
	}
	return least
}

func TestQuantileIsAsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "buckets")
		draw := rapid.SliceOfN(rapid.Int64Range(0, 300), n, n)
		base, canary := draw.Draw(t, "base"), draw.Draw(t, "canary")
		q := rapid.SampledFrom([]float64{.5, .9, .99}).Draw(t, "q")
		e := eprocess.NewQuantile(q, n)
		half := func(of []int64) (a, b []int64) {
			for _, c := range of {
				a, b = append(a, c/2), append(b, c-c/2)
			}
			return a, b
		}
		b1, b2 := half(base)
		c1, c2 := half(canary)
		e.Add(b1, c1)
		e.Add(b2, c2)
		want := naiveQuantile(q, base, canary)
		if math.Abs(e.Log()-want) > 1e-7*(1+math.Abs(want)) {
			t.Fatalf("%.9g, as written %.9g", e.Log(), want)
		}
		floor := rapid.Float64Range(-5, 20).Draw(t, "floor")
		if _, above := e.Exceeds(floor); above != (want > floor) && math.Abs(want-floor) > 1e-6 {
			t.Fatalf("above %v is %v; it is %v", floor, above, want)
		}
	})
}

// A canary that is as fast passes by a quarter, one that is slower by just that
// does not.
func TestQuantileBelow(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(13, 14))
	edges := make([]float64, 139)
	for i := range edges {
		edges[i] = .02 * math.Exp2(float64(i)/16)
	}
	draw := func(scale float64) []int64 {
		out := make([]int64, len(edges)+1)
		for range 100 {
			i, _ := slices.BinarySearch(edges, .1*scale*math.Exp(.5*r.NormFloat64()))
			out[i]++
		}
		return out
	}
	passed := func(q, scale float64) (n int) {
		for range 100 {
			e := eprocess.NewQuantile(q, len(edges)+1)
			for range 60 {
				e.Add(draw(1), draw(scale))
			}
			if e.Below(edges, 1.25) >= math.Log(20) {
				n++
			}
		}
		return n
	}
	if n := passed(.5, 1); n < 95 {
		t.Errorf("%d of 100 as fast passed by their medians", n)
	}
	if n := passed(.5, 1.25); n > 10 {
		t.Errorf("%d of 100 that are a quarter slower passed by their medians", n)
	}
	if n := passed(.99, 1.25); n > 10 {
		t.Errorf("%d of 100 that are a quarter slower passed by their 99th percentile", n)
	}
}
