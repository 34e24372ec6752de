package runtest

import (
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Now is the instant of every environment made here: a Friday noon.
func Now() time.Time { return time.Date(2025, 1, 31, 12, 0, 0, 0, time.UTC) }

// Env returns an environment with three services and an empty ledger:
// payment-api (availability, latency) depends on nothing, checkout-api
// (availability) on payment-api, idle has no objective. change may adapt it.
func Env(change ...func(*run.Env)) (*run.Env, *Ledger) {
	objective := func(service, name string) config.Objective {
		return config.Objective{Objective: slo.Objective{Service: service, SLO: name, Name: "99.95%"}}
	}
	l := &Ledger{}
	env := &run.Env{
		Catalog: &config.Catalog{
			Services: []config.Service{
				{Name: "payment-api"}, {Name: "checkout-api", DependsOn: []string{"payment-api"}}, {Name: "idle"},
			},
			Objectives: []config.Objective{
				objective("payment-api", "availability"), objective("payment-api", "latency"), objective("checkout-api", "availability"),
			},
		},
		Ledger: l, Now: Now(), Actor: "ada",
	}
	for _, f := range change {
		f(env)
	}
	return env, l
}

// Policy gives the environment a policy for everything.
func Policy(p gate.Policy) func(*run.Env) {
	return func(e *run.Env) {
		e.Catalog.Policies = append(e.Catalog.Policies, config.GatePolicy{Policy: p, Services: []string{"*"}})
	}
}
