package cloudwatch

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Fetch implements metric.Source. Queries that cannot be understood, and places
// that refuse, are the trouble of their own series; only a cancelled context
// fails the whole.
func (s *Source) Fetch(ctx context.Context, req metric.Request) ([]metric.Series, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	questions, broken := s.understand(req.Queries)
	all := gather(questions)
	parts := newParts(all)
	calls := plan(all, req.Span, slo.MinuteOf(s.opt.Now()))
	var wg sync.WaitGroup
	slots := make(chan struct{}, s.opt.Parallel)
	for i := range calls {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			s.ask(ctx, &calls[i], parts)
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := broken
	for _, a := range all {
		out = append(out, s.series(ctx, a, parts, req.Span)...)
	}
	return out, nil
}

func (s *Source) understand(queries []metric.Query) (map[string]*question, []metric.Series) {
	questions := map[string]*question{}
	var broken []metric.Series
	for _, q := range queries {
		parsed, err := parse(q.Spec, s.opt.Details)
		if err != nil {
			broken = append(broken, metric.Series{Key: q.Key, Err: err})
			continue
		}
		if parsed.Period == 0 {
			parsed.Period = q.Period
		}
		if q.Wide > 0 {
			parsed.Period = q.Wide
		}
		questions[q.Key] = parsed
	}
	return questions, broken
}

// parts collects the answers: a question's, by place.
type parts struct {
	mu sync.Mutex
	of map[*asked]map[place]*part
}

// part is what one place answered to one question.
type part struct {
	points   []metric.Point
	answered []slo.Span
	notes    []string
	err      error
}

func newParts(all []*asked) *parts {
	p := &parts{of: map[*asked]map[place]*part{}}
	for _, a := range all {
		p.of[a] = map[place]*part{}
		for _, at := range a.Places {
			p.of[a][at] = &part{}
		}
	}
	return p
}

// ask sends a call, page by page, and files what came back.
func (s *Source) ask(ctx context.Context, c *call, into *parts) {
	answers, messages, err := s.pages(ctx, c)
	into.mu.Lock()
	defer into.mu.Unlock()
	for i, a := range c.asked {
		p := into.of[a][c.place]
		if err != nil {
			p.err = err
		}
		got := answers[fmt.Sprintf("q%d", i)]
		got.notes = append(got.notes, messages...)
		got.file(c, err == nil, p)
	}
}

// answer is one query's result over all pages.
type answer struct {
	points []metric.Point
	status types.StatusCode
	notes  []string
	bad    int // datapoints that are no numbers, or lie outside the range asked for
}

// pages reads every page of a call. What arrived before an error is returned
// with it.
func (s *Source) pages(ctx context.Context, c *call) (map[string]answer, []string, error) {
	answers := map[string]answer{}
	api, err := s.client(ctx, c.place)
	if err != nil {
		return answers, nil, err
	}
	in := c.input()
	left := c.datapoints() // that may still come
	attempt := eachAttempt(func(ctx context.Context) error {
		if err := s.limits.data(ctx, &c.cut, left, slo.MinuteOf(s.opt.Now())); err != nil {
			return err
		}
		s.count(1, 0, 0)
		return nil
	})
	var messages []string
	seen := map[string]bool{}
	for {
		out, err := api.GetMetricData(ctx, in, attempt)
		if err != nil {
			return answers, messages, explain("GetMetricData", c.place, err)
		}
		c.clock(out.ResultMetadata, s.opt.Now(), s.opt.Lag)
		n := 0
		for i := range out.MetricDataResults {
			n += len(out.MetricDataResults[i].Values)
			take(answers, &out.MetricDataResults[i], c.cut)
		}
		// Further pages are counted as requests of the same metrics: whether the
		// bill repeats them is not documented, so the dearer reading is reported.
		s.count(0, c.billed, n)
		left = max(1, left-n)
		for _, m := range out.Messages {
			messages = append(messages, aws.ToString(m.Code)+": "+aws.ToString(m.Value))
		}
		next := aws.ToString(out.NextToken)
		if next == "" {
			return answers, messages, nil
		}
		if seen[next] {
			return answers, messages, fault.New(fault.Unavailable, "GetMetricData in "+c.place.name(),
				"it gives the same pages again and again", "the stretch is asked for again at the next run")
		}
		seen[next] = true
		in.NextToken = out.NextToken
	}
}

// take files one result of one page.
func take(answers map[string]answer, r *types.MetricDataResult, c cut) {
	id := aws.ToString(r.Id)
	got := answers[id]
	// A query is complete when its last page says so.
	got.status = r.StatusCode
	for i := range min(len(r.Timestamps), len(r.Values)) {
		at := slo.MinuteOf(r.Timestamps[i])
		value, err := slo.AmountOf(r.Values[i])
		if err != nil || !c.span.Contains(at) {
			got.bad++
			continue
		}
		got.points = append(got.points, metric.Point{At: at, Width: c.period, Value: value})
	}
	for _, m := range r.Messages {
		got.notes = append(got.notes, aws.ToString(m.Code)+": "+aws.ToString(m.Value))
	}
	answers[id] = got
}

// file adds an answer to a part. A complete answer vouches for its whole range;
// of an incomplete one only the datapoints that came count as answered.
func (got answer) file(c *call, arrived bool, p *part) {
	p.points = append(p.points, got.points...)
	p.notes = append(p.notes, got.notes...)
	if got.bad > 0 {
		p.notes = append(p.notes, fmt.Sprintf("%d datapoints were no numbers or lay outside the range asked for; they are left out", got.bad))
	}
	if arrived && got.status == types.StatusCodeComplete && got.bad == 0 {
		p.answered = append(p.answered, c.vouched())
		if note := c.skewed(); note != "" {
			p.notes = append(p.notes, note)
		}
		got.points = slices.DeleteFunc(got.points, func(pt metric.Point) bool { return pt.At < c.vouched().To })
	}
	if arrived && got.status != types.StatusCodeComplete {
		p.notes = append(p.notes, fmt.Sprintf("CloudWatch answered %q; what it left out stays unmeasured", status(got.status)))
	}
	for _, pt := range got.points {
		p.answered = append(p.answered, slo.Span{From: pt.At, To: pt.At + pt.Width})
	}
}

func status(c types.StatusCode) string {
	if c == "" {
		return "nothing"
	}
	return string(c)
}

// series puts the places of a question together, once for each key. Regions are
// summed: a step counts only where every region answered for it.
func (s *Source) series(ctx context.Context, a *asked, in *parts, span slo.Span) []metric.Series {
	var out metric.Series
	for i, at := range a.Places {
		p := in.of[a][at]
		slices.SortFunc(p.points, func(x, y metric.Point) int { return int(x.At - y.At) })
		p.points = slices.CompactFunc(p.points, func(x, y metric.Point) bool { return x.At == y.At })
		answered := metric.Merge(p.answered)
		exists := len(p.points) > 0
		if !exists && p.err == nil && len(answered) > 0 {
			exists = s.known(ctx, a.question, at)
		}
		out.Exists = out.Exists || exists
		out.Notes = append(out.Notes, p.notes...)
		if p.err != nil {
			out.Err = p.err
		}
		if i == 0 {
			out.Points, out.Answered = p.points, answered
			continue
		}
		out.Points = sum(out.Points, p.points)
		out.Answered = metric.Common(out.Answered, answered)
	}
	if a.SQL != "" && slo.MinuteOf(s.opt.Now())-span.From > insightsReach {
		out.Notes = append(out.Notes, "Metrics Insights sees three hours back; earlier minutes stay unmeasured")
	}
	if out.Err != nil {
		out.Points, out.Answered = nil, nil
	}
	out.Points = within(out.Points, out.Answered)
	all := make([]metric.Series, len(a.keys))
	for i, key := range a.keys {
		all[i] = out
		all[i].Key = key
	}
	return all
}

// sum adds two series step by step.
func sum(a, b []metric.Point) []metric.Point {
	out := make([]metric.Point, 0, max(len(a), len(b)))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].At < b[0].At:
			out, a = append(out, a[0]), a[1:]
		case b[0].At < a[0].At:
			out, b = append(out, b[0]), b[1:]
		default:
			p := a[0]
			p.Value = add(p.Value, b[0].Value)
			out, a, b = append(out, p), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// add is a sum that stays at the largest amount, which no count may have.
func add(a, b slo.Amount) slo.Amount {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// within keeps the steps that are answered for.
func within(points []metric.Point, answered []slo.Span) []metric.Point {
	return slices.DeleteFunc(points, func(p metric.Point) bool {
		return !metric.Covers(answered, slo.Span{From: p.At, To: p.At + p.Width})
	})
}
