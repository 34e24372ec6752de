package canary_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/memory"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/canary"
	"gitlab.com/nines-sre/nines/internal/run/lease"
	"gitlab.com/nines-sre/nines/internal/run/meter"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// killed is what a process is stopped by: nothing of it runs any more.
type killed struct{}

// world is a target, a ledger, a source and a clock, with trouble between them
// and the program. Each call to any of them is counted, and trouble may be made
// of a certain one.
type world struct {
	now    time.Time
	calls  int
	at     func(n int, call string) // before a call; may panic, or change the world
	after  func(n int, call string) // behind one that was done
	refuse func(n int, call string) error

	target *memory.Actor
	ledger *runtest.Ledger
	env    *run.Env
	bad    map[string]float64 // share of bad requests, by version
	rate   int64              // requests a minute, of all versions
	red    []string
	lag    slo.Minute
	plan   rollout.Plan
	writes int // that reached the target
	past   []placed
}

// placed is how the target lay from an instant on.
type placed struct {
	at time.Time
	act.Split
}

// lay is how the target lay in a minute.
func (w *world) lay(m slo.Minute) act.Split {
	is := act.Split{Stable: "7"}
	for _, p := range w.past {
		if !p.at.After(m.Time()) {
			is = p.Split
		}
	}
	return is
}

func newWorld() *world {
	w := &world{
		now: runtest.Now(), target: memory.New("7", "8", "9"), bad: map[string]float64{"8": 0}, rate: 1000, lag: 3,
		plan: rollout.Plan{Steps: []rollout.Step{{Weight: 0.05, Bake: 3}, {Weight: 0.5, Bake: 2}}},
	}
	w.env, w.ledger = runtest.Env()
	w.env.Ledger = &flakyLedger{w}
	return w
}

// meet is a call on its way.
func (w *world) meet(call string) error {
	w.calls++
	n := w.calls
	if w.at != nil {
		w.at(n, call)
	}
	if w.refuse != nil {
		return w.refuse(n, call)
	}
	return nil
}

func (w *world) met(call string) {
	if w.after != nil {
		w.after(w.calls, call)
	}
}

// Now and Sleep make the world a clock in which waiting takes no time.
func (w *world) Now() time.Time { return w.now }

func (w *world) Sleep(ctx context.Context, d time.Duration) error {
	_ = w.meet("sleep")
	if err := ctx.Err(); err != nil {
		return err
	}
	w.now = w.now.Add(d)
	return nil
}

// flakyLedger is the ledger behind the world's trouble.
type flakyLedger struct{ w *world }

func (l *flakyLedger) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	if err := l.w.meet("append"); err != nil {
		return ledger.Entry{}, err
	}
	e, err := l.w.ledger.Append(ctx, d)
	l.w.met("append")
	if lost := l.w.lost("append"); lost != nil {
		return ledger.Entry{}, lost
	}
	return e, err
}

func (l *flakyLedger) Get(ctx context.Context, id string) (ledger.Entry, error) {
	return l.w.ledger.Get(ctx, id)
}

func (l *flakyLedger) Scan(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Entry, error] {
	if err := l.w.meet("scan"); err != nil {
		return func(yield func(ledger.Entry, error) bool) { yield(ledger.Entry{}, err) }
	}
	return l.w.ledger.Scan(ctx, q)
}

func (*flakyLedger) Close() error { return nil }

// lost is an answer that never arrives although the call was done.
func (w *world) lost(call string) error {
	if w.refuse == nil {
		return nil
	}
	return w.refuse(w.calls, "lost "+call)
}

// flaky is the target behind the world's trouble.
type flaky struct{ w *world }

func (a flaky) Caps() act.Caps { return a.w.target.Caps() }

func (a flaky) Read(ctx context.Context) (act.State, error) {
	if err := a.w.meet("read"); err != nil {
		return act.State{}, err
	}
	return a.w.target.Read(ctx)
}

func (a flaky) Plan(ctx context.Context, want act.Action) (act.Change, error) {
	if err := a.w.meet("plan"); err != nil {
		return act.Change{}, err
	}
	return a.w.target.Plan(ctx, want)
}

func (a flaky) Apply(ctx context.Context, c act.Change) (act.Outcome, error) {
	if err := a.w.meet("apply"); err != nil {
		return act.Outcome{}, err
	}
	before := len(a.w.target.Writes())
	o, err := a.w.target.Apply(ctx, c)
	a.w.writes += len(a.w.target.Writes()) - before
	a.w.past = append(a.w.past, placed{a.w.now, a.w.target.Split()})
	a.w.met("apply")
	if lost := a.w.lost("apply"); lost != nil {
		return act.Outcome{}, lost
	}
	return o, err
}

func (a flaky) Publish(ctx context.Context, r act.Release) (string, error) {
	if err := a.w.meet("publish"); err != nil {
		return "", err
	}
	v, err := a.w.target.Publish(ctx, r)
	a.w.met("publish")
	return v, err
}

// Read makes the world a meter: each minute as the target lay when it began.
func (w *world) Read(_ context.Context, version string, span slo.Span) (meter.Reading, error) {
	if err := w.meet("meter"); err != nil {
		return meter.Reading{}, err
	}
	end := min(span.To, slo.MinuteOf(w.now)-w.lag)
	out := meter.Reading{Frontier: max(span.From, end)}
	l := meter.Line{Metric: judge.Metric{Name: "availability"}}
	for m := span.From; m < end; m++ {
		share, split := 0.0, w.lay(m)
		switch version {
		case split.Stable:
			share = 1 - split.Weight
		case split.Canary:
			share = split.Weight
		}
		n := int64(float64(w.rate) * share)
		l.Minutes = append(l.Minutes, meter.Minute{At: m, Arm: judge.Arm{Total: n, Bad: int64(float64(n) * w.bad[version])}})
	}
	out.Lines = []meter.Line{l}
	return out, nil
}

// decide is a judge that is sure at once: more than a tenth of bad requests is
// worse, less is as good once there were enough.
func decide(req judge.Request, now time.Time) (decision.Decision, judge.Result) {
	var total, bad int64
	for _, m := range req.Metrics {
		for _, s := range m.Samples {
			total, bad = total+s.Canary.Total, bad+s.Canary.Bad
		}
	}
	v := decision.Inconclusive
	switch {
	case bad*10 > total:
		v = decision.Fail
	case total >= 100:
		v = decision.Pass
	}
	text := fmt.Sprintf("%d of %d requests of the new version were bad", bad, total)
	sum, _ := decision.Digest(req)
	d := decision.Decision{
		Subject: req.Subject, Verdict: v, Policy: "judge", At: now, InputDigest: sum,
		Reasons: []decision.Reason{{Code: "test", Text: text}},
	}
	return d, judge.Result{Verdict: v, Reasons: d.Reasons}
}

func (w *world) options(holder, version string) canary.Options {
	return canary.Options{
		Rollout: config.Rollout{
			Service: "payment-api", Environment: "production", Plan: w.plan,
			Target: act.Place{Kind: "lambda", Params: map[string]string{"function": "pay", "alias": "live"}},
		},
		Release: act.Release{Version: version}, Actor: flaky{w}, Meter: w, Decide: decide, Clock: w,
		Holder: holder, Alarms: func(context.Context) ([]string, error) { return w.red, nil },
	}
}

// run is one process; died says that it was killed.
func (w *world) run(ctx context.Context, opt canary.Options) (out canary.Outcome, died bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			if _, is := v.(killed); !is {
				panic(v)
			}
			died = true
		}
	}()
	out, err = canary.Run(ctx, w.env, opt)
	return out, died, err
}

// head is the newest entry about the target.
func (w *world) head(t testing.TB) lease.Head {
	t.Helper()
	h, err := lease.Newest(context.Background(), w.ledger, "payment-api", "lambda:pay:live")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// phases are the entries' phases, beats left out.
func (w *world) phases(t testing.TB) []string {
	t.Helper()
	var out []string
	for _, e := range w.ledger.All() {
		if e.Kind == ledger.KindRollout {
			b := body(t, e)
			if b.Phase != lease.Still {
				out = append(out, string(b.Phase))
			}
		}
	}
	return out
}

// quiet ends all trouble.
func (w *world) quiet() { w.at, w.after, w.refuse = nil, nil, nil }

func away() error { return fault.New(fault.Unavailable, "call", "network is unreachable", "") }

func contains(list []decision.Reason, code string) bool {
	return slices.ContainsFunc(list, func(r decision.Reason) bool { return r.Code == code })
}
