package mannwhitney

import (
	"cmp"
	"math"
	"slices"
)

// Scored is a metric's result on its way into the score.
type Scored struct {
	Group    string
	Class    Class
	Critical bool
	Muted    bool // shown, and left out
}

// GroupScore is one group's part of the score.
type GroupScore struct {
	Group  string
	Score  float64 // 0 to 100
	Weight float64 // its share of the whole, 0 to 1
	// Nodata: nothing in the group could be compared; its Score is 0, and yet the
	// whole counts it as 100.
	Nodata bool
}

// Summary is the score of all metrics.
type Summary struct {
	Score  float64 // 0 to 100, two decimals
	Groups []GroupScore
	Reason string // why it is 0 whatever the groups say
}

// Score adds results up as Kayenta does. The weights are in per cent; groups
// without one share the rest. Its faults are kept: a metric that could not be
// judged (Error) neither counts nor matters, a group without data counts as good,
// and the weight of a group that has no metrics is lost.
func Score(metrics []Scored, weights map[string]float64) Summary {
	metrics = slices.DeleteFunc(slices.Clone(metrics), func(m Scored) bool { return m.Muted })
	s := Summary{Groups: groups(metrics, weights)}
	total, nodata := 0.0, 0
	for _, g := range s.Groups {
		if g.Nodata {
			total += 100 * g.Weight
		} else {
			total += g.Score * g.Weight
		}
	}
	for _, m := range metrics {
		if m.Critical && m.Class != Pass {
			s.Reason = "a critical metric is " + string(m.Class)
			return s
		}
		if m.Class == Nodata {
			nodata++
		}
	}
	if 2*nodata >= len(metrics) {
		s.Reason = "half of the metrics or more have no data"
		return s
	}
	s.Score = math.Floor(total*100+0.5) / 100
	return s
}

// groups in the order of their names.
func groups(metrics []Scored, weights map[string]float64) []GroupScore {
	type count struct{ pass, of int }
	counts := map[string]*count{}
	for _, m := range metrics {
		c := counts[m.Group]
		if c == nil {
			c = new(count)
			counts[m.Group] = c
		}
		switch m.Class {
		case Pass:
			c.pass++
			c.of++
		case High, Low, NodataFail:
			c.of++
		case Nodata, Error, Open: // in no score
		}
	}
	given, without := 0.0, 0
	for _, w := range weights {
		given += w
	}
	for g := range counts {
		if _, ok := weights[g]; !ok {
			without++
		}
	}
	out := make([]GroupScore, 0, len(counts))
	for g, c := range counts {
		s := GroupScore{Group: g, Weight: weights[g] / 100, Nodata: c.of == 0}
		if _, ok := weights[g]; !ok {
			s.Weight = (100 - given) / float64(without) / 100
		}
		if c.of > 0 {
			s.Score = 100 * float64(c.pass) / float64(c.of)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b GroupScore) int { return cmp.Compare(a.Group, b.Group) })
	return out
}
