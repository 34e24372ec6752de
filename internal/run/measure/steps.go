package measure

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

const (
	// maxPoints bounds the points of one question, if each minute has one, and so
	// the memory of a run.
	maxPoints = 2_000_000
	// maxPieces is how many holes of a window are asked for one by one; of more,
	// the stretch from the first to the last is asked at once.
	maxPieces = 8
)

// step is one question to a source: a stretch of some indicators. How many
// requests it takes is the source's business.
type step struct {
	jobs []*job
	span slo.Span
	wide slo.Minute // of the datapoints asked for; 0: the queries' own
}

// steps divides what the jobs miss into questions: newest first, then what may
// be asked in wide steps.
func (*runner) steps(jobs []*job) []step {
	jobs = neighbours(jobs)
	var out []step
	for _, wide := range []slo.Minute{0, wideStep} {
		for _, w := range windows(jobs, wide) {
			for _, g := range sharing(jobs, w, wide) {
				out = append(out, g.steps(wide)...)
			}
		}
	}
	return out
}

// windows are the stretches that are read one after the other for all jobs. If
// all fits into one question there is one; else the last day comes first, then
// what the objectives need, then the rest, so that a first answer exists early.
// There are few, because a bill counts metrics, however long the stretch.
func windows(jobs []*job, wide slo.Minute) []slo.Span {
	all, needed, most, points := slo.Span{From: 1<<62 - 1}, slo.Minute(1<<62-1), 1, int64(0)
	for _, j := range jobs {
		if open := j.open(wide); len(open) > 0 {
			all = slo.Span{From: min(all.From, open[0].From), To: max(all.To, open[len(open)-1].To)}
			needed = min(needed, j.needed)
			most = max(most, len(j.queries))
			points += int64(len(j.queries)) * minutes(open)
		}
	}
	// One indicator alone must not exceed what a question may bring.
	longest := max(slo.Day, floor(maxPoints/slo.Minute(most), slo.Day))
	borders := []slo.Minute{floor(all.To-slo.Day, slo.Hour), floor(needed, slo.Hour)}
	if points <= maxPoints {
		borders = nil
	}
	var out []slo.Span
	to := all.To
	for _, from := range append(borders, all.From) {
		for from = max(from, all.From); to > from; {
			w := slo.Span{From: max(from, floor(to-longest, slo.Hour)), To: to}
			out = append(out, w)
			to = w.From
		}
	}
	return out
}

// neighbours puts jobs that ask for the same metrics side by side, so that they
// share requests.
func neighbours(jobs []*job) []*job {
	out := slices.Clone(jobs)
	for _, j := range out {
		if j.metric == "" && len(j.queries) > 0 {
			j.metric = metricOf(j.queries[0])
		}
	}
	slices.SortStableFunc(out, func(a, b *job) int { return strings.Compare(a.metric, b.metric) })
	return out
}

// metricOf is equal for queries that differ in their statistic at most.
func metricOf(q metric.Query) string {
	spec := maps.Clone(q.Spec)
	delete(spec, "stat")
	text, err := json.Marshal(spec)
	if err != nil { // plain data always encodes; unshared is safe
		return q.Key
	}
	return string(text)
}

// group is jobs that miss the same stretches of a window.
type group struct {
	spans []slo.Span
	jobs  []*job
}

// sharing groups the jobs by what they miss in a window at a width of steps.
func sharing(jobs []*job, window slo.Span, wide slo.Minute) []*group {
	var out []*group
	at := map[string]*group{}
	for _, j := range jobs {
		spans := metric.Clip(j.open(wide), window)
		if j.failed != nil || len(spans) == 0 {
			continue
		}
		if n := len(spans); n > maxPieces {
			spans = []slo.Span{{From: spans[0].From, To: spans[n-1].To}}
		}
		key := fmt.Sprint(spans)
		g := at[key]
		if g == nil {
			g = &group{spans: spans}
			at[key] = g
			out = append(out, g)
		}
		g.jobs = append(g.jobs, j)
	}
	return out
}

// steps divides a group into questions of a bounded size. Jobs that ask for the
// same metric stay in one question if they can.
func (g *group) steps(wide slo.Minute) []step {
	var out []step
	var width slo.Minute
	for _, s := range g.spans {
		width += s.Len()
	}
	for from := 0; from < len(g.jobs); {
		to, points := from, slo.Minute(0)
		for to < len(g.jobs) {
			end, more := to, points
			for end < len(g.jobs) && g.jobs[end].metric == g.jobs[to].metric {
				more += width * slo.Minute(len(g.jobs[end].queries))
				end++
			}
			if more > maxPoints && to > from {
				break
			}
			to, points = end, more
		}
		for _, s := range slices.Backward(g.spans) {
			out = append(out, step{g.jobs[from:to], s, wide})
		}
		from = to
	}
	return out
}
