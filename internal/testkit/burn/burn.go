// Package burn holds series of minutes for tests of what alerts elsewhere: a few of
// our own, and the published vectors where they lie beside the checkout. Our own
// engine says at which minutes each condition holds.
package burn

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Vector is a series of minutes, an objective over it, and its conditions.
type Vector struct {
	ID         string
	Target     slo.Decimal
	Window     slo.Minute
	Counts     []slo.Count
	Conditions []slo.Condition
	MinBad     slo.Amount
	// From is the first minute that is looked at; three days of traffic stand
	// before it.
	From int
}

// Run is a stretch of equal minutes.
type Run struct{ Minutes, Total, Bad int64 }

// before is how much clean traffic stands before the first bad event.
const before = int(3*slo.Day) + 10

// Own are vectors of our own, over 99.9 % in 30 days.
func Own() []Vector {
	flaps := []Run{}
	for range 12 {
		flaps = append(flaps, Run{5, 100, 10}, Run{5, 100, 0})
	}
	return []Vector{
		own("outage of 30 minutes", Run{30, 1000, 1000}),
		own("15 % for 10 minutes", Run{10, 1000, 150}),
		own("a tie does not fire", Run{400, 10_000, 144}),
		own("just above the tie", Run{400, 10_000, 145}),
		own("five minutes on, five off", flaps...),
		own("silence after a burst", Run{10, 1000, 500}, Run{20, 0, 0}),
		own("one failure of few", Run{1, 1, 1}, Run{90, 1, 0}),
		own("slow and long", Run{800, 1000, 5}),
		own("one failure, and five are asked for", Run{1, 1, 1}, Run{60, 1, 0}).atLeast(5),
		own("more failures than are asked for", Run{20, 1, 1}, Run{60, 1, 0}).atLeast(5),
	}
}

// Weighted is the vector with conditions in the count form.
func (v Vector) Weighted() Vector {
	v.Conditions = slices.Clone(v.Conditions)
	for i := range v.Conditions {
		v.Conditions[i].Weighted = true
	}
	return v
}

// atLeast asks for a minimum of bad events.
func (v Vector) atLeast(n int64) Vector {
	v.MinBad = slo.Events(n)
	return v
}

func own(id string, runs ...Run) Vector {
	v := Vector{ID: id, Target: slo.MustDecimal("0.999"), Window: 30 * slo.Day}
	v.Conditions, _ = slo.DefaultConditions(slo.Rolling{Length: v.Window}, v.Target)
	clean := Run{int64(before), 1000, 0}
	for _, r := range slices.Concat([]Run{clean}, runs, []Run{{400, 1000, 0}}) {
		for range r.Minutes {
			v.Counts = append(v.Counts, slo.Count{Good: slo.Events(r.Total - r.Bad), Total: slo.Events(r.Total)})
		}
	}
	v.From = before - 10
	return v
}

type segment struct {
	Minutes, Total, Bad int64
	Pattern             []segment
	Repeat              int
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

// Published are the published vectors that have conditions, shortened to what
// their windows can see. The test is skipped where they are not there.
func Published(t testing.TB) []Vector {
	t.Helper()
	root, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(root, "go.mod")); missing == nil || root == filepath.Dir(root) {
			break
		}
		root = filepath.Dir(root)
	}
	raw, err := os.ReadFile(filepath.Join(root, "..", "shared", "reference", "vectors", "burn.json")) //nolint:gosec // beside the checkout
	if err != nil {
		t.Skipf("the published vectors are not beside this checkout: %v", err)
	}
	var f struct {
		Vectors []struct {
			ID       string
			SLO      string
			Window   slo.Minute `json:"slo_window_min"`
			Segments []segment
			Alerts   map[string]struct {
				Long      slo.Minute `json:"long_min"`
				Short     slo.Minute `json:"short_min"`
				Threshold string
			}
		}
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	var out []Vector
	for _, v := range f.Vectors {
		one := Vector{ID: v.ID, Window: v.Window}
		for name, a := range v.Alerts {
			k, err := slo.ParseDecimal(a.Threshold)
			if err != nil {
				continue // a fraction that no document can write
			}
			one.Conditions = append(one.Conditions, slo.Condition{Name: name, Long: a.Long, Short: a.Short, Threshold: k})
		}
		if len(one.Conditions) == 0 || len(v.Segments) == 0 {
			continue
		}
		one.Target = slo.MustDecimal(v.SLO)
		slices.SortFunc(one.Conditions, func(a, b slo.Condition) int { return int(a.Long - b.Long) })
		for _, s := range v.Segments {
			one.Counts = s.expand(one.Counts)
		}
		out = append(out, one.shortened())
	}
	return out
}

// shortened leaves out what is longer ago than any window, and the calm after.
func (v Vector) shortened() Vector {
	bad := func(c slo.Count) bool { return c.Bad() > 0 }
	first := slices.IndexFunc(v.Counts, bad)
	last := len(v.Counts)
	for last > 0 && !bad(v.Counts[last-1]) {
		last--
	}
	from := max(0, first-before)
	v.Counts = v.Counts[from:min(len(v.Counts), last+400)]
	v.From = first - from - 10
	return v
}

// Within leaves out conditions that look back further than length, and the minutes
// that the others cannot see.
func (v Vector) Within(length slo.Minute) Vector {
	v.Conditions = slices.DeleteFunc(slices.Clone(v.Conditions), func(c slo.Condition) bool { return c.Long > length })
	if spare := v.From - int(length) - 10; spare > 0 {
		v.Counts, v.From = v.Counts[spare:], v.From-spare
	}
	return v
}

// Objective is the vector's, without an indicator.
func (v Vector) Objective() slo.Objective {
	return slo.Objective{
		Service: "v", SLO: "s", Name: "o", Target: v.Target, Window: slo.Rolling{Length: v.Window}, Conditions: v.Conditions, MinBad: v.MinBad,
	}
}

// epoch is where minute 0 is put.
const epoch = slo.Minute(28_400_000)

// until is a view that ends earlier.
type until struct {
	slo.View
	end slo.Minute
}

func (u until) Frontier() slo.Minute { return u.end }

// Holds says of each condition at the end of each minute whether our own engine
// finds it true; before From it is not asked.
func (v Vector) Holds() [][]bool {
	points := make([]slo.Point, len(v.Counts))
	for i, c := range v.Counts {
		points[i] = slo.Point{At: epoch + slo.Minute(i), Count: c}
	}
	view := slo.NewSeries(1, epoch+slo.Minute(len(points)), points)
	o := v.Objective()
	out := make([][]bool, len(v.Conditions))
	for k := range out {
		out[k] = make([]bool, len(v.Counts))
	}
	for i := v.From; i < len(v.Counts); i++ {
		end := epoch + slo.Minute(i) + 1
		st, _ := slo.Evaluate(slo.Input{Objective: &o, View: until{view, end}, At: end})
		for k := range st.Conditions {
			out[k][i] = st.Conditions[k].Truth == slo.True
		}
	}
	return out
}
