// Package meter reads what the versions of a service did, each by itself, minute
// by minute: what a rollout and a watch judge.
package meter

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Line is one metric of one version over a span.
type Line struct {
	Metric judge.Metric // without samples
	// Minutes are those that are measured, ascending. A minute without requests
	// that the source vouches for is there, and zero.
	Minutes []Minute
}

// Minute is a minute of one version.
type Minute struct {
	At slo.Minute
	judge.Arm
}

// Reading is what a meter knows of a version.
type Reading struct {
	Lines []Line
	// Frontier is where what is usable ends: every line holds what is measured
	// before it.
	Frontier slo.Minute
	// Notes are what the reader should know: a series that does not exist, a
	// stretch without an answer.
	Notes []string
}

// Meter reads versions. Errors are of package fault.
type Meter interface {
	// Read returns the metrics of a version, "" for all versions together, in the
	// usable minutes of a span.
	Read(ctx context.Context, version string, span slo.Span) (Reading, error)
}

// Pair puts the lines of two versions side by side: the minutes that both have.
func Pair(baseline, canary Reading) []judge.Metric {
	var out []judge.Metric
	for _, c := range canary.Lines {
		m := c.Metric
		for _, b := range baseline.Lines {
			if b.Metric.Name == m.Name {
				m.Samples = side(b.Minutes, c.Minutes)
			}
		}
		out = append(out, m)
	}
	return out
}

// side merges two ascending lists of minutes.
func side(baseline, canary []Minute) []judge.Sample {
	var out []judge.Sample
	for i, j := 0, 0; i < len(baseline) && j < len(canary); {
		switch b, c := baseline[i], canary[j]; {
		case b.At < c.At:
			i++
		case c.At < b.At:
			j++
		default:
			out = append(out, judge.Sample{At: b.At, Baseline: b.Arm, Canary: c.Arm})
			i, j = i+1, j+1
		}
	}
	return out
}
