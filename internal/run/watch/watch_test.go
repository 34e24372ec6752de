package watch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	actor "gitlab.com/nines-sre/nines/internal/act/memory"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run/incident"
	runwatch "gitlab.com/nines-sre/nines/internal/run/watch"
	"gitlab.com/nines-sre/nines/internal/run/why"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/watch"
)

func phase(body json.RawMessage) string {
	var b struct {
		Phase string `json:"phase"`
	}
	if json.Unmarshal(body, &b) != nil || b.Phase == "" {
		return ""
	}
	return " " + b.Phase
}

func TestAGoodVersionPasses(t *testing.T) {
	w := newWorld(t)
	w.deploy()
	out := w.run(t.Context())
	if out.Decision.Verdict != decision.Pass || out.Undo != nil || len(w.issues) > 0 || w.actor.Split().Stable != "8" {
		t.Fatalf("%+v", out)
	}
	if out.Request.Version != "8" || out.Request.Before != "7" || !out.Request.Deployed.Equal(deployed()) {
		t.Errorf("%s after %s at %v", out.Request.Version, out.Request.Before, out.Request.Deployed)
	}
	if took := w.now.Sub(deployed()); took < 30*time.Minute || took > 34*time.Minute {
		t.Errorf("it took %v", took)
	}
	if got := w.kinds(); !slices.Equal(got, []string{"rollout start", "decision", "rollout end"}) {
		t.Errorf("recorded %v", got)
	}
	r, err := why.Recompute(t.Context(), w.env, out.Decision.ID)
	if err != nil || !r.Agrees {
		t.Errorf("replay: %+v, %v", r, err)
	}
}

func TestABadVersionIsRolledBack(t *testing.T) {
	w := badVersion(t)
	out := w.run(t.Context())
	u := out.Undo
	if out.Decision.Verdict != decision.Fail || u == nil || !u.Done || u.From != "8" || u.To != "7" || u.Verified != runwatch.Recovered {
		t.Fatalf("%+v, rollback %+v", out.Decision, u)
	}
	if w.actor.Split().Stable != "7" || len(w.actor.Writes()) != 1 || w.actor.Writes()[0].Verb != act.Rollback {
		t.Errorf("the target lies at %s after %+v", w.actor.Split(), w.actor.Writes())
	}
	if at := u.At.Sub(deployed()); at > 9*time.Minute {
		t.Errorf("it was found after %v, and began in the fifth minute", at)
	}
	if got := w.kinds(); !slices.Equal(got, []string{"rollout start", "decision", "rollout intent", "rollout done", "incident", "rollout end"}) {
		t.Errorf("recorded %v", got)
	}
	if len(w.issues) != 1 || !strings.Contains(w.issues[0], "rolled back to 7") || !strings.Contains(w.issues[0], out.Decision.ID) || !strings.Contains(w.issues[0], "| availability |") {
		t.Errorf("the incident says %q", w.issues)
	}
	var in incident.Incident
	for _, e := range w.ledger.All() {
		if e.Kind == ledger.KindIncident {
			if err := json.Unmarshal(e.Body, &in); err != nil {
				t.Fatal(err)
			}
		}
	}
	if in.Deploy != "8" || !in.Deployed.Equal(deployed()) || !in.To.Equal(u.At) || in.Stage != runwatch.Stage || in.From.Minute() != 5 {
		t.Errorf("%+v", in)
	}
	x, err := why.Explain(t.Context(), w.env, "")
	if err != nil || !strings.Contains(strings.Join(x.Lines, "\n"), "rolled back to 7") {
		t.Errorf("why: %v, %v", x.Lines, err)
	}
	// Called again, it is over: nothing is done twice.
	n := len(w.ledger.All())
	again := w.run(t.Context())
	if again.Decision.ID != out.Decision.ID || again.Decision.Verdict != decision.Fail || len(w.actor.Writes()) != 1 || len(w.ledger.All()) != n {
		t.Errorf("again %+v, %d entries", again.Decision, len(w.ledger.All())-n)
	}
}

// TestKilledAnywhere gives the call up at each wait, and calls again until it is
// over: the end is the same, and nothing was done twice.
func TestKilledAnywhere(t *testing.T) {
	stride := 3
	if os.Getenv("NINES_FULL") != "" {
		stride = 1
	}
	for k := 0; ; k += stride {
		w := badVersion(t)
		n := 0
		w.tick = func() error {
			if n++; n == k+1 {
				return context.Canceled
			}
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		out, err := runwatch.Run(ctx, w.env, w.opt)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		ended := n <= k
		if !ended && out.Left && w.actor.Split().Stable != "8" {
			t.Fatalf("given up at wait %d, and the target lies at %s", k, w.actor.Split())
		}
		w.tick = nil
		for range 3 {
			out = w.run(t.Context())
		}
		if out.Decision.Verdict != decision.Fail || out.Undo == nil || !out.Undo.Done || w.actor.Split().Stable != "7" || len(w.actor.Writes()) != 1 {
			t.Fatalf("given up at wait %d: %+v, %s", k, out.Undo, w.actor.Split())
		}
		if count(w, ledger.KindIncident) != 1 {
			t.Fatalf("given up at wait %d: %v", k, w.kinds())
		}
		if ended {
			break
		}
	}
}

func count(w *world, kind ledger.Kind) (n int) {
	for _, e := range w.ledger.All() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// TestTroubleAtTheTarget: whatever the target answers, one version has the traffic
// and what came of it is on record.
func TestTroubleAtTheTarget(t *testing.T) {
	for _, c := range []struct {
		name  string
		pick  func(n int, call string) actor.Trouble
		other string
		lies  string
		done  bool
	}{
		{"throttled twice", func(n int, _ string) actor.Trouble { return map[bool]actor.Trouble{true: actor.Throttled}[n < 2] }, "", "7", true},
		{"the answer is lost", func(_ int, call string) actor.Trouble {
			return map[bool]actor.Trouble{true: actor.LostAnswer}[call == "rollback"]
		}, "", "7", true},
		{"never reached", func(int, string) actor.Trouble { return actor.Away }, "", "8", false},
		{"denied", func(_ int, call string) actor.Trouble {
			return map[bool]actor.Trouble{true: actor.Denied}[call == "rollback"]
		}, "", "8", false},
		{"somebody else changes it", func(_ int, call string) actor.Trouble {
			return map[bool]actor.Trouble{true: actor.Foreign}[call == "rollback"]
		}, "9", "9", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := badVersion(t)
			n := 0
			w.actor.Other = act.Split{Stable: c.other}
			w.actor.Pick = func(call string) actor.Trouble { n++; return c.pick(n-1, call) }
			out := w.run(t.Context())
			if out.Decision.Verdict != decision.Fail || out.Undo.Done != c.done || w.actor.Split().Stable != c.lies {
				t.Fatalf("%+v; it lies at %s", out.Undo, w.actor.Split())
			}
			if !c.done && out.Undo.Refused == "" && !strings.Contains(out.Undo.Trouble, "nines rollback payment-api --to 7") {
				t.Errorf("it does not say how to finish: %+v", out.Undo)
			}
			if len(w.issues) != 1 || count(w, ledger.KindIncident) != 1 {
				t.Errorf("%d incidents", len(w.issues))
			}
		})
	}
}

// TestGuards: what is not rolled back, and why.
func TestGuards(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world)
		says   string
	}{
		{"no target", func(w *world) { w.opt.Target = nil }, "no target"},
		{"a canary is running", func(w *world) { w.actor.Set(act.Split{Stable: "8", Canary: "7", Weight: .1}) }, "a rollout is under way"},
		{"something newer is there", func(w *world) {
			w.tick = func() error {
				if w.now.Sub(deployed()) > 4*time.Minute && w.tick != nil {
					w.tick = nil
					w.record("9", 11*time.Minute-w.now.Sub(deployed()))
				}
				return nil
			}
			w.bad = func(v string, at slo.Minute) int64 {
				if v == "8" && at >= slo.MinuteOf(deployed())+12 {
					return 50
				}
				return 1
			}
		}, "has been deployed since"},
		{"the one before was rolled back itself", func(w *world) {
			body := `{"rollout":"x","target":"watch:payment-api","environment":"production","stage":"watch","phase":"done","undo":{"from":"7","to":"6","done":true}}`
			if _, err := w.ledger.Append(context.Background(), ledger.Draft{At: deployed().Add(-time.Hour), Kind: ledger.KindRollout, Subject: "payment-api", Body: json.RawMessage(body)}); err != nil {
				t.Fatal(err)
			}
		}, "was rolled back itself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := badVersion(t)
			c.change(w)
			before := w.actor.Split()
			out := w.run(t.Context())
			if out.Decision.Verdict != decision.Fail || out.Undo == nil || out.Undo.Done || !strings.Contains(out.Undo.Refused, c.says) || len(w.actor.Writes()) > 0 || w.actor.Split() != before {
				t.Fatalf("%v, %+v, %v", out.Decision.Verdict, out.Undo, w.actor.Writes())
			}
			if len(w.issues) != 1 || !strings.Contains(w.issues[0], "not rolled back") {
				t.Errorf("the incident says %q", w.issues)
			}
		})
	}
}

// TestSomebodyWasFaster: the target lies at the version before already.
func TestSomebodyWasFaster(t *testing.T) {
	w := badVersion(t)
	w.actor.Set(act.Split{Stable: "7"})
	out := w.run(t.Context())
	// Version 7 serves from the first look on, so nothing is found at all.
	if out.Decision.Verdict != decision.Pass || len(w.actor.Writes()) > 0 {
		t.Errorf("%v, %v", out.Decision, w.actor.Writes())
	}
}

// TestTheRollbackDoesNotHelp: it was not the deployment.
func TestTheRollbackDoesNotHelp(t *testing.T) {
	w := newWorld(t)
	w.bad = func(_ string, at slo.Minute) int64 {
		if at >= slo.MinuteOf(deployed())+5 {
			return 50
		}
		return 1
	}
	w.deploy()
	out := w.run(t.Context())
	if out.Undo == nil || !out.Undo.Done || out.Undo.Verified != runwatch.NotRecovered || !strings.Contains(w.issues[0], "has not helped") {
		t.Errorf("%+v, %q", out.Undo, w.issues)
	}
}

// TestTheSourceGoesAway: nothing is known, and it is said so.
func TestTheSourceGoesAway(t *testing.T) {
	w := newWorld(t)
	w.deploy()
	w.away = deployed().Add(10 * time.Minute)
	out := w.run(t.Context())
	if out.Decision.Verdict != decision.Inconclusive || out.Decision.Reasons[0].Code != "stale" {
		t.Errorf("%+v", out.Decision)
	}
	if last := w.told[len(w.told)-1]; last.Trouble == "" {
		t.Error("nobody was told why nothing newer came")
	}
}

// TestTheLedgerIsAway: a rollback does not wait for its record.
func TestTheLedgerIsAway(t *testing.T) {
	w := badVersion(t)
	w.tick = func() error {
		w.ledger.FailAppend = fault.New(fault.Unavailable, "append", "away", "")
		return nil
	}
	out := w.run(t.Context())
	if out.Undo == nil || !out.Undo.Done || w.actor.Split().Stable != "7" {
		t.Fatalf("%+v", out.Undo)
	}
	if !slices.ContainsFunc(out.Notes, func(s string) bool { return strings.Contains(s, "could not be recorded") }) {
		t.Errorf("it does not say so: %q", out.Notes)
	}
}

func TestWeeksAreLeftOut(t *testing.T) {
	w := newWorld(t)
	w.remember()
	w.deploy()
	put := func(back int, after time.Duration, kind ledger.Kind, body string) {
		t.Helper()
		at := deployed().Add(after - time.Duration(back)*7*24*time.Hour)
		if _, err := w.ledger.Append(t.Context(), ledger.Draft{At: at, Kind: kind, Subject: "payment-api", Body: json.RawMessage(body)}); err != nil {
			t.Fatal(err)
		}
	}
	put(1, 10*time.Minute, ledger.KindDeploy, `{"version":"6","environment":"production"}`)
	put(1, 10*time.Minute, ledger.KindDeploy, `{"version":"6","environment":"staging"}`)
	put(2, time.Hour, ledger.KindIncident, fmt.Sprintf(`{"from":%q,"to":%q,"reason":"x"}`,
		deployed().Add(20*time.Minute-14*24*time.Hour).Format(time.RFC3339), deployed().Add(50*time.Minute-14*24*time.Hour).Format(time.RFC3339)))
	put(3, time.Hour, ledger.KindDeploy, `{"version":"6","environment":"production"}`) // behind the hours that count
	out := w.run(t.Context())
	m := out.Request.Metrics[0]
	if m.Weeks[0].Without != "it held a deployment" || m.Weeks[1].Without != "it held an incident" || m.Weeks[2].Without != "" {
		t.Errorf("%q, %q, %q", m.Weeks[0].Without, m.Weeks[1].Without, m.Weeks[2].Without)
	}
	if out.Decision.Verdict != decision.Pass {
		t.Errorf("%+v", out.Decision)
	}
}

// latencyToo adds an objective of 99 % within 300 ms, as CloudWatch measures it.
func latencyToo(w *world, namespace, name string) {
	spec := func(stat string) *slo.Query {
		return &slo.Query{Source: "live", Type: "CloudWatch", Spec: slo.Spec{"namespace": namespace, "metric": name, "stat": stat}}
	}
	w.env.Catalog.Indicators = append(w.env.Catalog.Indicators, config.Indicator{
		ID: "payment-api.latency", Source: "live", Lineage: "v1", Definition: slo.Ratio{Good: spec("TC(:300)"), Total: spec("SampleCount")},
	})
	o := w.env.Catalog.Objectives[0]
	o.SLO, o.Name, o.Indicator = "latency", "99% < 300ms", "payment-api.latency"
	w.env.Catalog.Objectives = append(w.env.Catalog.Objectives, o)
}

func TestPercentiles(t *testing.T) {
	for _, c := range []struct {
		name, namespace, metric string
		value                   float64
		verdict                 decision.Verdict
	}{
		{"above", "AWS/Lambda", "Duration", 250, decision.Fail},
		{"below", "AWS/Lambda", "Duration", 150, decision.Pass},
		{"seconds", "AWS/ApplicationELB", "TargetResponseTime", .25, decision.Fail},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			latencyToo(w, c.namespace, c.metric)
			w.p99 = func(at slo.Minute) float64 {
				if at > slo.MinuteOf(deployed()) {
					return c.value
				}
				return c.value / 2
			}
			w.deploy()
			w.opt.Policy.Limits = []watch.Limit{{Kind: watch.LimitLatency, Value: 200, Text: "200"}}
			out := w.run(t.Context())
			if out.Decision.Verdict != c.verdict || c.verdict == decision.Fail && out.Decision.Reasons[0].Code != "limit" {
				t.Errorf("%+v", out.Decision.Reasons)
			}
		})
	}
}

func TestAlarms(t *testing.T) {
	state, since := "OK", deployed().Add(-time.Hour)
	world := func(t *testing.T) *world {
		t.Helper()
		w := newWorld(t)
		w.deploy()
		w.opt.Policy.Alarms = []string{"5xx"}
		w.opt.Alarms = func(context.Context) ([]metric.Alarm, error) {
			return []metric.Alarm{{Name: "4xx", State: "ALARM"}, {Name: "5xx", State: state, Since: since}}, nil
		}
		return w
	}
	w := world(t)
	w.tick = func() error {
		if w.now.Sub(deployed()) > 6*time.Minute {
			state, since = "ALARM", w.now
		}
		return nil
	}
	if out := w.run(t.Context()); out.Decision.Verdict != decision.Fail || out.Decision.Reasons[0].Code != "alarm" || w.actor.Split().Stable != "7" {
		t.Errorf("%+v", out.Decision)
	}
	state, since = "ALARM", deployed().Add(-time.Hour)
	if out := world(t).run(t.Context()); out.Decision.Verdict != decision.Warn || out.Decision.Reasons[0].Code != "alarm_before" {
		t.Errorf("red from before: %+v", out.Decision)
	}
	// It does not say since when, is red at first, turns green and then red again.
	state, since = "ALARM", time.Time{}
	w = world(t)
	w.tick = func() error {
		state = "ALARM"
		if m := w.now.Sub(deployed()); m > 6*time.Minute && m < 9*time.Minute {
			state = "OK"
		}
		return nil
	}
	if out := w.run(t.Context()); out.Decision.Verdict != decision.Fail || out.Decision.Reasons[0].Code != "alarm" {
		t.Errorf("red again: %+v", out.Decision)
	}
}

func TestWhichDeployment(t *testing.T) {
	w := newWorld(t)
	w.opt.Policy.Undo = watch.UndoNever
	w.now = deployed().Add(5 * time.Minute)
	out := w.run(t.Context())
	if !out.Request.Deployed.Equal(deployed().Add(5*time.Minute)) || len(out.Notes) != 1 || out.Request.Version != "" {
		t.Errorf("nothing on record: %v, %q", out.Request.Deployed, out.Notes)
	}
	w = newWorld(t)
	w.record("7", -time.Hour)
	w.opt.Deployed = deployed().Add(time.Hour)
	if _, err := runwatch.Run(t.Context(), w.env, w.opt); fault.KindOf(err) != fault.Invalid {
		t.Errorf("in the future: %v", err)
	}
	w.opt.Service = "nobody"
	if _, err := runwatch.Run(t.Context(), w.env, w.opt); fault.KindOf(err) != fault.NotFound {
		t.Errorf("nobody: %v", err)
	}
	// Watched from now on, given up, and called again: it is the same deployment.
	w = newWorld(t)
	n := 0
	w.tick = func() error {
		if n++; n == 3 {
			return errors.New("killed")
		}
		return nil
	}
	first := w.run(t.Context())
	if !first.Left {
		t.Fatalf("%+v", first)
	}
	if again := w.run(t.Context()); again.ID != first.ID || !again.Request.Deployed.Equal(deployed()) {
		t.Errorf("%s, and then %s", first.ID, again.ID)
	}
}

// TestKilledWhileRollingBack ends the process at each call of the target, as kill -9
// does, and calls again: the rollback is finished, once, and recorded.
func TestKilledWhileRollingBack(t *testing.T) {
	for k := 0; ; k++ {
		w := badVersion(t)
		n, killed := 0, false
		w.actor.Pick = func(string) actor.Trouble {
			if n++; n == k+1 {
				killed = true
				panic("kill -9")
			}
			return actor.Fine
		}
		func() {
			defer func() { _ = recover() }()
			w.run(t.Context())
		}()
		if v := w.actor.Split(); !v.Whole() {
			t.Fatalf("killed at call %d, and the target lies at %s", k, v)
		}
		out := w.run(t.Context())
		if out.Undo == nil || !out.Undo.Done || out.Undo.To != "7" || w.actor.Split().Stable != "7" || len(w.actor.Writes()) != 1 {
			t.Fatalf("killed at call %d: %+v, %s, %d writes", k, out.Undo, w.actor.Split(), len(w.actor.Writes()))
		}
		if out.Decision.Verdict != decision.Fail || count(w, ledger.KindIncident) != 1 {
			t.Fatalf("killed at call %d: %v, %v", k, out.Decision.Verdict, w.kinds())
		}
		if !killed {
			break
		}
	}
}
