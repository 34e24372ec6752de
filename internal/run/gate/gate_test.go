package gate_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/mark"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	"gitlab.com/nines-sre/nines/internal/run/spool"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// state is an objective's standing.
func state(service, name string, level slo.Level, flags ...slo.Flag) gate.BudgetState {
	left := map[slo.Level]*float64{slo.Healthy: new(.5), slo.Caution: new(.2), slo.Critical: new(.05), slo.Exhausted: new(-.124)}[level]
	s := gate.BudgetState{
		Service: service, SLO: name, Objective: "99.95%", Target: "0.9995", Window: "30d",
		Frontier: runtest.Now().Add(-4 * time.Minute), Level: level, Flags: flags,
		Good: 43_199_000, Total: 43_200_000, Allowed: 21_600, Remaining: left, Coverage: 1,
	}
	if left != nil {
		s.Spent = s.Allowed * (1 - *left)
	}
	return s
}

// reads answers with states, whatever is selected of them.
func reads(states ...gate.BudgetState) func(context.Context, *run.Env, status.Options) ([]gate.BudgetState, error) {
	return func(_ context.Context, _ *run.Env, opt status.Options) ([]gate.BudgetState, error) {
		return slices.DeleteFunc(slices.Clone(states), func(s gate.BudgetState) bool {
			return !slices.Contains(opt.Select, s.Service) && !slices.Contains(opt.Select, s.Service+"/"+s.SLO)
		}), nil
	}
}

func broken(err error) func(context.Context, *run.Env, status.Options) ([]gate.BudgetState, error) {
	return func(context.Context, *run.Env, status.Options) ([]gate.BudgetState, error) { return nil, err }
}

func ask(states ...gate.BudgetState) rungate.Options {
	return rungate.Options{Service: "payment-api", Environment: "prod", Change: gate.Change{Version: "1.4.2"}, Read: reads(states...)}
}

func mustRun(t testing.TB, env *run.Env, opt rungate.Options) rungate.Outcome {
	t.Helper()
	out, err := rungate.Run(t.Context(), env, opt)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func codes(d decision.Decision) string {
	var out []string
	for _, r := range d.Reasons {
		out = append(out, r.Code)
	}
	return strings.Join(out, " ")
}

func says(t testing.TB, out rungate.Outcome, want ...string) {
	t.Helper()
	text := strings.Join(out.Advice, "\n")
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the advice does not say %q:\n%s", w, text)
		}
	}
}

var locked = fault.New(fault.Unavailable, "open store nines.db", "locked", "end the other program")

func TestVerdictsAreRecorded(t *testing.T) {
	for _, tt := range []struct {
		name  string
		level slo.Level
		flags []slo.Flag
		exit  int
	}{
		{"pass", slo.Healthy, nil, 0},
		{"fail", slo.Exhausted, nil, 3},
		{"inconclusive", slo.Healthy, []slo.Flag{slo.Stale}, 4},
		{"warn", slo.Caution, nil, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env, l := runtest.Env()
			out := mustRun(t, env, ask(state("payment-api", "availability", tt.level, tt.flags...), state("payment-api", "latency", slo.Healthy)))
			if out.Decision.Verdict.String() != tt.name || out.ExitCode != tt.exit || out.Decision.ID != l.ID(1) || out.Spooled {
				t.Errorf("%+v", out)
			}
			entries := l.All()
			if len(entries) != 1 {
				t.Fatalf("%d entries", len(entries))
			}
			e := entries[0]
			if e.Kind != ledger.KindDecision || e.Subject != "payment-api" || e.Actor != "ada" || !e.At.Equal(runtest.Now()) {
				t.Errorf("entry %+v", e)
			}
			var body rungate.Record
			if err := json.Unmarshal(e.Body, &body); err != nil {
				t.Fatal(err)
			}
			if body.Decision.ID != "" {
				t.Errorf("the body names an ID: %q", body.Decision.ID)
			}
			if diff := cmp.Diff(body.Decision, gate.Decide(body.Request)); diff != "" {
				t.Errorf("what is recorded decides otherwise: %s", diff)
			}
			out.Decision.ID = ""
			if diff := cmp.Diff(body.Decision, out.Decision); diff != "" {
				t.Errorf("another decision was recorded: %s", diff)
			}

			advised := ask(state("payment-api", "availability", tt.level, tt.flags...))
			advised.Mode = gate.ModeAdvise
			if a := mustRun(t, env, advised); a.ExitCode != 0 || a.Decision.Verdict != out.Decision.Verdict {
				t.Errorf("advice: %v, exit code %d", a.Decision.Verdict, a.ExitCode)
			}
		})
	}
}

func TestRefusedQuestions(t *testing.T) {
	base := ask(state("payment-api", "availability", slo.Healthy))
	for _, tt := range []struct {
		name string
		with func(*rungate.Options, *run.Env)
		kind fault.Kind
		say  string
		hint string
	}{
		{"an unknown service", func(o *rungate.Options, _ *run.Env) { o.Service = "payment-ap" }, fault.NotFound, "payment-ap", `did you mean "payment-api"`},
		{"a service nothing is near to", func(o *rungate.Options, _ *run.Env) { o.Service = "zzz" }, fault.NotFound, "zzz", "checkout-api, idle, payment-api"},
		{"no service", func(o *rungate.Options, _ *run.Env) { o.Service = "" }, fault.NotFound, "service", ""},
		{"an SLO", func(o *rungate.Options, _ *run.Env) { o.Service = "payment-api/latency" }, fault.Invalid, "not of SLOs", "name the service"},
		{"a class", func(o *rungate.Options, _ *run.Env) { o.Change.Class = "hotfix" }, fault.Invalid, "hotfix", "change, fix, security, rollback"},
		{"a mode", func(o *rungate.Options, _ *run.Env) { o.Mode = "dry" }, fault.Invalid, "dry", "enforce, advise"},
		{"a row of the policy", func(_ *rungate.Options, e *run.Env) {
			runtest.Policy(gate.Policy{Verdicts: map[string]decision.Verdict{"exausted": decision.Pass}})(e)
		}, fault.Invalid, "exausted", "exhausted"},
		{"a freeze of the policy", func(_ *rungate.Options, e *run.Env) {
			runtest.Policy(gate.Policy{Freezes: []gate.FreezeRule{{Name: "x", Cron: "bad", Duration: time.Hour}}})(e)
		}, fault.Invalid, `freeze "x"`, "five fields"},
		{"an override without a reason", func(o *rungate.Options, _ *run.Env) {
			o.Override = &rungate.OverrideRequest{Reason: "  "}
		}, fault.Invalid, "reason", ""},
		{"an override backwards", func(o *rungate.Options, _ *run.Env) {
			o.Override = &rungate.OverrideRequest{Reason: "x", For: -1}
		}, fault.Invalid, "length", ""},
		{"an override of the past", func(o *rungate.Options, _ *run.Env) {
			o.Override, o.At = &rungate.OverrideRequest{Reason: "x"}, runtest.Now().Add(-time.Hour)
		}, fault.Invalid, "another time", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env, l := runtest.Env()
			opt := base
			tt.with(&opt, env)
			_, err := rungate.Run(t.Context(), env, opt)
			if err == nil || fault.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.say) || !strings.Contains(fault.HintOf(err), tt.hint) {
				t.Errorf("%v (hint %q)", err, fault.HintOf(err))
			}
			if fault.KindOf(err).ExitCode() != 2 {
				t.Errorf("exit code %d", fault.KindOf(err).ExitCode())
			}
			if len(l.All()) > 0 {
				t.Error("something was recorded")
			}
		})
	}
}

func TestPolicies(t *testing.T) {
	env, _ := runtest.Env(runtest.Policy(gate.Policy{Name: "all"}))
	env.Catalog.Policies = append(env.Catalog.Policies, config.GatePolicy{
		Policy:   gate.Policy{Name: "payments", Verdicts: map[string]decision.Verdict{"exhausted": decision.Warn}},
		Services: []string{"payment-api"},
	})
	out := mustRun(t, env, ask(state("payment-api", "availability", slo.Exhausted)))
	if out.Decision.Policy != "payments" || out.ExitCode != 5 {
		t.Errorf("%s, exit code %d", out.Decision.Policy, out.ExitCode)
	}
	other := ask(state("checkout-api", "availability", slo.Healthy), state("payment-api", "availability", slo.Healthy))
	other.Service = "checkout-api"
	if out := mustRun(t, env, other); out.Decision.Policy != "all" {
		t.Errorf("policy %s", out.Decision.Policy)
	}
	if out := mustRun(t, first(runtest.Env()), other); out.Decision.Policy != "default" {
		t.Errorf("policy %s", out.Decision.Policy)
	}
}

func first[T, U any](a T, _ U) T { return a }

func TestDependencies(t *testing.T) {
	env, _ := runtest.Env(runtest.Policy(gate.Policy{DependsOn: []string{"idle", "payment-api/latency", "checkout-api/availability"}}))
	opt := ask(state("checkout-api", "availability", slo.Healthy),
		state("payment-api", "latency", slo.Exhausted), state("payment-api", "availability", slo.Healthy))
	opt.Service = "checkout-api"
	out := mustRun(t, env, opt)
	var got []string
	for _, s := range out.Request.States {
		got = append(got, s.Key()+map[bool]string{true: " dependency"}[s.Dependency])
	}
	want := []string{
		"checkout-api/availability/99.95%", "idle/*/nothing measured dependency",
		"payment-api/availability/99.95% dependency", "payment-api/latency/99.95% dependency",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if out.ExitCode != 5 || codes(out.Decision) != "exhausted unknown" {
		t.Errorf("exit code %d, %s", out.ExitCode, codes(out.Decision))
	}
	if diff := cmp.Diff([]string{"checkout-api", "payment-api", "payment-api/latency"}, rungate.Subjects(env.Catalog, "checkout-api")); diff != "" {
		t.Error(diff)
	}
}

func TestNothingMeasured(t *testing.T) {
	env, _ := runtest.Env()
	opt := ask()
	opt.Service = "idle"
	out := mustRun(t, env, opt)
	if out.ExitCode != 4 || codes(out.Decision) != "unmeasured" {
		t.Errorf("exit code %d, %s", out.ExitCode, codes(out.Decision))
	}
	says(t, out, "nines measure")
	if out := mustRun(t, env, ask()); out.ExitCode != 4 || codes(out.Decision) != "unmeasured" {
		t.Errorf("objectives without history: exit code %d, %s", out.ExitCode, codes(out.Decision))
	}
}

func TestFreezes(t *testing.T) {
	env, _ := runtest.Env(runtest.Policy(gate.Policy{Freezes: []gate.FreezeRule{
		{Name: "lunch", Cron: "0 11 * * *", Duration: 2 * time.Hour, Exempt: []gate.Class{gate.ClassFix}},
		{Name: "afternoon", Cron: "0 13 * * *", Duration: time.Hour, Exempt: []gate.Class{gate.ClassFix}},
	}}))
	healthy := ask(state("payment-api", "availability", slo.Healthy))
	out := mustRun(t, env, healthy)
	if out.ExitCode != 3 || codes(out.Decision) != "freeze" {
		t.Errorf("exit code %d, %s", out.ExitCode, codes(out.Decision))
	}
	// Two freezes in a row end when the second does.
	says(t, out, "wait until 2025-01-31 14:00 UTC, when the freeze ends", "`--class fix` goes with pass", "roll back")

	fix := healthy
	fix.Change.Class = gate.ClassFix
	if out := mustRun(t, env, fix); out.ExitCode != 0 || codes(out.Decision) != "healthy exempt" {
		t.Errorf("exit code %d, %s", out.ExitCode, codes(out.Decision))
	}
	m, err := mark.AddFreeze(t.Context(), env, mark.Mark{Subject: "*", Reason: "audit"})
	if err != nil {
		t.Fatal(err)
	}
	out = mustRun(t, env, fix)
	if out.ExitCode != 3 || !strings.Contains(out.Decision.Reasons[0].Text, `freeze "`+m.ID+`" until it is ended: audit (ada)`) {
		t.Errorf("exit code %d, %v", out.ExitCode, out.Decision.Reasons)
	}
	says(t, out, "no end in sight")
	rollback := healthy
	rollback.Change.Class = gate.ClassRollback
	if out := mustRun(t, env, rollback); out.ExitCode != 0 || codes(out.Decision) != "rollback" {
		t.Errorf("exit code %d, %s", out.ExitCode, codes(out.Decision))
	}
	if _, err := mark.End(t.Context(), env, m.ID); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, env, fix); out.ExitCode != 0 {
		t.Errorf("after its end: exit code %d", out.ExitCode)
	}
	if _, err := mark.AddFreeze(t.Context(), env, mark.Mark{Subject: "checkout-api", Reason: "audit"}); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, env, fix); out.ExitCode != 0 {
		t.Errorf("a freeze of another service: exit code %d", out.ExitCode)
	}
	past := healthy
	past.At = instant(t, "2025-01-30T10:00:00Z")
	if out := mustRun(t, env, past); out.ExitCode != 0 || !out.Decision.At.Equal(past.At) {
		t.Errorf("before it began: exit code %d at %v", out.ExitCode, out.Decision.At)
	}
}

func TestStoreAndSourceOutOfReach(t *testing.T) {
	good := state("payment-api", "availability", slo.Healthy)
	for _, tt := range []struct {
		name      string
		with      func(*rungate.Options, *run.Env, *runtest.Ledger)
		block     int // exit codes
		warn      int
		say, hint string
	}{
		{"history unreadable", func(o *rungate.Options, _ *run.Env, _ *runtest.Ledger) { o.Read = broken(locked) }, 1, 5, "locked", "end the other program"},
		{"history says something odd", func(o *rungate.Options, _ *run.Env, _ *runtest.Ledger) {
			o.Read = broken(fault.New(fault.NotFound, "read", "no such objective", ""))
		}, 1, 5, "no such objective", ""},
		{"no history", func(o *rungate.Options, _ *run.Env, _ *runtest.Ledger) { o.Read = nil }, 1, 5, "there is no store", ""},
		{"ledger unreadable", func(_ *rungate.Options, _ *run.Env, l *runtest.Ledger) { l.FailRead = locked }, 1, 5, "locked", "end the other program"},
		{"ledger unwritable", func(_ *rungate.Options, _ *run.Env, l *runtest.Ledger) { l.FailAppend = locked }, 1, 5, "locked", "end the other program"},
		{"no ledger", func(_ *rungate.Options, e *run.Env, _ *runtest.Ledger) { e.Ledger = nil }, 1, 5, "there is no ledger", ""},
		{"source unreachable", func(o *rungate.Options, _ *run.Env, _ *runtest.Ledger) { o.Trouble = locked }, 1, 5, "locked", "end the other program"},
		{"source unreachable, and the history is old", func(o *rungate.Options, _ *run.Env, _ *runtest.Ledger) {
			o.Trouble, o.Read = locked, reads(state("payment-api", "availability", slo.Healthy, slo.Stale))
		}, 1, 5, "locked", "end the other program"},
		{"source unreachable, and the history is bad enough", func(o *rungate.Options, _ *run.Env, _ *runtest.Ledger) {
			o.Trouble, o.Read = locked, reads(state("payment-api", "availability", slo.Exhausted))
		}, 3, 3, "locked", "end the other program"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, onError := range []gate.OnError{"", gate.OnErrorBlock, gate.OnErrorWarn} {
				env, l := runtest.Env(runtest.Policy(gate.Policy{OnError: onError}))
				env.Spool = spool.Dir(t.TempDir())
				opt := ask(good)
				tt.with(&opt, env, l)
				want := tt.block
				if onError == gate.OnErrorWarn {
					want = tt.warn
				}
				out := mustRun(t, env, opt)
				if out.ExitCode != want || !strings.Contains(out.Request.Error, tt.say) {
					t.Errorf("onError %q: exit code %d, want %d; error %q", onError, out.ExitCode, want, out.Request.Error)
				}
				says(t, out, tt.hint)
				if recorded := len(l.All()) == 1; recorded == out.Spooled {
					t.Errorf("recorded: %v, spooled: %v", recorded, out.Spooled)
				}
				if again := gate.Decide(out.Request); again.Verdict != out.Decision.Verdict {
					t.Errorf("the request decides %v", again.Verdict)
				}
				opt.Mode = gate.ModeAdvise
				if out := mustRun(t, env, opt); out.ExitCode != 0 {
					t.Errorf("advice ends with %d", out.ExitCode)
				}
			}
		})
	}
}

func TestSpooledDecisionsAreRecordedOnce(t *testing.T) {
	env, l := runtest.Env(runtest.Policy(gate.Policy{OnError: gate.OnErrorWarn}))
	env.Spool = spool.Dir(filepath.Join(t.TempDir(), "spool"))
	l.FailAppend = locked
	out := mustRun(t, env, ask(state("payment-api", "availability", slo.Healthy)))
	if !out.Spooled || out.Decision.ID != "" || out.ExitCode != 5 {
		t.Fatalf("%+v", out)
	}
	says(t, out, "recorded when the store is back")

	l.FailAppend = nil
	env.Now = env.Now.Add(time.Minute)
	back := mustRun(t, env, ask(state("payment-api", "availability", slo.Healthy)))
	if back.Decision.ID != l.ID(2) || back.ExitCode != 0 {
		t.Fatalf("%+v", back)
	}
	env.Now = env.Now.Add(time.Minute)
	mustRun(t, env, ask(state("payment-api", "availability", slo.Healthy)))
	entries := l.All()
	if len(entries) != 3 {
		t.Fatalf("%d entries", len(entries))
	}
	var late rungate.Record
	if err := json.Unmarshal(entries[0].Body, &late); err != nil {
		t.Fatal(err)
	}
	if !entries[0].At.Equal(runtest.Now()) || late.Decision.Verdict != decision.Warn || !strings.Contains(late.Request.Error, "locked") {
		t.Errorf("recorded late: %+v", entries[0])
	}
}

func TestALostAnswerIsRecordedOnce(t *testing.T) {
	env, l := runtest.Env()
	env.Spool = spool.Dir(t.TempDir())
	opt := ask(state("payment-api", "availability", slo.Healthy))
	opt.Change.Class = gate.ClassRollback
	l.Lost = true
	out := mustRun(t, env, opt)
	if out.ExitCode != 0 || !out.Spooled {
		t.Fatalf("%+v", out)
	}
	env.Now = env.Now.Add(time.Minute)
	mustRun(t, env, opt)
	if n := len(l.All()); n != 2 {
		t.Errorf("%d entries, want the lost one and the new one", n)
	}
}

func TestNowhereToRecord(t *testing.T) {
	env, _ := runtest.Env(runtest.Policy(gate.Policy{OnError: gate.OnErrorWarn}))
	env.Ledger = nil
	out := mustRun(t, env, ask(state("payment-api", "availability", slo.Healthy)))
	if out.Spooled || out.ExitCode != 5 {
		t.Errorf("%+v", out)
	}
	says(t, out, "recorded nowhere")
}

func TestNothingHoldsARollback(t *testing.T) {
	env, l := runtest.Env(runtest.Policy(gate.Policy{
		Mode: "nonsense", Verdicts: map[string]decision.Verdict{"nonsense": decision.Fail},
		Freezes: []gate.FreezeRule{{Name: "x", Cron: "nonsense"}},
	}))
	env.Spool = spool.Dir(t.TempDir())
	l.FailAppend, l.FailRead = locked, locked
	opt := ask()
	opt.Read, opt.Trouble = broken(locked), locked
	opt.Change.Class = gate.ClassRollback
	out := mustRun(t, env, opt)
	if out.ExitCode != 0 || out.Decision.Verdict != decision.Pass || !out.Spooled {
		t.Errorf("%+v", out)
	}
}

func TestCanceled(t *testing.T) {
	env, l := runtest.Env()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := rungate.Run(ctx, env, ask(state("payment-api", "availability", slo.Healthy)))
	if fault.KindOf(err) != fault.Canceled {
		t.Errorf("%v", err)
	}
	if len(l.All()) > 0 {
		t.Error("something was recorded")
	}
}

func TestAdviceForABurntBudget(t *testing.T) {
	env, _ := runtest.Env()
	env.Zone = time.FixedZone("CET", 3600)
	s := state("payment-api", "availability", slo.Exhausted, slo.FastBurn)
	s.ReopensInSeconds = new(int64(26 * 3600))
	out := mustRun(t, env, ask(s))
	want := []string{
		"wait until 2025-02-01 14:56 CET: at the present burn the budget is out of critical by then",
		"stop the errors: the fast burn ends by itself soon after they do",
		"ship a fix: `--class fix` goes with warn",
		"roll back: `--class rollback` is never held",
		"override with --override --reason TEXT, for at most 1 d (2 of 2 left in seven days)",
	}
	if diff := cmp.Diff(want, out.Advice); diff != "" {
		t.Error(diff)
	}
	s.ReopensInSeconds = nil
	says(t, mustRun(t, env, ask(s)), "waiting alone does not help")
	if out := mustRun(t, env, ask(state("payment-api", "availability", slo.Healthy))); len(out.Advice) > 0 {
		t.Errorf("advice for what may go: %q", out.Advice)
	}
}
