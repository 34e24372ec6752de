// Package cost says what a catalog costs a month to measure, and what it would
// cost otherwise. It counts with the real sources' planners and asks nobody.
package cost

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Options steer Run.
type Options struct {
	Prices cost.Prices
	// Plan is how measuring is run; its PollMinutes must be positive.
	Plan cost.Plan
	// Select limits the bill to services or service/slo; empty: everything.
	Select []string
}

// backfill is how much history CloudWatch keeps by five minutes or finer.
const backfill = 63 * slo.Day

// Report is a bill and what it rests on.
type Report struct {
	Date       string      `json:"prices_date"`
	Region     string      `json:"prices_region"`
	Currency   string      `json:"currency"`
	Note       string      `json:"prices_note,omitempty"`
	Stale      bool        `json:"prices_stale"`
	Unverified []cost.Item `json:"prices_unverified,omitempty"`

	Load cost.Load `json:"load"`
	// Free are data sources that bill nothing, with their type.
	Free []string `json:"free,omitempty"`
	// Bill is that of the plan asked for; Others those of other ways.
	Bill   cost.Bill   `json:"bill"`
	Others []cost.Bill `json:"others"`
	// Backfill is the least that filling 63 days costs, once.
	Backfill cost.Bill `json:"backfill"`
	Services []Service `json:"services"`
	Hints    []Hint    `json:"hints,omitempty"`
	// Notes say what could not be counted.
	Notes []string `json:"notes,omitempty"`
}

// Service is what a service costs a month; Metrics are shared inside it.
type Service struct {
	Name       string      `json:"name"`
	Metrics    int         `json:"metrics"`
	Price      float64     `json:"price"`
	Objectives []Objective `json:"objectives"` // the dearest first
}

// Objective is what an objective would cost a month if it were alone.
type Objective struct {
	Key     string  `json:"key"`
	Metrics int     `json:"metrics"`
	Price   float64 `json:"price"`
}

// Hint is a way to pay less, and by how much a month.
type Hint struct {
	Text  string  `json:"text"`
	Saves float64 `json:"saves"`
}

// Run counts and multiplies. Its errors are those of documents and of sources
// that cannot be opened.
func Run(ctx context.Context, env *run.Env, opt Options) (Report, error) {
	if !(opt.Plan.PollMinutes > 0) || opt.Plan.Unhealthy < 0 || opt.Plan.Unhealthy > 1 {
		return Report{}, fault.New(fault.Invalid, "cost", fmt.Sprintf("polling every %v min with a share of %v that burns is no plan", opt.Plan.PollMinutes, opt.Plan.Unhealthy), "")
	}
	selected, err := measure.Select(env.Catalog, opt.Select)
	if err != nil {
		return Report{}, err
	}
	c := &counter{env: env, opt: opt, sources: map[string]*source{}, now: slo.MinuteOf(env.Now)}
	if err := c.open(ctx, selected); err != nil {
		return Report{}, err
	}
	p := opt.Prices
	rep := Report{
		Date: p.Date, Region: p.Region, Currency: p.Currency, Note: p.Note,
		Stale: p.Stale(env.Now), Unverified: p.Unverified(),
	}
	rep.Load, rep.Services = c.count(selected)
	rep.Bill, rep.Others = p.Monthly(rep.Load, opt.Plan), p.Alternatives(rep.Load)
	rep.Backfill = p.Once("first fill of 63 days, at least", rep.Load, c.fill())
	rep.Hints, rep.Notes, rep.Free = c.hints(), c.notes(), c.free()
	return rep, nil
}

// source is a data source with the queries that the selection asks it.
type source struct {
	config.DataSource
	planner metric.Planner // nil: it bills nothing
	adviser metric.Adviser
	queries []metric.Query
}

// counter is one count.
type counter struct {
	env     *run.Env
	opt     Options
	now     slo.Minute
	inds    map[string]config.Indicator
	sources map[string]*source
}

// open opens the sources that the selection uses and gathers their queries.
func (c *counter) open(ctx context.Context, selected []*config.Objective) error {
	c.inds = map[string]config.Indicator{}
	for _, ind := range c.env.Catalog.Indicators {
		c.inds[ind.ID] = ind
	}
	asked := map[string]bool{}
	for _, o := range selected {
		for part := range measure.Parts(&o.Objective) {
			ind, ok := c.inds[part.Indicator]
			if !ok || asked[ind.ID] {
				continue
			}
			asked[ind.ID] = true
			s, err := c.source(ctx, ind)
			if err != nil {
				return err
			}
			s.queries = append(s.queries, run.Queries(ind)...)
		}
	}
	return nil
}

func (c *counter) source(ctx context.Context, ind config.Indicator) (*source, error) {
	if s := c.sources[ind.Source]; s != nil {
		return s, nil
	}
	ds, err := run.SourceOf(c.env.Catalog, ind)
	if err != nil {
		return nil, err
	}
	src, err := c.env.Open(ctx, ds)
	if err != nil {
		return nil, err
	}
	s := &source{DataSource: ds}
	s.planner, _ = src.(metric.Planner)
	s.adviser, _ = src.(metric.Adviser)
	c.sources[ind.Source] = s
	return s, nil
}

// names are the sources' names, sorted.
func (c *counter) names() []string { return slices.Sorted(maps.Keys(c.sources)) }

// tail is what a reading asks for in a healthy run: the minutes that are not
// final yet. How many there are does not matter, the bill counts metrics.
func (c *counter) tail() slo.Span { return slo.Span{From: c.now - 15, To: c.now} }

// metrics is what one reading of queries of a source requests, as billed.
func (*counter) metrics(s *source, queries []metric.Query, span slo.Span) int64 {
	if s.planner == nil || len(queries) == 0 {
		return 0
	}
	return s.planner.Plan(metric.Request{Queries: queries, Span: span}).Metrics
}

// fill is what filling the history requests.
func (c *counter) fill() (n int64) {
	for _, name := range c.names() {
		n += c.metrics(c.sources[name], c.sources[name].queries, slo.Span{From: c.now - backfill, To: c.now})
	}
	return n
}

// of is what one reading for some objectives requests.
func (c *counter) of(objectives ...*slo.Objective) (n int64) {
	bySource := map[string][]metric.Query{}
	seen := map[string]bool{}
	for _, o := range objectives {
		for part := range measure.Parts(o) {
			ind, ok := c.inds[part.Indicator]
			if ok && !seen[ind.ID] {
				seen[ind.ID] = true
				bySource[ind.Source] = append(bySource[ind.Source], run.Queries(ind)...)
			}
		}
	}
	for name, queries := range bySource {
		n += c.metrics(c.sources[name], queries, c.tail())
	}
	return n
}

// count counts the load and what each service and objective has of it.
func (c *counter) count(selected []*config.Objective) (cost.Load, []Service) {
	var load cost.Load
	byService := map[string][]*slo.Objective{}
	services := map[string]*Service{}
	inds := map[string]bool{}
	for _, o := range selected {
		n := int(c.of(&o.Objective))
		load = load.Add(cost.Of(n, windows(&o.Objective), len(o.Conditions)))
		for part := range measure.Parts(&o.Objective) {
			inds[part.Indicator] = true
		}
		if services[o.Service] == nil {
			services[o.Service] = &Service{Name: o.Service}
		}
		one := Objective{Key: o.Key(), Metrics: n, Price: c.price(n)}
		services[o.Service].Objectives = append(services[o.Service].Objectives, one)
		byService[o.Service] = append(byService[o.Service], &o.Objective)
	}
	load.Indicators, load.Metrics = len(inds), 0
	for _, name := range c.names() {
		load.Metrics += int(c.metrics(c.sources[name], c.sources[name].queries, c.tail()))
	}
	var out []Service
	for _, name := range slices.Sorted(maps.Keys(services)) {
		s := services[name]
		s.Metrics = int(c.of(byService[name]...))
		s.Price = c.price(s.Metrics)
		slices.SortStableFunc(s.Objectives, func(a, b Objective) int { return b.Metrics - a.Metrics })
		out = append(out, *s)
	}
	slices.SortStableFunc(out, func(a, b Service) int { return b.Metrics - a.Metrics })
	return load, out
}

// price is what requesting some metrics each reading costs a month.
func (c *counter) price(metrics int) float64 {
	plan := cost.Plan{PollMinutes: c.opt.Plan.PollMinutes, Unhealthy: c.opt.Plan.Unhealthy}
	return c.opt.Prices.Monthly(cost.Load{Objectives: 1, Metrics: metrics}, plan).Total
}

// windows is how many windows an objective is judged by: each length of its
// conditions once, and the budget's.
func windows(o *slo.Objective) int {
	lengths := map[slo.Minute]bool{}
	for _, w := range o.Conditions {
		lengths[w.Long], lengths[w.Short] = true, true
	}
	return len(lengths) + 1
}

// free are the sources that bill nothing.
func (c *counter) free() (out []string) {
	for _, name := range c.names() {
		if s := c.sources[name]; s.planner == nil {
			out = append(out, fmt.Sprintf("%s (%s)", s.Name, s.Type))
		}
	}
	return out
}
