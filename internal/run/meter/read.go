package meter

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// counterReach is how far before a span a counter's readings are asked for, to
// subtract from.
const counterReach = 2 * slo.Hour

// Read implements [Meter]. Minutes that no source vouches for are left out; a
// series that exists nowhere is noted and never taken for zero.
func (s *Source) Read(ctx context.Context, version string, span slo.Span) (Reading, error) {
	out := Reading{Frontier: min(span.To, slo.MinuteOf(s.opt.Now()))}
	type answer struct {
		*line
		series []metric.Series
	}
	var answers []answer
	for i := range s.lines {
		l := &s.lines[i]
		series, end, err := s.ask(ctx, l, version, span)
		if err != nil {
			return Reading{}, err
		}
		out.Frontier = min(out.Frontier, end)
		answers = append(answers, answer{l, series})
	}
	out.Frontier = max(out.Frontier, span.From)
	for _, a := range answers {
		r := reader{line: a.line, span: slo.Span{From: span.From, To: out.Frontier}, notes: &out.Notes, source: s}
		out.Lines = append(out.Lines, Line{Metric: a.Metric, Minutes: r.minutes(a.series)})
	}
	return out, nil
}

// ask fetches a line's series, in the order of its queries, and says where what
// is usable of them ends.
func (s *Source) ask(ctx context.Context, l *line, version string, span slo.Span) ([]metric.Series, slo.Minute, error) {
	op := "read " + l.Name
	src, err := s.source(ctx, l.source)
	if err != nil {
		return nil, 0, err
	}
	req := metric.Request{Span: span}
	for _, q := range l.queries {
		if q.Spec, err = s.narrow(q.Spec, version); err != nil {
			return nil, 0, fault.Wrap(fault.Invalid, op, err, "")
		}
		req.Queries = append(req.Queries, q)
	}
	end := slo.MinuteOf(s.opt.Now()) - src.Caps().Lag
	if rec, ok := src.(metric.Recorded); ok {
		// A recording is usable to its end; what lies ahead of the clock is not yet.
		end = slo.MinuteOf(s.opt.Now())
		for _, q := range req.Queries {
			extent, err := rec.Extent(ctx, q)
			if err != nil {
				return nil, 0, fault.Wrap(fault.Unavailable, op, err, "")
			}
			end = min(end, extent.To)
		}
	}
	if req.Span.To = min(span.To, end); req.Span.Empty() {
		return make([]metric.Series, len(req.Queries)), end, nil
	}
	if l.counter {
		req.Span.From -= counterReach
	}
	got, err := src.Fetch(ctx, req)
	if err != nil {
		return nil, 0, fault.Wrap(fault.Unavailable, op, err, "")
	}
	out := make([]metric.Series, len(req.Queries))
	for i, q := range req.Queries {
		j := slices.IndexFunc(got, func(a metric.Series) bool { return a.Key == q.Key })
		switch {
		case j < 0:
			return nil, 0, fault.New(fault.Internal, op, "the source answered one query less than it was asked", "")
		case got[j].Err != nil:
			return nil, 0, fault.Wrap(fault.Unavailable, op, got[j].Err, "")
		}
		out[i] = got[j]
		if l.counter {
			out[i] = measure.Increases(got[j])
		}
	}
	return out, end, nil
}

// reader makes minutes of the series of one line.
type reader struct {
	*line
	span   slo.Span
	notes  *[]string
	source *Source
	known  []bool // of each query: whether a point of it was ever seen
	carry  [2]int64
}

func (r *reader) say(format string, args ...any) {
	text := r.Name + ": " + fmt.Sprintf(format, args...)
	if !slices.Contains(*r.notes, text) {
		*r.notes = append(*r.notes, text)
	}
}

// minutes are those in which every series is answered and makes sense.
func (r *reader) minutes(series []metric.Series) []Minute {
	if r.span.Empty() {
		return nil
	}
	grids := make([]grid, len(series))
	exists := make([]bool, len(series))
	for i := range series {
		for _, n := range series[i].Notes {
			r.say("%s", n)
		}
		exists[i] = series[i].Exists || len(series[i].Points) > 0
		r.known = append(r.known, r.source.note(r.queries[i].Key, exists[i]))
		grids[i] = newGrid(&series[i], r.span, r.queries[i].Role == "value")
	}
	var out []Minute
	blank := slo.Minute(0)
	for m := r.span.From; m < r.span.To; m++ {
		cells := make([]cell, len(grids))
		answered := true
		for i := range grids {
			cells[i] = grids[i][m-r.span.From]
			answered = answered && cells[i].answered
		}
		if !answered {
			blank++
			continue
		}
		if arm, ok := r.arm(cells, exists); ok {
			out = append(out, Minute{At: m, Arm: arm})
		}
	}
	if blank > 0 {
		r.say("the source has no answer for %d minutes", blank)
	}
	return out
}

// arm is one minute of one version; false: it is not measured.
func (r *reader) arm(cells []cell, exists []bool) (judge.Arm, bool) {
	if len(cells) == 1 {
		if !cells[0].has {
			r.missed(exists)
			return judge.Arm{}, false
		}
		v := cells[0].sum.Float()
		return judge.Arm{Value: &v}, true
	}
	total, part := cells[0], cells[1]
	if !total.has && part.sum == 0 {
		r.missed(exists)
		// No traffic, if the source knows the series at all.
		return judge.Arm{}, exists[0] && r.line.missing != slo.MissingUnmeasured
	}
	role := r.queries[1].Role
	if !part.has && !r.silent(role, total.sum) {
		return judge.Arm{}, false
	}
	good, bad := part.sum, total.sum-part.sum
	if role == "bad" {
		good, bad = bad, good
	}
	if good < 0 || bad < 0 || total.sum == math.MaxInt64 {
		r.say("more %s events than events in a minute, which is left out", role)
		return judge.Arm{}, false
	}
	b := r.whole(1, bad)
	return judge.Arm{Total: r.whole(0, good) + b, Bad: b}, true
}

// missed says that the series that counts does not exist, where it does not.
func (r *reader) missed(exists []bool) {
	if !exists[0] {
		r.say("no such metric or dimension: %s", r.queries[0].Key)
	}
}

// silent says whether a series of good or of bad events that has no datapoint in a
// minute had none of them.
func (r *reader) silent(role string, total slo.Amount) bool {
	switch {
	case role == "bad":
		if !r.known[1] {
			r.say("%s has never had a datapoint, which is read as no bad events; check its name", r.queries[1].Key)
		}
		return true
	case total > 0 && !r.known[1]:
		// Known of no version: a typo, not a version that does nothing well.
		r.say("no such metric or dimension: %s", r.queries[1].Key)
		return false
	}
	return total == 0 || r.line.missing != slo.MissingUnmeasured
}

// whole rounds an amount to events so that the sum over minutes stays within
// half an event of the exact one: what one minute rounds off, the next has more.
func (r *reader) whole(i int, a slo.Amount) int64 {
	exact := int64(a) + r.carry[i]
	n := max(0, (exact+int64(slo.Unit)/2)/int64(slo.Unit))
	r.carry[i] = exact - n*int64(slo.Unit)
	return n
}

// cell is a minute of a series.
type cell struct {
	answered, has bool
	sum           slo.Amount
}

// grid is a series by minute, over a span.
type grid []cell

// newGrid spreads the steps of a series over their minutes; a value stands in the
// first minute of its step alone, because it was measured once. A step that
// reaches past the span is not known in whole, and its minutes stay unanswered.
func newGrid(s *metric.Series, span slo.Span, value bool) grid {
	g := make(grid, span.Len())
	for _, a := range metric.Clip(s.Answered, span) {
		for m := a.From; m < a.To; m++ {
			g[m-span.From].answered = true
		}
	}
	for _, p := range s.Points {
		step := slo.Span{From: p.At, To: p.At + max(1, p.Width)}
		inside := step.Intersect(span)
		whole := step.From >= span.From && step.To <= span.To
		if value && whole {
			g[step.From-span.From].has, g[step.From-span.From].sum = true, p.Value
			continue
		}
		q, rest := p.Value/slo.Amount(step.Len()), p.Value%slo.Amount(step.Len())
		for m := inside.From; m < inside.To; m++ {
			c := &g[m-span.From]
			if !whole {
				c.answered = false
				continue
			}
			c.has, c.sum = true, c.sum+q
			if slo.Amount(m-step.From) < rest {
				c.sum++
			}
		}
	}
	return g
}
