package analyze

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/analyze"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// series is what was read of a file: counts in steps, or values in points.
type series struct {
	good, bad, total string // columns of counts
	value            string // column of values
	op               slo.Op
	steps            []analyze.Step
	points           []metric.Point
	notes            []string
}

func (s series) isValues() bool { return s.value != "" }

// width is how wide a point is.
func (s series) width() slo.Minute {
	if len(s.points) == 0 {
		return 1
	}
	return s.points[0].Width
}

// read asks the csv source for the columns that were named, or for those it
// finds under the usual names.
func (o *options) read(ctx context.Context, h *host.Host) (series, error) {
	source, err := h.Types()["csv"].Open(ctx, nil, ".")
	if err != nil {
		return series{}, err
	}
	s := series{good: o.good, bad: o.bad, total: o.total, value: o.value, op: opOf(o.op)}
	if s.good+s.bad+s.total+s.value == "" {
		if err := s.guess(ctx, source, o.file); err != nil {
			return series{}, err
		}
	}
	switch {
	case s.value != "" && s.good+s.bad+s.total != "":
		return series{}, fault.New(fault.Invalid, "--value "+s.value, "counts are named as well", "name the one or the other")
	case s.value != "":
		got, err := fetch(ctx, source, o.file, s.value)
		if err == nil {
			s.points, s.notes = got[0].Points, got[0].Notes
		}
		return s, err
	case s.total == "" || (s.good == "") == (s.bad == ""):
		return series{}, fault.New(fault.Invalid, o.file, "counts are a total and either good or bad events",
			"name two columns: --total COLUMN, and --good COLUMN or --bad COLUMN")
	}
	got, err := fetch(ctx, source, o.file, s.good+s.bad, s.total)
	if err != nil {
		return series{}, err
	}
	s.steps = counts(got[0].Points, got[1].Points, s.bad != "")
	s.notes = got[1].Notes
	return s, nil
}

// guess tries the usual columns.
func (s *series) guess(ctx context.Context, source metric.Source, file string) error {
	has := func(column string) bool {
		_, err := fetch(ctx, source, file, column)
		return err == nil
	}
	switch {
	case has("total") && has("good"):
		s.good, s.total = "good", "total"
	case has("total") && has("bad"):
		s.bad, s.total = "bad", "total"
	default:
		if _, err := fetch(ctx, source, file, "value"); err != nil {
			return fault.Wrap(fault.Invalid, "", err, "name the columns: --good and --total, --bad and --total, or --value")
		}
		s.value = "value"
	}
	return nil
}

// fetch reads columns of a file from its first row to its last.
func fetch(ctx context.Context, source metric.Source, file string, columns ...string) ([]metric.Series, error) {
	var req metric.Request
	for _, c := range columns {
		req.Queries = append(req.Queries, metric.Query{Key: c, Spec: slo.Spec{"path": file, "column": c}})
	}
	if recorded, ok := source.(metric.Recorded); ok {
		for _, q := range req.Queries {
			span, err := recorded.Extent(ctx, q)
			if err != nil {
				return nil, err
			}
			if req.Span.Empty() {
				req.Span = span
			}
			req.Span.From, req.Span.To = min(req.Span.From, span.From), max(req.Span.To, span.To)
		}
	}
	got, err := source.Fetch(ctx, req)
	if err != nil {
		return nil, err
	}
	out := make([]metric.Series, len(columns))
	for _, series := range got {
		if series.Err != nil {
			return nil, series.Err
		}
		for i, c := range columns {
			if series.Key == c {
				out[i] = series
			}
		}
	}
	return out, nil
}

// counts puts two columns together; a step that lacks one of them is not
// measured.
func counts(part, total []metric.Point, bad bool) []analyze.Step {
	parts := make(map[slo.Minute]slo.Amount, len(part))
	for _, p := range part {
		parts[p.At] = p.Value
	}
	var steps []analyze.Step
	for _, p := range total {
		good, ok := parts[p.At]
		if !ok {
			continue
		}
		if bad {
			good = p.Value - good
		}
		steps = append(steps, analyze.Step{At: p.At, Width: p.Width, Count: slo.Count{Good: good, Total: p.Value}})
	}
	return steps
}

func opOf(word string) slo.Op {
	switch word {
	case "lt":
		return slo.LessThan
	case "gt":
		return slo.GreaterThan
	case "gte":
		return slo.GreaterOrEqual
	default:
		return slo.LessOrEqual
	}
}
