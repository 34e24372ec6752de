// Package poll keeps the history up to date for as long as it runs: every
// objective every few minutes, and those that burn every minute.
//
// It adds no meaning of its own. Each tick measures what is due as `nines
// measure` does, reads how those objectives stand, and decides when each is
// due again; the history is the only state, so it can end anywhere.
package poll

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/loop"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Defaults of the pace.
const (
	Every = 5 * time.Minute // while nothing burns
	Fast  = time.Minute     // while something does
	Hold  = 10 * time.Minute
)

const (
	// wholeEvery is how often holes in the past are looked for; in between only
	// the newest minutes are asked for.
	wholeEvery = time.Hour
	// blankReach is how far back an indicator is looked for that never had a
	// point, in between: a typo must not be asked for weeks every few minutes.
	blankReach = slo.Hour
	// spread is by how much a loop's grid is moved against the full minute.
	spread = 30 * time.Second
	// longest is what failures put a reading off to at most.
	longest = 15 * time.Minute
	// grace is how long a reading may go on when the loop is to end.
	grace = 10 * time.Second
)

// Options steer Run.
type Options struct {
	// Select limits the work to services, service/slo or objectives; empty:
	// everything.
	Select []string
	// Pace is how often; zero fields take the defaults. The annotation nines/poll
	// of an objective goes before Every.
	Pace Pace
	// Since is how far back the first reading goes; 0: what the windows need.
	Since slo.Minute
	// Now tells the time.
	Now func() time.Time
	// Jitter returns a number from 0 to below 1 that moves the grid; may be nil.
	Jitter func() float64
	// Progress and Tell are called from one goroutine: Progress during a reading
	// (may be nil), Tell after it. An error of Tell ends the loop.
	Progress func(measure.Progress)
	Tell     func(Tick) error
}

// Tick is what one reading did.
type Tick struct {
	At         time.Time `json:"at"`
	Objectives int       `json:"objectives"` // measured in this reading
	Watched    int       `json:"watched"`    // measured by the loop in all
	Fast       int       `json:"fast"`       // of those, how many are at the fast pace from now on
	// Changes are objectives whose pace has changed.
	Changes  []Change          `json:"changes,omitempty"`
	Requests int64             `json:"requests"` // sent to sources that count them, else fetches
	Metrics  int64             `json:"metrics"`  // metrics requested, as billed
	Filled   int64             `json:"filled"`
	Replaced int64             `json:"replaced"`
	Frontier time.Time         `json:"frontier,omitzero"` // the oldest of what was measured
	Skipped  int               `json:"skipped,omitempty"` // readings left out because the last took long
	Notes    []string          `json:"notes,omitempty"`
	Failed   map[string]string `json:"failed,omitempty"` // indicator -> why
	// Error is what kept the reading from being recorded or judged.
	Error string `json:"error,omitempty"`

	cause   error
	entries []status.Entry
}

// Cause is the first error of a reading: of the store, or of a source whose
// indicators stand in Failed. Nil: everything was measured.
func (t *Tick) Cause() error { return t.cause }

// Entries are how the objectives stand that were measured; empty when they could
// not be judged.
func (t *Tick) Entries() []status.Entry { return t.entries }

// Change is an objective whose pace has changed.
type Change struct {
	Objective string            `json:"objective"`
	Every     string            `json:"every"`
	Reasons   []decision.Reason `json:"reasons,omitempty"`
}

// Run measures until the context is cancelled; then a reading under way is
// brought to its end, or is cut off after ten seconds, and Run returns nil. A
// reading that fails is told and tried again later; only a selection that
// matches nothing and an error of Tell end the loop.
func Run(ctx context.Context, env *run.Env, opt Options) error {
	p, err := newPoller(env, opt)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	loop.Run(ctx, p.plan(), func(ctx context.Context, t loop.Tick) loop.Outcome {
		tick, out := p.tick(ctx, t)
		if p.told = opt.Tell(tick); p.told != nil {
			stop()
		}
		return out
	}, loop.Options{Now: opt.Now, Jitter: opt.Jitter, Spread: min(spread, p.opt.Pace.Fast), MaxBackoff: longest, Grace: grace})
	return p.told
}

func newPoller(env *run.Env, opt Options) (*poller, error) {
	selected, err := measure.Select(env.Catalog, opt.Select)
	if err != nil {
		return nil, err
	}
	if len(selected) == 0 {
		return nil, fault.New(fault.NotFound, "watch", "the documents hold no objective", "name their folder with --config")
	}
	opt.Pace = Pace{
		Every: cmp.Or(opt.Pace.Every, Every), Fast: cmp.Or(opt.Pace.Fast, Fast), Hold: cmp.Or(opt.Pace.Hold, Hold),
	}
	p := &poller{env: *env, opt: opt, objectives: map[string]*config.Objective{}, paces: map[string]Cadence{}, blank: map[string]bool{}}
	p.sources = newSources(env.Open)
	p.env.Open = p.sources.open
	for _, o := range selected {
		p.objectives[o.Key()] = o
		p.paces[o.Key()] = Cadence{Every: p.pace(o).Every}
	}
	return p, nil
}

type poller struct {
	env        run.Env
	opt        Options
	sources    *sources
	objectives map[string]*config.Objective
	paces      map[string]Cadence
	blank      map[string]bool // never measured yet
	whole      time.Time       // when holes were last looked for
	told       error
}

// pace is an objective's own.
func (p *poller) pace(o *config.Objective) Pace {
	out := p.opt.Pace
	if o.Poll > 0 {
		out.Every = time.Duration(o.Poll) * time.Minute
	}
	return out
}

func (p *poller) plan() loop.Plan {
	out := loop.Plan{}
	for key, c := range p.paces {
		out[key] = c.Every
	}
	return out
}

// tick is one reading: measure, see how it stands, decide what comes next.
func (p *poller) tick(ctx context.Context, t loop.Tick) (Tick, loop.Outcome) {
	env := p.env
	env.Now = t.At
	out := Tick{At: t.At.UTC().Truncate(time.Second), Objectives: len(t.Due), Watched: len(p.objectives), Skipped: t.Skipped}
	before := p.sources.usage()
	err := p.measure(ctx, &env, t.Due, &out)
	if used := p.sources.usage(); used != before {
		out.Requests, out.Metrics = used.Requests-before.Requests, used.Metrics-before.Metrics
	}
	next := loop.Outcome{Failed: p.failed(t.Due, out.Failed)}
	if err == nil {
		err = p.decide(ctx, &env, t.Due, &out)
	}
	if err != nil {
		out.Error, out.cause, next.Failed = err.Error(), err, t.Due
	}
	for _, c := range p.paces {
		if c.Fast() {
			out.Fast++
		}
	}
	next.Plan = p.plan()
	return out, next
}

// measure brings in what is due: now and then all that is missing, else the
// newest minutes. The error is the store's or the caller's.
func (p *poller) measure(ctx context.Context, env *run.Env, due []string, out *Tick) error {
	whole := p.whole.IsZero() || (len(due) == len(p.objectives) && !env.Now.Before(p.whole.Add(wholeEvery)))
	opt := measure.Options{TailOnly: !whole, Deep: whole, Progress: p.opt.Progress}
	if p.whole.IsZero() {
		opt.Since = p.opt.Since
	}
	known, blank := due, []string(nil)
	if !whole {
		known, blank = p.split(due)
	}
	if err := p.read(ctx, env, known, opt, out); err != nil {
		return err
	}
	if whole {
		p.whole = env.Now
	}
	return p.read(ctx, env, blank, measure.Options{Since: blankReach}, out)
}

// split takes apart what was never measured.
func (p *poller) split(due []string) (known, blank []string) {
	for _, key := range due {
		if p.blank[key] {
			blank = append(blank, key)
		} else {
			known = append(known, key)
		}
	}
	return known, blank
}

// read measures some objectives and adds to what the tick tells.
func (*poller) read(ctx context.Context, env *run.Env, keys []string, opt measure.Options, out *Tick) error {
	if len(keys) == 0 {
		return nil
	}
	opt.Select = keys
	rep, err := measure.Run(ctx, env, opt)
	out.Requests += int64(rep.Requests)
	out.Filled += rep.Filled
	out.Replaced += rep.Replaced
	out.Notes = append(out.Notes, rep.Notes...)
	if !rep.Frontier.IsZero() && (out.Frontier.IsZero() || rep.Frontier.Before(out.Frontier)) {
		out.Frontier = rep.Frontier
	}
	if len(rep.Failed) > 0 && out.Failed == nil {
		out.Failed = map[string]string{}
	}
	maps.Copy(out.Failed, rep.Failed)
	if len(rep.Failed) > 0 {
		out.cause = cmp.Or(out.cause, err)
		return nil // told by name; the others are measured
	}
	return err
}

// failed are the objectives over indicators that could not be measured.
func (p *poller) failed(due []string, why map[string]string) []string {
	var out []string
	for _, key := range due {
		for part := range measure.Parts(&p.objectives[key].Objective) {
			if _, bad := why[part.Indicator]; bad {
				out = append(out, key)
				break
			}
		}
	}
	return out
}

// decide sees how objectives stand and sets their pace.
func (p *poller) decide(ctx context.Context, env *run.Env, due []string, out *Tick) error {
	entries, err := status.Read(ctx, env, status.Options{Select: due})
	if err != nil {
		return err
	}
	out.entries = entries
	for i := range entries {
		e := &entries[i]
		key := e.Objective.Key()
		was := p.paces[key]
		is := Decide(&e.Status, was, p.pace(e.Objective), env.Now)
		p.paces[key], p.blank[key] = is, e.Status.Frontier == 0
		if is.Every != was.Every {
			out.Changes = append(out.Changes, Change{Objective: key, Every: is.Every.String(), Reasons: is.Reasons})
		}
	}
	slices.SortFunc(out.Changes, func(a, b Change) int { return cmp.Compare(a.Objective, b.Objective) })
	return nil
}
