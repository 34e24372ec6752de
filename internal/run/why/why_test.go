package why_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/mark"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/run/why"
	"gitlab.com/nines-sre/nines/internal/slo"
)

var update = flag.Bool("update", false, "write the golden files anew")

// outage is an availability that lost most of its budget at 9:00.
func outage() gate.BudgetState {
	now := runtest.Now()
	return gate.BudgetState{
		Service: "payment-api", SLO: "availability", Objective: "99.95%", Target: "0.9995", Window: "30d",
		Frontier: now.Add(-4 * time.Minute), Level: slo.Exhausted, Flags: []slo.Flag{slo.FastBurn},
		Good: 43_175_722, Total: 43_200_000, Allowed: 21_600, Spent: 24_278, Remaining: new(-.124), Coverage: 1,
		Conditions: []gate.ConditionState{{
			Name: "page-1h", Severity: "page", Threshold: "14.4", Truth: "true",
			Long: new(16.7), Short: new(200.), LongWindow: "1h", ShortWindow: "5m",
		}},
		ReopensInSeconds: new(int64(40 * 3600)),
		Losses: []gate.Loss{
			{From: now.Add(-3 * time.Hour), To: now.Add(-90 * time.Minute), Bad: 18_000, Total: 60_000, Share: 18_000. / 21_600},
			{From: now.Add(-200 * time.Hour), To: now.Add(-199 * time.Hour), Bad: 4_000, Total: 60_000, Share: 4_000. / 21_600},
			{From: now.Add(-300 * time.Hour), To: now.Add(-299 * time.Hour), Bad: 2_000, Total: 60_000, Share: 2_000. / 21_600},
		},
	}
}

func quiet(name string) gate.BudgetState {
	return gate.BudgetState{
		Service: "payment-api", SLO: name, Objective: "99%", Target: "0.99", Window: "30d", Frontier: runtest.Now().Add(-4 * time.Minute),
		Level: slo.Healthy, Good: 43_100_000, Total: 43_200_000, Allowed: 432_000, Spent: 100_000, Remaining: new(1 - 100_000./432_000), Coverage: 1,
	}
}

func reads(states ...gate.BudgetState) func(context.Context, *run.Env, status.Options) ([]gate.BudgetState, error) {
	return func(context.Context, *run.Env, status.Options) ([]gate.BudgetState, error) { return states, nil }
}

func decide(t testing.TB, env *run.Env, opt rungate.Options) rungate.Outcome {
	t.Helper()
	opt.Service = "payment-api"
	out, err := rungate.Run(t.Context(), env, opt)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// happened records something before the decision.
func happened(t testing.TB, env *run.Env, ago time.Duration, kind ledger.Kind, subject, actor, body string) {
	t.Helper()
	_, err := env.Ledger.Append(t.Context(), ledger.Draft{
		At: runtest.Now().Add(-ago), Kind: kind, Subject: subject, Actor: actor, Body: json.RawMessage(body),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestExplanations(t *testing.T) {
	change := gate.Change{Version: "1.4.2", Actor: "ada"}
	for _, tt := range []struct {
		name string
		make func(t *testing.T, env *run.Env)
	}{
		{"exhausted", func(t *testing.T, env *run.Env) {
			happened(t, env, 6*time.Hour, ledger.KindDeploy, "payment-api", "bob", `{"version":"1.3.9"}`) // too long ago
			happened(t, env, 200*time.Minute, ledger.KindDocument, "", "carol", `{}`)
			happened(t, env, 190*time.Minute, ledger.KindDeploy, "checkout-api", "eve", `{"version":"7"}`) // none of ours
			happened(t, env, 187*time.Minute, ledger.KindDeploy, "payment-api", "bob", `{"version":"1.4.1","environment":"prod"}`)
			happened(t, env, 175*time.Minute, ledger.KindExclusion, "payment-api/latency", "carol", `{"reason":"load test"}`)
			happened(t, env, 60*time.Minute, ledger.KindDeploy, "payment-api", "bob", `{"version":"1.4.1-1"}`) // too late to be the cause
			decide(t, env, rungate.Options{Environment: "prod", Change: change, Read: reads(outage(), quiet("latency"))})
		}},
		{"exhausted two days later", func(t *testing.T, env *run.Env) {
			decide(t, env, rungate.Options{Change: change, Read: reads(outage())})
			env.Now = env.Now.Add(48 * time.Hour)
		}},
		{"released before", func(t *testing.T, env *run.Env) {
			env.Now = runtest.Now().Add(-190 * time.Minute)
			decide(t, env, rungate.Options{Environment: "prod", Change: gate.Change{Version: "1.4.1"}, Read: reads(quiet("availability"))})
			env.Now = runtest.Now()
			decide(t, env, rungate.Options{Environment: "prod", Change: gate.Change{Class: gate.ClassFix, Version: "1.4.2"}, Read: reads(outage())})
		}},
		{"freeze", func(t *testing.T, env *run.Env) {
			if _, err := mark.AddFreeze(t.Context(), env, mark.Mark{Subject: "*", Reason: "audit", To: env.Now.Add(5 * time.Hour), Exempt: []gate.Class{gate.ClassFix}}); err != nil {
				t.Fatal(err)
			}
			env.Now = env.Now.Add(time.Minute)
			decide(t, env, rungate.Options{Change: change, Read: reads(quiet("availability"), quiet("latency"))})
		}},
		{"stale", func(t *testing.T, env *run.Env) {
			s := quiet("availability")
			s.Frontier, s.Flags = env.Now.Add(-50*time.Minute), []slo.Flag{slo.Stale}
			decide(t, env, rungate.Options{Change: change, Mode: gate.ModeAdvise, Read: reads(s)})
		}},
		{"pass", func(t *testing.T, env *run.Env) {
			decide(t, env, rungate.Options{Change: change, Read: reads(quiet("availability"), quiet("latency"))})
		}},
		{"rollback", func(t *testing.T, env *run.Env) {
			decide(t, env, rungate.Options{Change: gate.Change{Class: gate.ClassRollback, Version: "1.4.0"}, Read: reads(outage())})
		}},
		{"override", func(t *testing.T, env *run.Env) {
			decide(t, env, rungate.Options{Change: change, Read: reads(outage()), Override: &rungate.OverrideRequest{Reason: "customer is waiting", For: time.Hour}})
		}},
		{"error", func(t *testing.T, env *run.Env) {
			trouble := fault.New(fault.Unavailable, "ask CloudWatch in eu-central-1", "no route to host", "check the network")
			decide(t, env, rungate.Options{Change: change, Trouble: trouble, Read: reads(quiet("availability"))})
		}},
		{"dependency", func(t *testing.T, env *run.Env) {
			env.Catalog.Services[0].DependsOn = []string{"checkout-api"}
			s := outage()
			s.Service, s.Method = "checkout-api", "Timeslices"
			decide(t, env, rungate.Options{Change: change, Read: reads(quiet("availability"), s)})
		}},
		{"nothing measured", func(t *testing.T, env *run.Env) { decide(t, env, rungate.Options{Read: reads()}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env, l := runtest.Env()
			env.Zone = time.FixedZone("CET", 3600)
			tt.make(t, env)
			x, err := why.Explain(t.Context(), env, "")
			if err != nil {
				t.Fatal(err)
			}
			if n := len(x.Lines); n > 15 {
				t.Errorf("%d lines; a dozen are read", n)
			}
			if all := l.All(); x.Entry.ID != all[len(all)-1].ID || x.Decision.ID != x.Entry.ID {
				t.Errorf("not the newest decision: %s", x.Entry.ID)
			}
			golden(t, strings.ReplaceAll(tt.name, " ", "_")+".txt", strings.Join(x.Lines, "\n")+"\n")

			r, err := why.Recompute(t.Context(), env, "")
			if err != nil || !r.Agrees {
				t.Errorf("it does not agree with itself: %v, %s", err, r.Why)
			}
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func TestFind(t *testing.T) {
	env, l := runtest.Env()
	one := func(err error) string {
		t.Helper()
		if err == nil {
			t.Fatal("no error")
		}
		return err.Error() + " " + fault.HintOf(err)
	}
	_, err := why.Explain(t.Context(), env, "")
	if fault.KindOf(err) != fault.NotFound || !strings.Contains(one(err), "nines gate") {
		t.Errorf("nothing decided: %v", err)
	}
	first := decide(t, env, rungate.Options{Read: reads(outage())})
	env.Now = env.Now.Add(time.Hour)
	other, err := rungate.Run(t.Context(), env, rungate.Options{Service: "idle"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mark.AddFreeze(t.Context(), env, mark.Mark{Subject: "*", Reason: "x"}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"": other.Decision.ID, first.Decision.ID: first.Decision.ID, first.Decision.ID[:8]: first.Decision.ID,
		"payment-api": first.Decision.ID, "idle": other.Decision.ID,
	} {
		x, err := why.Explain(t.Context(), env, id)
		if err != nil || x.Decision.ID != want {
			t.Errorf("Explain(%q) = %s, %v, want %s", id, x.Decision.ID, err, want)
		}
		r, err := why.Recompute(t.Context(), env, id)
		if err != nil || r.Recorded.ID != want || !r.Agrees {
			t.Errorf("Recompute(%q) = %+v, %v, want %s", id, r, err, want)
		}
	}
	for id, want := range map[string]fault.Kind{"zzzz": fault.NotFound, "checkout-api": fault.NotFound, l.ID(3): fault.Invalid, l.ID(1)[:4]: fault.Invalid} {
		if _, err := why.Explain(t.Context(), env, id); fault.KindOf(err) != want || err == nil {
			t.Errorf("Explain(%q): %v, want kind %v", id, err, want)
		}
		if _, err := why.Recompute(t.Context(), env, id); fault.KindOf(err) != want || err == nil {
			t.Errorf("Recompute(%q): %v, want kind %v", id, err, want)
		}
	}
	l.FailRead = fault.New(fault.Unavailable, "store", "locked", "wait")
	if _, err := why.Explain(t.Context(), env, ""); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a locked store: %v", err)
	}
	env.Ledger = nil
	if _, err := why.Explain(t.Context(), env, ""); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no store: %v", err)
	}
}

func TestDamagedDecision(t *testing.T) {
	env, l := runtest.Env()
	decide(t, env, rungate.Options{Read: reads(outage())})
	l.Tamper(l.ID(1), func(e *ledger.Entry) { e.Body = json.RawMessage(`"gone"`) })
	if _, err := why.Explain(t.Context(), env, ""); fault.KindOf(err) != fault.Corrupt {
		t.Errorf("%v", err)
	}
	r, err := why.Recompute(t.Context(), env, "")
	if err != nil || r.Agrees || !strings.Contains(r.Why, "cannot be read") || r.Recorded.Subject != "payment-api" {
		t.Errorf("%+v, %v", r, err)
	}
}
