package backtest

import (
	"cmp"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/backtest"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/run"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// GateStep is how often a gate is asked in a backtest, in minutes.
const GateStep = 5 * slo.Minute(1)

// GateScore says what a gate policy would have answered to an ordinary change of
// a service, asked every GateStep. Freezes and overrides are left out: they are
// people's, not the budget's.
type GateScore struct {
	Service string `json:"service"`
	Policy  string `json:"policy"`
	Asked   int    `json:"asked"`
	// Shares of the answers, by verdict: pass, warn, fail, inconclusive.
	Shares map[string]float64 `json:"shares"`
	// Closures is how often it went from open to closed, Longest for how long it
	// stayed so at most, in minutes.
	Closures int        `json:"closures"`
	Longest  slo.Minute `json:"longest_minutes"`
	// Incidents are those of the service, Closed how many of them were going on,
	// or over for less than an hour, while it was closed.
	Incidents int `json:"incidents"`
	Closed    int `json:"incidents_closed"`
}

// gates replays the gate policies of services.
type gates struct {
	env      *run.Env
	on       bool
	policy   func(service string) gate.Policy
	services []string
	// answers are the worst of each service's objectives' states at each step;
	// states are kept, not verdicts: a policy looks at all of a service.
	asked map[string]map[slo.Minute][]gate.BudgetState
}

func newGates(env *run.Env, t *Trial, on bool) *gates {
	catalog := *env.Catalog
	if len(t.Gates) > 0 {
		catalog.Policies = t.Gates
	}
	return &gates{
		env: env, on: on, asked: map[string]map[slo.Minute][]gate.BudgetState{},
		policy: func(service string) gate.Policy { return rungate.PolicyFor(&catalog, service) },
	}
}

// take evaluates an objective at every step.
func (g *gates) take(h *status.History, span slo.Span) {
	if !g.on {
		return
	}
	service := h.Objective.Service
	if g.asked[service] == nil {
		g.asked[service] = map[slo.Minute][]gate.BudgetState{}
		g.services = append(g.services, service)
	}
	in := h.Input(0)
	for at := span.From + GateStep; at <= span.To; at += GateStep {
		in.At = at
		st, _ := slo.Evaluate(in)
		state := status.State(status.Entry{Objective: h.Objective, Status: st}, false)
		state.ExhaustsInSeconds = nil // decides nothing
		g.asked[service][at] = append(g.asked[service][at], state)
	}
}

func (g *gates) scores(incidents []backtest.Incident) []GateScore {
	var out []GateScore
	for _, service := range g.services {
		out = append(out, g.score(service, incidents))
	}
	slices.SortFunc(out, func(a, b GateScore) int { return cmp.Compare(a.Service, b.Service) })
	return out
}

func (g *gates) score(service string, incidents []backtest.Incident) GateScore {
	policy := g.policy(service)
	policy.Freezes, policy.DependsOn = nil, nil
	out := GateScore{Service: service, Policy: cmp.Or(policy.Name, "default"), Shares: map[string]float64{}}
	steps := g.asked[service]
	at := make([]slo.Minute, 0, len(steps))
	for m := range steps {
		at = append(at, m)
	}
	slices.Sort(at)
	var closed []slo.Span
	for _, m := range at {
		d := gate.Decide(gate.Request{
			Service: service, Change: gate.Change{Class: gate.ClassChange}, Policy: policy,
			States: chosen(steps[m], policy.Objectives), At: m.Time(),
		})
		out.Asked++
		out.Shares[d.Verdict.String()]++
		if d.Verdict != decision.Fail {
			continue
		}
		if n := len(closed); n > 0 && closed[n-1].To == m-GateStep {
			closed[n-1].To = m
		} else {
			closed = append(closed, slo.Span{From: m, To: m})
		}
	}
	for v := range out.Shares {
		out.Shares[v] /= float64(out.Asked)
	}
	out.Closures = len(closed)
	for _, s := range closed {
		out.Longest = max(out.Longest, s.Len()+GateStep)
	}
	for i := range incidents {
		x := &incidents[i]
		if x.Subject != "*" && x.Subject != service && !strings.HasPrefix(x.Subject, service+"/") {
			continue
		}
		out.Incidents++
		if slices.ContainsFunc(closed, func(s slo.Span) bool { return s.From <= x.To+slo.Hour && s.To > x.From }) {
			out.Closed++
		}
	}
	return out
}

// chosen are the states of the SLOs that a policy looks at; all, if it names
// none.
func chosen(states []gate.BudgetState, slos []string) []gate.BudgetState {
	if len(slos) == 0 {
		return states
	}
	var out []gate.BudgetState
	for _, s := range states {
		if slices.Contains(slos, s.SLO) {
			out = append(out, s)
		}
	}
	return out
}
