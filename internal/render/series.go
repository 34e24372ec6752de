package render

import (
	"math"
	"strings"

	"gitlab.com/nines-sre/nines/internal/judge"
)

// Series are the two versions of a metric over time, in stretches of some minutes
// each: a rate of bad requests, or the mean of a value; NaN where a version had
// none.
type Series struct {
	Baseline, Canary []float64
	// Minutes is how long a stretch is; From and To are minutes since the first.
	Minutes int
	Length  int
}

// SeriesOf sums a metric's samples up in at most so many stretches.
func SeriesOf(m *judge.Metric, most int) Series {
	if len(m.Samples) == 0 || most < 1 {
		return Series{}
	}
	first := m.Samples[0].At
	length := int(m.Samples[len(m.Samples)-1].At-first) + 1
	width := (length + most - 1) / most
	n := (length + width - 1) / width
	base, canary := make([]mean, n), make([]mean, n)
	for i := range m.Samples {
		s := &m.Samples[i]
		at := int(s.At-first) / width
		base[at].add(&s.Baseline)
		canary[at].add(&s.Canary)
	}
	out := Series{Minutes: width, Length: length}
	for i := range n {
		out.Baseline = append(out.Baseline, base[i].value())
		out.Canary = append(out.Canary, canary[i].value())
	}
	return out
}

// mean sums counts up, or values.
type mean struct{ sum, n float64 }

func (m *mean) add(a *judge.Arm) {
	if a.Value != nil {
		m.sum, m.n = m.sum+*a.Value, m.n+1
		return
	}
	m.sum, m.n = m.sum+float64(a.Bad), m.n+float64(a.Total)
}

func (m *mean) value() float64 {
	if m.n == 0 {
		return math.NaN()
	}
	return m.sum / m.n
}

// Most is the largest value of both, 0 for none.
func (s *Series) Most() float64 {
	most := 0.0
	for _, values := range [][]float64{s.Baseline, s.Canary} {
		for _, v := range values {
			if v > most {
				most = v
			}
		}
	}
	return most
}

// Spark draws values as a line of text, from 0 to most: a step a value, a dot
// where there is none.
func Spark(values []float64, most float64) string {
	steps := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			b.WriteRune('·')
		case most <= 0 || v <= 0:
			b.WriteRune(steps[0])
		default:
			b.WriteRune(steps[min(len(steps)-1, int(math.Ceil(v/most*float64(len(steps)-1))))])
		}
	}
	return b.String()
}
