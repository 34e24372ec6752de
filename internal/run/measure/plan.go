package measure

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

type changes = timeline.Changes

// job is one indicator on its way through a run.
type job struct {
	ind        config.Indicator
	objectives []*slo.Objective // that use it, members of composites too
	source     config.DataSource
	queries    []metric.Query
	meta       timeline.Meta

	end     slo.Minute // of what is usable
	settled slo.Minute // minutes before it are final
	settle  slo.Minute
	missing []slo.Span // ascending
	needed  slo.Minute // the first minute that the objectives look at
	metric  string     // equal for jobs that ask for the same metric
	beyond  slo.Span   // wanted, but before anything the source can answer for
	wide    bool       // what lies before edge is asked in wide steps
	edge    slo.Minute // between wide steps and the queries' own

	seen    [2]bool // the query is known to exist: it had a point
	past    bool    // whether the history was asked what it knows
	learned bool    // that something exists that was left out as unknown before
	unknown bool    // something was left out because a series is not known to exist
	reasons map[reason]*tally
	failed  error
}

// tally counts minutes that share a fate.
type tally struct {
	minutes slo.Minute
	first   slo.Minute
}

func (j *job) id() timeline.ID { return timeline.ID(j.ind.ID) }

// frontier is the end of the newest answered minute.
func (j *job) frontier() (slo.Minute, bool) { return newest(j.meta) }

func newest(m timeline.Meta) (slo.Minute, bool) {
	if len(m.Answered) == 0 {
		return 0, false
	}
	return m.Answered[len(m.Answered)-1].To, true
}

func ids(jobs []*job) []timeline.ID {
	out := make([]timeline.ID, len(jobs))
	for i, j := range jobs {
		out[i] = j.id()
	}
	return out
}

// plan makes a job of every indicator that an objective uses.
func plan(c *config.Catalog, selected []*config.Objective) []*job {
	users := map[string][]*slo.Objective{}
	for _, o := range selected {
		for u := range Parts(&o.Objective) {
			users[u.Indicator] = append(users[u.Indicator], u)
		}
	}
	var out []*job
	for _, ind := range c.Indicators {
		if len(users[ind.ID]) == 0 {
			continue
		}
		j := &job{ind: ind, objectives: users[ind.ID], reasons: make(map[reason]*tally)}
		j.source, j.failed = run.SourceOf(c, ind)
		j.queries = run.Queries(ind)
		out = append(out, j)
	}
	return out
}

// bySource groups jobs that share a source, in the catalog's order.
func bySource(jobs []*job) [][]*job {
	var out [][]*job
	at := map[string]int{}
	for _, j := range jobs {
		if j.failed != nil {
			continue
		}
		i, ok := at[j.source.Name]
		if !ok {
			i = len(out)
			at[j.source.Name] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], j)
	}
	return out
}

// horizon is the first minute that the objectives want at a frontier.
func (j *job) horizon(frontier, since slo.Minute) slo.Minute {
	if since > 0 {
		return frontier - since
	}
	first := frontier
	for _, o := range j.objectives {
		for _, s := range slo.Needs(o, frontier) {
			first = min(first, s.From)
		}
	}
	return first
}

// bound works out which stretches a job has to ask for, given what its source
// can say. For a recording, extent is where its data lie.
func (j *job) bound(caps metric.Caps, now slo.Minute, opt Options, extent *slo.Span) {
	var first slo.Minute // that the source can answer for
	if extent != nil {
		j.end, j.settled, first = extent.To, extent.To-caps.Settle, extent.From
	} else {
		j.end, j.settled = now-caps.Lag, now-caps.Settle
		if caps.History > 0 {
			first = now - caps.History
		}
	}
	j.settle = caps.Settle
	// Whole steps: a horizon inside a step would leave its rest open for ever.
	step := max(1, j.ind.Period, caps.Period)
	horizon := max(0, floor(j.horizon(j.end, opt.Since), step))
	if extent != nil && opt.Since == 0 {
		// A recording is read whole: it is at hand, and people ask about any
		// instant of it.
		horizon = extent.From
	}
	if caps.Backfill > 0 && !opt.Brief {
		// Such a source makes old steps coarser. Whole hours hold whole steps, so
		// the next run finds no rest of one to ask for.
		if opt.Deep && opt.Since == 0 {
			horizon = min(horizon, max(0, j.end-caps.Backfill+slo.Hour))
		}
		horizon = floor(horizon, slo.Hour)
	}
	wanted := slo.Span{From: max(horizon, first), To: j.end}
	j.needed = max(0, j.horizon(j.end, 0))
	j.beyond = slo.Span{From: j.needed, To: min(first, j.end)}

	open := []slo.Span{{From: j.settled, To: j.end}}
	if extent != nil && j.meta.Birth > first {
		// Rows may have been put in front of a recording; what was answered for
		// then was that there were none.
		open = append(open, slo.Span{From: first, To: j.meta.Birth})
	}
	final := metric.Subtract(j.meta.Answered, open)
	if last, ok := j.frontier(); ok && opt.TailOnly {
		wanted.From = max(wanted.From, min(last, j.settled))
	}
	j.missing = metric.Subtract([]slo.Span{wanted}, final)
}

// floor is the last multiple of step that is not after m.
func floor(m, step slo.Minute) slo.Minute {
	r := m % step
	if r < 0 {
		r += step
	}
	return m - r
}

// reason is why a minute could not be measured.
type reason string

// The reasons.
const (
	tooGood    reason = "more good (or bad) events than events"
	negative   reason = "a negative number of events"
	tooMany    reason = "more events than can be counted"
	noRatio    reason = "a ratio that is not between 0 and 1"
	waiting    reason = ", waiting for a better answer"
	noSeries   reason = "no such metric or dimension: "
	sparseBad  reason = "has never had a datapoint, which is read as no bad events; check its name"
	unanswered reason = "the source did not answer"
)

// say counts minutes under a reason.
func (j *job) say(why reason, s slo.Span) {
	t := j.reasons[why]
	if t == nil {
		t = &tally{first: s.From}
		j.reasons[why] = t
	}
	t.minutes += s.Len()
	t.first = min(t.first, s.From)
}

// tell puts the reasons into words, in a stable order.
func (j *job) tell() []string {
	out := make([]string, 0, len(j.reasons))
	for why, t := range j.reasons {
		out = append(out, fmt.Sprintf("%s: %s (%d minutes, the first at %s)",
			j.ind.ID, why, t.minutes, t.first.Time().Format("2006-01-02 15:04")))
	}
	slices.SortFunc(out, cmp.Compare[string])
	return out
}

// forget drops what was said under reasons that begin with a text.
func (j *job) forget(begins reason) {
	for why := range j.reasons {
		if strings.HasPrefix(string(why), string(begins)) {
			delete(j.reasons, why)
		}
	}
}
