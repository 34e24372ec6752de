package mannwhitney_test

import (
	"testing"

	mw "gitlab.com/nines-sre/nines/internal/judge/mannwhitney"
)

// The 13 cases of the published scorer suite, and the faults beside them.
func TestScore(t *testing.T) {
	type metrics = []mw.Scored
	m := func(group string, c mw.Class) mw.Scored { return mw.Scored{Group: group, Class: c} }
	critical := func(c mw.Class) mw.Scored { return mw.Scored{Group: "a", Class: c, Critical: true} }
	for _, c := range []struct {
		name    string
		metrics metrics
		weights map[string]float64
		want    float64
	}{
		{"one pass", metrics{m("a", mw.Pass)}, nil, 100},
		{"one high", metrics{m("a", mw.High)}, nil, 0},
		{"one nodata", metrics{m("a", mw.Nodata)}, nil, 0},
		{"two groups, one without data", metrics{m("a", mw.Pass), m("a", mw.Pass), m("b", mw.Nodata)}, nil, 100},
		{"half", metrics{m("a", mw.Pass), m("a", mw.High)}, nil, 50},
		{"a third", metrics{m("a", mw.Pass), m("a", mw.High), m("a", mw.Low)}, nil, 33.33},
		{"weights", metrics{m("a", mw.Pass), m("a", mw.Pass), m("b", mw.High)}, map[string]float64{"a": 75, "b": 25}, 75},
		{"equal weights", metrics{m("a", mw.Pass), m("a", mw.High), m("b", mw.High)}, map[string]float64{"a": 50, "b": 50}, 25},
		{"equal weights, a nodata", metrics{m("a", mw.Pass), m("a", mw.Nodata), m("b", mw.High)}, map[string]float64{"a": 50, "b": 50}, 50},
		{"critical high", metrics{m("a", mw.Pass), critical(mw.High)}, nil, 0},
		{"critical pass", metrics{m("a", mw.Low), critical(mw.Pass)}, nil, 50},
		{"critical nodata", metrics{m("a", mw.Pass), critical(mw.Nodata)}, nil, 0},
		{"unequal weights", metrics{m("a", mw.High), m("a", mw.Low), m("a", mw.Pass), m("b", mw.High)}, map[string]float64{"a": 15, "b": 85}, 5},

		{"every metric erred", metrics{m("a", mw.Error), m("b", mw.Error)}, nil, 100},
		{"a group that is not there", metrics{m("a", mw.Pass)}, map[string]float64{"a": 60, "b": 40}, 60},
		{"the rest is shared", metrics{m("a", mw.Pass), m("b", mw.High), m("c", mw.Pass)}, map[string]float64{"a": 50}, 75},
		{"nodata that fails", metrics{m("a", mw.Pass), m("a", mw.NodataFail)}, nil, 50},
		{"muted", metrics{m("a", mw.Pass), {Group: "a", Class: mw.High, Critical: true, Muted: true}}, nil, 100},
	} {
		if got := mw.Score(c.metrics, c.weights); got.Score != c.want {
			t.Errorf("%s: %+v, want %v", c.name, got, c.want)
		}
	}
}
