package survey

import (
	"strings"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/discover"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// price works out what reading the objectives of services costs. Services of
// one kind with the same objectives read the same metrics under other names, so
// one of each sort is worked out.
func (e *Env) price(found []discover.Service) []Service {
	type sort struct {
		kind       string
		narrow     bool
		objectives string
	}
	known := map[sort]Service{}
	out := make([]Service, len(found))
	for i, f := range found {
		objectives := placeholders(&f)
		key := sort{f.Ref.Kind, f.Ref.Suffix != "", strings.Join(objectives, ", ")}
		if _, ok := known[key]; !ok {
			known[key] = e.bill(f.Ref, objectives)
		}
		out[i] = known[key]
		out[i].Service = f
	}
	return out
}

// bill asks the source what one reading would be billed as.
func (e *Env) bill(r discover.Ref, objectives []string) (s Service) {
	if e.Planner == nil || len(objectives) == 0 {
		return s
	}
	doc := discover.Document(discover.Doc{Ref: r, Place: e.Place, Name: r.ServiceName(), Objectives: objectives})
	cat, problems := config.Parse([]config.File{{Name: r.String(), Data: doc}}, config.Options{Types: e.Types})
	if problems.Err(false) != nil {
		return s
	}
	req := metric.Request{Span: slo.Span{From: e.Now - 10, To: e.Now - 5}}
	for _, ind := range cat.Indicators {
		req.Queries = append(req.Queries, run.Queries(ind)...)
	}
	s.Metrics = e.Planner.Plan(req).Metrics
	load := cost.Load{Objectives: len(cat.Objectives), Metrics: int(s.Metrics)}
	s.EveryMinute = e.Prices.Monthly(load, cost.Plan{PollMinutes: 1}).Total
	s.Adaptive = e.Prices.Monthly(load, cost.Plan{PollMinutes: 5, Unhealthy: 0.02}).Total
	return s
}

// placeholders are objectives of what can be measured; their numbers do not
// change what is read.
func placeholders(f *discover.Service) []string {
	var out []string
	if f.Available.State == discover.Measurable || f.Available.State == discover.Quiet {
		out = append(out, "99.9% available")
	}
	if f.Latency.State == discover.Measurable || f.Latency.State == discover.Quiet {
		out = append(out, "99% < 1s")
	}
	return out
}
