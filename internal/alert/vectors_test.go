package alert_test

import (
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// The published vectors: series minute by minute, and when rules fire and reset.
type vector struct {
	ID       string
	SLO      string
	Window   slo.Minute `json:"slo_window_min"`
	Segments []segment
	Alerts   map[string]struct {
		Severity  string
		Long      slo.Minute `json:"long_min"`
		Short     slo.Minute `json:"short_min"`
		Threshold string
		Intervals []interval
	}
	Dynamic []interval `json:"dynamic_2pct_1h_5m"`
}

type segment struct {
	Minutes, Total, Bad int64
	Pattern             []segment
	Repeat              int
}

type interval struct {
	Fire  slo.Minute  `json:"fire_eval"`
	Reset *slo.Minute `json:"reset_eval"`
}

func (s segment) expand(out []slo.Count) []slo.Count {
	for range s.Repeat {
		for _, p := range s.Pattern {
			out = p.expand(out)
		}
	}
	for range s.Minutes {
		out = append(out, slo.Count{Good: slo.Events(s.Total - s.Bad), Total: slo.Events(s.Total)})
	}
	return out
}

// ending is a view that ends earlier.
type ending struct {
	slo.View
	end slo.Minute
}

func (v ending) Frontier() slo.Minute { return v.end }

// TestVectors runs the published series through evaluation and decider: each
// rule fires and resets in the minute that is published, and the rules of an
// objective tell of one incident.
func TestVectors(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "reference", "vectors", "burn.json"))
	if err != nil {
		t.Skipf("the published vectors are not beside this checkout: %v", err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, v := range file.Vectors {
		for name := range v.Alerts {
			checked++
			t.Run(v.ID+"/"+name, func(t *testing.T) {
				t.Parallel()
				v.check(t, name)
			})
		}
	}
	if checked != 45 {
		t.Errorf("%d rules of the vectors checked, there are 45", checked)
	}
}

func (v *vector) check(t *testing.T, name string) {
	a := v.Alerts[name]
	c := slo.Condition{Name: name, Long: a.Long, Short: a.Short, Threshold: threshold(t, a.Threshold)}
	v.same(t, c, a.Intervals)
	if v.Dynamic != nil {
		c.Weighted = true
		v.same(t, c, v.Dynamic)
	}
}

// threshold reads a decimal, or a fraction that is one.
func threshold(t *testing.T, text string) slo.Decimal {
	t.Helper()
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("threshold %q", text)
	}
	d := slo.MustDecimal(r.FloatString(9))
	if d.Rat().Cmp(r) != 0 {
		t.Fatalf("threshold %q has no short decimal", text)
	}
	return d
}

// same follows one condition and compares when it fires and resets.
func (v *vector) same(t *testing.T, c slo.Condition, want []interval) {
	t.Helper()
	var counts []slo.Count
	for _, s := range v.Segments {
		counts = s.expand(counts)
	}
	points := make([]slo.Point, len(counts))
	first := len(counts)
	for i, n := range counts {
		points[i] = slo.Point{At: t0 + slo.Minute(i), Count: n}
		if n.Bad() > 0 {
			first = min(first, i)
		}
	}
	view := slo.NewSeries(1, t0+slo.Minute(len(counts)), points)
	o := &slo.Objective{Target: slo.MustDecimal(v.SLO), Window: slo.Rolling{Length: v.Window}, Conditions: []slo.Condition{c}}
	set := alert.NewSet([]alert.Rule{{ID: "v/v/v/c", Service: "v", SLO: "v", Objective: "v", Condition: c, Breaching: true, Resolved: true}})
	var s alert.State
	var got []interval
	opened, was := 0, false
	for i := slo.Minute(max(0, first-10)); i < slo.Minute(len(counts)); i++ {
		end := t0 + i + 1
		st, _ := slo.Evaluate(slo.Input{Objective: o, View: ending{view, end}, At: end})
		for _, e := range alert.Advance(&s, alert.Input{Set: set, Samples: []alert.Sample{alert.SampleOf(&st, 0)}, At: end}) {
			if e.Kind == alert.Opened {
				opened++
			}
		}
		is := s.Alerts["v/v/v/c"].Phase == alert.Firing
		switch {
		case is && !was:
			got = append(got, interval{Fire: i})
		case was && !is:
			got[len(got)-1].Reset = new(i)
		}
		was = is
	}
	if len(got) != len(want) || opened > len(got) || opened == 0 && len(got) > 0 {
		t.Fatalf("fires %d times and tells %d times, want %d", len(got), opened, len(want))
	}
	for k := range got {
		a, b := got[k], want[k]
		if a.Fire != b.Fire || (a.Reset == nil) != (b.Reset == nil) || a.Reset != nil && *a.Reset != *b.Reset {
			t.Errorf("interval %d: %+v, want %+v", k, a, b)
		}
	}
}
