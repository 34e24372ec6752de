package delivery_test

import (
	"encoding/json"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/delivery"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/incident"
	"gitlab.com/nines-sre/nines/internal/run/lease"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	runwatch "gitlab.com/nines-sre/nines/internal/run/watch"
)

// book writes entries at hours before runtest.Now.
type book struct {
	t   *testing.T
	env *run.Env
}

func (b book) put(hours float64, kind ledger.Kind, body any) {
	b.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	at := runtest.Now().Add(-time.Duration(hours * float64(time.Hour)))
	_, err = b.env.Ledger.Append(b.t.Context(), ledger.Draft{At: at, Kind: kind, Subject: "payment-api", Actor: "ada", Body: data})
	if err != nil {
		b.t.Fatal(err)
	}
}

func ended(version, environment string, o rollout.Outcome) lease.Body {
	return lease.Body{
		Rollout: version, Target: "lambda:pay:live", Environment: environment, Phase: lease.End, Stage: lease.Stage,
		State: rollout.State{ID: version, Version: version, Outcome: o, Base: &act.State{Split: act.Split{Stable: "2"}}},
	}
}

func TestFromTheLedger(t *testing.T) {
	env, _ := runtest.Env()
	b := book{t, env}
	const prod, staging = "production", "staging"
	b.put(900, ledger.KindDeploy, rungate.Deployed{Version: "aaa", Environment: prod})
	// A canary in staging finds one, one in production another.
	b.put(800, ledger.KindRollout, ended("3", staging, rollout.Failed))
	b.put(790, ledger.KindRollout, ended("4", prod, rollout.Failed))
	// Version 5 is promoted, recorded under its commit, and taken back by command.
	b.put(700, ledger.KindRollout, ended("5", prod, rollout.Promoted))
	b.put(700, ledger.KindDeploy, rungate.Deployed{Version: "bbb", Environment: prod, Committed: runtest.Now().Add(-703 * time.Hour)})
	back := ended("5", prod, rollout.Restored)
	back.State.Undo = true
	b.put(690, ledger.KindRollout, back)
	// Version ccc was let through by an override, and a watch rolls it back.
	b.put(600, ledger.KindOverride, gate.Override{})
	b.put(600, ledger.KindDeploy, rungate.Deployed{Version: "ccc", Environment: prod})
	at := runtest.Now().Add(-599 * time.Hour)
	b.put(599, ledger.KindRollout, runwatch.Body{Stage: runwatch.Stage, Phase: runwatch.PhaseDone, Environment: prod, Undo: &runwatch.Undo{From: "ccc", To: "aaa", Done: true, At: at}})
	b.put(599, ledger.KindIncident, incident.Incident{Environment: prod, Deploy: "ccc", Deployed: at.Add(-time.Hour), From: at.Add(-20 * time.Minute), To: at, Stage: runwatch.Stage})
	// A repair, and what is no deployment in production.
	b.put(501, ledger.KindDecision, rungate.Record{Request: gate.Request{Service: "payment-api", Change: gate.Change{Version: "ddd", Class: gate.ClassFix}}})
	b.put(500, ledger.KindDeploy, rungate.Deployed{Version: "ddd", Environment: prod})
	b.put(400, ledger.KindDeploy, rungate.Deployed{Version: "eee", Environment: staging})

	all, err := delivery.Run(t.Context(), env, delivery.Options{Service: "payment-api", From: runtest.Now().Add(-1000 * time.Hour), To: runtest.Now()})
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	r := all[0].Report
	if r.Environment != prod || r.Deployments != 4 || r.Failed != 2 || r.Overrides != 1 {
		t.Errorf("%+v", r)
	}
	if r.Days != 900./24 {
		t.Errorf("on record for %g days", r.Days)
	}
	if r.LeadTime.Count != 1 || *r.LeadTime.Value != 3*3600 {
		t.Errorf("lead time %+v", r.LeadTime)
	}
	if r.Recovery.Count != 1 || *r.Recovery.Value != 20*60 {
		t.Errorf("recovery %+v", r.Recovery)
	}
	// The two rollbacks are deployments too, and the fix was one that nobody had planned.
	if r.Rework.Count != 3 || r.Rework.Of != 6 {
		t.Errorf("rework %+v", r.Rework)
	}
	got := map[string]int{}
	for _, s := range r.Stages {
		got[s.Name] = s.Count
	}
	if len(got) != 4 || got["canary"] != 1 || got["canary in staging"] != 1 || got["watch"] != 1 || got["users"] != 1 || *r.Caught.Value != .5 {
		t.Errorf("%v, caught %+v", got, r.Caught)
	}
}

func TestTrouble(t *testing.T) {
	env, l := runtest.Env()
	b := book{t, env}
	opt := delivery.Options{Service: "nobody", From: runtest.Now().Add(-1000 * time.Hour), To: runtest.Now()}
	if _, err := delivery.Run(t.Context(), env, opt); fault.KindOf(err) != fault.NotFound {
		t.Errorf("nobody: %v", err)
	}
	opt.Service = ""
	if all, err := delivery.Run(t.Context(), env, opt); err != nil || len(all) != 3 {
		t.Errorf("every service: %d, %v", len(all), err)
	}
	b.put(10, ledger.KindDeploy, "not an object")
	if _, err := delivery.Run(t.Context(), env, opt); fault.KindOf(err) != fault.Corrupt {
		t.Errorf("damaged: %v", err)
	}
	l.FailRead = fault.New(fault.Unavailable, "scan", "away", "")
	if _, err := delivery.Run(t.Context(), env, opt); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("away: %v", err)
	}
	env.Ledger = nil
	if _, err := delivery.Run(t.Context(), env, opt); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no ledger: %v", err)
	}
}
