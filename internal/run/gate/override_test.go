package gate_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/mark"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// halted asks for a service whose budget is gone, with an override.
func halted(reason string, length time.Duration) rungate.Options {
	opt := ask(state("payment-api", "availability", slo.Exhausted))
	if reason != "" {
		opt.Override = &rungate.OverrideRequest{Reason: reason, For: length}
	}
	return opt
}

func kinds(l *runtest.Ledger) string {
	var out []string
	for _, e := range l.All() {
		out = append(out, string(e.Kind))
	}
	return strings.Join(out, " ")
}

func TestOverride(t *testing.T) {
	env, l := runtest.Env()
	out := mustRun(t, env, halted("customer is waiting", 2*time.Hour))
	if out.ExitCode != 5 || out.Decision.Verdict != decision.Warn || codes(out.Decision) != "override exhausted" {
		t.Fatalf("%+v", out.Decision)
	}
	if kinds(l) != "override decision" {
		t.Errorf("recorded %s", kinds(l))
	}
	want := &gate.Override{ID: l.ID(1), Actor: "ada", Reason: "customer is waiting", Expires: runtest.Now().Add(2 * time.Hour)}
	if diff := cmp.Diff(want, out.Request.Override); diff != "" {
		t.Error(diff)
	}
	var body map[string]any
	if err := json.Unmarshal(l.All()[0].Body, &body); err != nil {
		t.Fatal(err)
	}
	if body["actor"] != "ada" || body["reason"] != "customer is waiting" || body["expires"] != "2025-01-31T14:00:00Z" || body["environment"] != "prod" {
		t.Errorf("body %v", body)
	}

	// Within its time it is used without being asked for, and asking again takes
	// none of the week's.
	env.Now = env.Now.Add(time.Hour)
	if out := mustRun(t, env, halted("", 0)); out.ExitCode != 5 || out.Request.Override.ID != l.ID(1) {
		t.Errorf("within its time: %+v", out.Decision)
	}
	again := mustRun(t, env, halted("once more", 0))
	if again.ExitCode != 5 || strings.Count(kinds(l), "override") != 1 {
		t.Errorf("asked again: %s", kinds(l))
	}
	says(t, again, "not needed")
	// Elsewhere it does not hold.
	staging := halted("", 0)
	staging.Environment = "staging"
	if out := mustRun(t, env, staging); out.ExitCode != 3 {
		t.Errorf("in another environment: exit code %d", out.ExitCode)
	}
	// At its end it is over.
	env.Now = runtest.Now().Add(2 * time.Hour)
	if out := mustRun(t, env, halted("", 0)); out.ExitCode != 3 || out.Request.Override != nil {
		t.Errorf("after its time: %+v", out.Decision)
	}
}

func TestOverrideIsEnded(t *testing.T) {
	env, _ := runtest.Env()
	out := mustRun(t, env, halted("x", 0))
	env.Now = env.Now.Add(time.Minute)
	if _, err := mark.End(t.Context(), env, out.Request.Override.ID); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, env, halted("", 0)); out.ExitCode != 3 {
		t.Errorf("exit code %d", out.ExitCode)
	}
}

func TestOverrideWithoutEnvironmentHoldsEverywhere(t *testing.T) {
	env, _ := runtest.Env()
	opt := halted("x", 0)
	opt.Environment = ""
	mustRun(t, env, opt)
	if out := mustRun(t, env, halted("", 0)); out.ExitCode != 5 {
		t.Errorf("exit code %d", out.ExitCode)
	}
}

func TestOverrideOfWhatMayGo(t *testing.T) {
	env, l := runtest.Env()
	opt := ask(state("payment-api", "availability", slo.Healthy))
	opt.Override = &rungate.OverrideRequest{Reason: "x"}
	out := mustRun(t, env, opt)
	if out.ExitCode != 0 || kinds(l) != "decision" {
		t.Errorf("exit code %d, recorded %s", out.ExitCode, kinds(l))
	}
	says(t, out, "not needed")
}

func TestOverrideOfAnErrorAndAFreeze(t *testing.T) {
	env, _ := runtest.Env(runtest.Policy(gate.Policy{Freezes: []gate.FreezeRule{{Name: "x", Holidays: []string{"01-31"}}}}))
	opt := halted("x", 0)
	opt.Trouble = locked
	out := mustRun(t, env, opt)
	if out.ExitCode != 5 || codes(out.Decision) != "override freeze exhausted error" {
		t.Errorf("exit code %d, %s", out.ExitCode, codes(out.Decision))
	}
}

func TestWeeklyLimit(t *testing.T) {
	env, l := runtest.Env()
	start := runtest.Now()
	grant := func(after time.Duration) error {
		t.Helper()
		env.Now = start.Add(after)
		_, err := rungate.Run(t.Context(), env, halted("x", time.Hour))
		return err
	}
	day := 24 * time.Hour
	for _, after := range []time.Duration{0, 3 * day} {
		if err := grant(after); err != nil {
			t.Fatal(err)
		}
	}
	err := grant(4 * day)
	if fault.KindOf(err) != fault.Denied || fault.KindOf(err).ExitCode() != 1 || !strings.Contains(fault.HintOf(err), "2025-02-07 12:00 UTC") {
		t.Fatalf("%v (%s)", err, fault.HintOf(err))
	}
	if strings.Count(kinds(l), "override") != 2 {
		t.Errorf("recorded %s", kinds(l))
	}
	says(t, mustRun(t, env, halted("", 0)), "no override is left; the next is possible from 2025-02-07 12:00 UTC")
	if err := grant(7*day - time.Second); fault.KindOf(err) != fault.Denied {
		t.Errorf("a second too early: %v", err)
	}
	if err := grant(7 * day); err != nil {
		t.Errorf("when the first is a week old: %v", err)
	}
	if err := grant(8 * day); fault.KindOf(err) != fault.Denied || !strings.Contains(fault.HintOf(err), "2025-02-10 12:00") {
		t.Errorf("%v (%s)", err, fault.HintOf(err))
	}
	// Another service has its own.
	env.Now = start.Add(8 * day)
	other := halted("x", 0)
	other.Service, other.Read = "checkout-api", reads(state("checkout-api", "availability", slo.Exhausted))
	if out := mustRun(t, env, other); out.ExitCode != 5 {
		t.Errorf("another service: exit code %d", out.ExitCode)
	}
}

func TestOverrideRules(t *testing.T) {
	for _, tt := range []struct {
		name   string
		rule   gate.OverrideRule
		actor  string
		length time.Duration
		say    string // "" for granted
	}{
		{"anybody by default", gate.OverrideRule{}, "eve", 24 * time.Hour, ""},
		{"on the list", gate.OverrideRule{Actors: []string{"ada", "bob"}}, "bob", 0, ""},
		{"not on the list", gate.OverrideRule{Actors: []string{"ada", "bob"}}, "eve", 0, "eve may not override"},
		{"nobody", gate.OverrideRule{}, "", 0, "not known who"},
		{"too long", gate.OverrideRule{}, "eve", 24*time.Hour + 1, "too long"},
		{"too long for the rule", gate.OverrideRule{MaxFor: time.Hour}, "eve", 2 * time.Hour, "2 h is too long"},
		{"longer where the rule says", gate.OverrideRule{MaxFor: 72 * time.Hour}, "eve", 48 * time.Hour, ""},
		{"never", gate.OverrideRule{PerWeek: -1}, "ada", 0, "allows none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env, l := runtest.Env(runtest.Policy(gate.Policy{Override: tt.rule}))
			env.Actor = tt.actor
			out, err := rungate.Run(t.Context(), env, halted("x", tt.length))
			if tt.say == "" {
				if err != nil || out.ExitCode != 5 {
					t.Errorf("%v, exit code %d", err, out.ExitCode)
				}
				return
			}
			if fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), tt.say) || fault.HintOf(err) == "" {
				t.Errorf("%v (%s)", err, fault.HintOf(err))
			}
			if len(l.All()) > 0 {
				t.Errorf("recorded %s", kinds(l))
			}
		})
	}
}

func TestOverrideThatCannotBeRecorded(t *testing.T) {
	for name, with := range map[string]func(*run.Env, *runtest.Ledger){
		"unwritable": func(_ *run.Env, l *runtest.Ledger) { l.FailAppend = locked },
		"unreadable": func(_ *run.Env, l *runtest.Ledger) { l.FailRead = locked },
		"none":       func(e *run.Env, _ *runtest.Ledger) { e.Ledger = nil },
	} {
		env, l := runtest.Env()
		with(env, l)
		if _, err := rungate.Run(t.Context(), env, halted("x", 0)); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDamagedOverrideOpensNothing(t *testing.T) {
	env, l := runtest.Env()
	mustRun(t, env, halted("x", 0))
	l.Tamper(l.ID(1), func(e *ledger.Entry) { e.Body = json.RawMessage(`[]`) })
	out := mustRun(t, env, halted("", 0))
	if out.ExitCode != 3 || !strings.Contains(out.Request.Error, "override "+l.ID(1)) {
		t.Errorf("exit code %d, error %q", out.ExitCode, out.Request.Error)
	}
}

// TestOverridesAtOnce: however many ask at the same moment, the limit holds.
func TestOverridesAtOnce(t *testing.T) {
	env, l := runtest.Env(runtest.Policy(gate.Policy{Override: gate.OverrideRule{PerWeek: 3}}))
	var wg sync.WaitGroup
	var mu sync.Mutex
	granted := 0
	for i := range 12 {
		wg.Go(func() {
			mine := *env
			mine.Actor = fmt.Sprintf("actor-%d", i)
			opt := halted("x", time.Hour)
			opt.Environment = mine.Actor // each in its own, so that none profits from another's
			out, err := rungate.Run(t.Context(), &mine, opt)
			mu.Lock()
			defer mu.Unlock()
			switch kind := fault.KindOf(err); {
			case err == nil && out.ExitCode == 5:
				granted++
			case err == nil || kind != fault.Denied && kind != fault.Conflict:
				t.Errorf("%v, exit code %d", err, out.ExitCode)
			}
		})
	}
	wg.Wait()
	if n := strings.Count(kinds(l), "override"); n > 3 || n != granted || n == 0 {
		t.Errorf("%d overrides recorded, %d granted, at most 3 are allowed", n, granted)
	}
}
