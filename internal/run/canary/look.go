package canary

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run/meter"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Record is the body of a judge's decision: the answer with all it rests on, and
// what it was asked for.
type Record struct {
	Judge    judge.Request     `json:"judge"`
	Result   judge.Result      `json:"result"`
	Decision decision.Decision `json:"decision"`
	Rollout  *About            `json:"rollout,omitempty"`
}

// About is the rollout that a decision was taken in.
type About struct {
	ID          string  `json:"id"`
	Target      string  `json:"target"`
	Environment string  `json:"environment,omitempty"`
	Baseline    string  `json:"baseline"`
	Version     string  `json:"version"`
	Step        int     `json:"step"` // counted from 1
	Steps       int     `json:"steps"`
	Weight      float64 `json:"weight,omitempty"`
	// Next is what was done then: "restore", "promote", "shift", "hold", "pause".
	Next string `json:"next"`
}

// looked is what came of a look.
type looked struct {
	request  judge.Request
	result   judge.Result
	decision decision.Decision
	requests int64
	bad      int64
	baseline judge.Tally
	notes    []string
}

// sides are the two versions, as the meter calls them.
func (r *runner) sides() (baseline, canary string) {
	if r.state.Plan.Still {
		return r.opt.Baseline, r.opt.Canary
	}
	return r.state.Base.Stable, r.state.Version
}

// look reads the target, the alarms and what is usable, and asks the judge.
func (r *runner) look(ctx context.Context) rollout.Looked {
	out := rollout.Looked{Minutes: r.state.Minutes}
	var trouble []string
	if !r.state.Plan.Still {
		if is, err := r.opt.Actor.Read(ctx); err != nil {
			trouble = append(trouble, err.Error())
		} else {
			out.Target = &is
		}
	}
	if r.opt.Alarms != nil {
		red, err := r.opt.Alarms(ctx)
		if out.Red, out.Unread = red, err != nil; err != nil {
			trouble = append(trouble, "the alarms: "+err.Error())
		}
	}
	l, err := r.read(ctx)
	if err != nil {
		trouble = append(trouble, err.Error())
		out.Trouble = strings.Join(trouble, "; ")
		return out
	}
	r.last = l
	out.Trouble, out.Verdict, out.Requests = strings.Join(trouble, "; "), l.result.Verdict, l.requests
	out.Minutes, out.Why = r.usable(l.request.Metrics), l.why()
	if !r.state.Plan.Still {
		out.Split = r.misplaced(l.request.Metrics)
	}
	return out
}

// misplaced says why the traffic does not lie as it was asked for; "": it may.
func (r *runner) misplaced(metrics []judge.Metric) string {
	alpha := r.state.Plan.SplitAlpha
	if alpha == 0 {
		alpha = defaultSplitAlpha
	}
	if s := judge.SplitCheck(r.shares(metrics), alpha); s.Verdict == decision.Fail {
		return s.Text
	}
	return ""
}

// defaultSplitAlpha is how rarely a split that is as asked for is taken for
// another.
const defaultSplitAlpha = 0.001

// read reads both versions and judges them.
func (r *runner) read(ctx context.Context) (*looked, error) {
	now := r.clock.Now()
	span := r.state.Whole(slo.MinuteOf(now))
	baseline, canary := r.sides()
	b, err := r.opt.Meter.Read(ctx, baseline, span)
	if err != nil {
		return nil, err //nolint:wrapcheck // of package fault already
	}
	c, err := r.opt.Meter.Read(ctx, canary, span)
	if err != nil {
		return nil, err //nolint:wrapcheck // of package fault already
	}
	l := &looked{notes: notes(b, c)}
	l.request = judge.Request{
		Subject: r.opt.Rollout.Service, Policy: r.opt.Rollout.Judge, Metrics: meter.Pair(b, c),
		From: span.From, To: min(b.Frontier, c.Frontier),
	}
	for i := range l.request.Metrics {
		m := &l.request.Metrics[i]
		m.Samples = slices.DeleteFunc(m.Samples, func(s judge.Sample) bool {
			return s.At < l.request.From || s.At >= l.request.To
		})
		var base, can judge.Tally
		for _, s := range m.Samples {
			base.Total, base.Bad = base.Total+s.Baseline.Total, base.Bad+s.Baseline.Bad
			can.Total, can.Bad = can.Total+s.Canary.Total, can.Bad+s.Canary.Bad
			if s.Canary.Value != nil && can.Total == 0 {
				l.requests = max(l.requests, 1) // it is used, whatever was counted
			}
		}
		if can.Total > l.requests || l.baseline.Total == 0 {
			l.requests, l.bad, l.baseline = max(l.requests, can.Total), can.Bad, base
		}
	}
	if l.baseline.Total > 0 {
		rate := float64(l.baseline.Bad) / float64(l.baseline.Total)
		l.baseline.Rate = &rate
	}
	l.decision, l.result = r.opt.Decide(l.request, now.UTC().Truncate(time.Second))
	return l, nil
}

func notes(of ...meter.Reading) []string {
	var out []string
	for _, r := range of {
		for _, n := range r.Notes {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// why is the sentence that matters most: a finding of the verdict's own kind, else
// the first reason, else why nothing is known.
func (l *looked) why() string {
	for i := range l.result.Findings {
		if f := &l.result.Findings[i]; f.Verdict == l.result.Verdict && !f.Muted && f.Text != "" {
			if f.Minutes == 0 && len(l.notes) > 0 {
				return f.Text + " (" + strings.Join(l.notes, "; ") + ")"
			}
			return f.Text
		}
	}
	if len(l.result.Reasons) > 0 {
		return l.result.Reasons[0].Text
	}
	return strings.Join(l.notes, "; ")
}

// usable is how many minutes of the step are measured in every metric that
// decides.
func (r *runner) usable(metrics []judge.Metric) slo.Minute {
	least, some := slo.Minute(0), false
	for i := range metrics {
		if metrics[i].Muted {
			continue
		}
		n := slo.Minute(0)
		for _, s := range metrics[i].Samples {
			if s.At >= r.state.Begun {
				n++
			}
		}
		if !some || n < least {
			least, some = n, true
		}
	}
	return least
}

// shares counts the requests of each stretch of the metric that has most.
func (r *runner) shares(metrics []judge.Metric) []judge.Share {
	var best *judge.Metric
	most := int64(0)
	for i := range metrics {
		n := int64(0)
		for _, s := range metrics[i].Samples {
			n += s.Baseline.Total + s.Canary.Total
		}
		if n > most {
			best, most = &metrics[i], n
		}
	}
	var out []judge.Share
	if best == nil {
		return nil
	}
	for _, seg := range r.state.Segments {
		sh := judge.Share{Asked: seg.Weight}
		for _, s := range best.Samples {
			if s.At >= seg.From && (seg.To == 0 || s.At < seg.To) {
				sh.Canary += s.Canary.Total
				sh.Baseline += s.Baseline.Total
			}
		}
		out = append(out, sh)
	}
	return out
}

// decided records the judge's answer where something followed from it.
func (r *runner) decided(ctx context.Context, prev *rollout.State, ev rollout.Event) {
	if _, is := ev.(rollout.Looked); !is || r.last == nil || prev.Phase != rollout.Bake {
		return
	}
	if r.state.Phase == prev.Phase && r.state.Step == prev.Step && r.state.Extra == prev.Extra {
		return
	}
	baseline, canary := r.sides()
	rec := Record{Judge: r.last.request, Result: r.last.result, Decision: r.last.decision, Rollout: &About{
		ID: r.state.ID, Target: r.target, Environment: r.opt.Rollout.Environment, Baseline: baseline, Version: canary,
		Step: prev.Step + 1, Steps: len(prev.Plan.Steps), Weight: prev.At().Weight, Next: next(&r.state),
	}}
	r.out.Decision, r.decision = r.last.decision, ""
	body, err := json.Marshal(rec)
	if err != nil {
		r.out.Notes = append(r.out.Notes, "the decision is not recorded: "+err.Error())
		return
	}
	now := r.clock.Now()
	d := ledger.Draft{
		At: now, Kind: ledger.KindDecision, Subject: r.opt.Rollout.Service, Actor: r.env.Actor, Body: body,
		Key: keyOf(ledger.KindDecision, r.opt.Holder, now.UnixNano(), json.RawMessage(body)),
	}
	e, err := r.env.Ledger.Append(context.WithoutCancel(ctx), d)
	if err == nil {
		r.decision, r.out.Decision.ID = e.ID, e.ID
		return
	}
	if r.env.Spool != nil && r.env.Spool.Put(context.WithoutCancel(ctx), d) == nil {
		r.out.Notes = append(r.out.Notes, "the decision is recorded when the store is back: "+err.Error())
		return
	}
	r.out.Notes = append(r.out.Notes, "the decision is not recorded: "+err.Error())
}

// next is what a state is about to do, in a word.
func next(s *rollout.State) string {
	switch {
	case s.Action != nil:
		return string(s.Action.Verb)
	case s.Phase == rollout.End:
		return string(s.Outcome)
	case s.Phase == rollout.Pause:
		return "pause"
	case s.Extra > 0:
		return "extend"
	}
	return "go on"
}

// tellLook tells how it stands.
func (r *runner) tellLook(why []decision.Reason) {
	p := Progress{Looked: true, Reasons: why}
	if l := r.last; l != nil {
		p.Requests, p.Bad, p.Baseline, p.Result, p.Notes = l.requests, l.bad, l.baseline, l.result, l.notes
	}
	r.tell(p)
}
