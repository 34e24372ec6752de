// Package doctor looks at everything an answer rests on, before somebody has to
// wonder about the answer: documents, store, and what each source says of
// itself. It changes nothing but a probe in the store, which it removes.
package doctor

import (
	"context"
	"slices"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// Options steer Run.
type Options struct {
	// Select limits the look to services or service/slo; empty: everything.
	Select []string
	// Discover looks at what `nines discover` needs besides.
	Discover bool
	// Offline leaves the sources alone.
	Offline bool
}

// Line is one check: of a source, or, where Source is "", of ourselves.
type Line struct {
	Source string `json:"source,omitempty"`
	metric.Finding
}

// Report is a look at everything.
type Report struct {
	Checks   []Line       `json:"checks"`
	Failed   int          `json:"failed"`
	Warned   int          `json:"warned"`
	Asked    metric.Usage `json:"asked"` // what looking has cost
	Policies []Policy     `json:"policies,omitempty"`
}

// Add appends checks and counts them.
func (r *Report) Add(source string, findings ...metric.Finding) {
	for _, f := range findings {
		switch f.Outcome {
		case metric.Fail:
			r.Failed++
		case metric.Warn:
			r.Warned++
		case metric.OK, metric.Unknown:
		}
		r.Checks = append(r.Checks, Line{source, f})
	}
}

// Run looks at documents and sources. Its error is of kind NotFound for a
// selection of what is not there, or Canceled; everything else is a check.
func Run(ctx context.Context, env *run.Env, opt Options) (Report, error) {
	selected, err := measure.Select(env.Catalog, opt.Select)
	if err != nil {
		return Report{}, err
	}
	var rep Report
	rep.Add("", documents(env.Catalog, selected))
	all := sources(env.Catalog, selected)
	for _, s := range all {
		if err := s.open(ctx, env); err != nil {
			rep.Add(s.name(), failed("source", "", err))
			continue
		}
		if !opt.Offline {
			rep.examine(ctx, s, opt)
		}
		if err := ctx.Err(); err != nil {
			return rep, fault.Wrap(fault.Canceled, "doctor", err, "")
		}
	}
	rep.Policies = policies(all, opt.Discover)
	return rep, nil
}

// Rights works out policies alone; it asks nobody.
func Rights(ctx context.Context, env *run.Env, opt Options) ([]Policy, error) {
	selected, err := measure.Select(env.Catalog, opt.Select)
	if err != nil {
		return nil, err
	}
	all := sources(env.Catalog, selected)
	for _, s := range all {
		if err := s.open(ctx, env); err != nil {
			return nil, err
		}
	}
	return policies(all, opt.Discover), nil
}

func policies(all []*source, discover bool) []Policy {
	var rights []metric.Right
	for _, s := range all {
		if g, ok := s.src.(metric.Governed); ok {
			rights = append(rights, g.Rights(s.queries, discover)...)
		}
	}
	return Policies(rights)
}

// examine lets a source look at itself.
func (r *Report) examine(ctx context.Context, s *source, opt Options) {
	x, ok := s.src.(metric.Examiner)
	if !ok {
		r.Add(s.name(), metric.Finding{Check: "source", Outcome: metric.Unknown, Text: "a source of this type cannot be looked at"})
		return
	}
	r.Add(s.name(), x.Examine(ctx, metric.Examination{Queries: s.queries, Bounds: s.bounds, Discover: opt.Discover})...)
	if m, ok := s.src.(metric.Metered); ok {
		r.Asked = r.Asked.Add(m.Usage())
	}
}

func documents(c *config.Catalog, selected []*config.Objective) metric.Finding {
	f := metric.Finding{Check: "documents", Outcome: metric.OK, Text: term.Plural(len(c.Files), "file") + ", " + term.Plural(len(selected), "objective")}
	if len(selected) == 0 {
		f.Outcome, f.Text, f.Do = metric.Warn, "they hold no objective", "name their folder with --config"
	}
	return f
}

// Documents is the check of documents that could not be loaded.
func Documents(err error) metric.Finding { return failed("documents", "", err) }

// failed is a check that an error ended.
func failed(check, subject string, err error) metric.Finding {
	return metric.Finding{Check: check, Subject: subject, Outcome: metric.Fail, Text: err.Error(), Do: fault.HintOf(err)}
}

// source is a data source with what the selection asks it.
type source struct {
	config.DataSource
	src     metric.Source
	queries []metric.Query
	bounds  map[string]float64
	err     error
}

func (s *source) name() string { return s.Name + " (" + s.Type + ")" }

func (s *source) open(ctx context.Context, env *run.Env) (err error) {
	if s.err != nil {
		return s.err
	}
	s.src, err = env.Open(ctx, s.DataSource)
	return err
}

// sources gathers what the objectives ask, in the catalog's order.
func sources(c *config.Catalog, selected []*config.Objective) []*source {
	used := map[string]bool{}
	for _, o := range selected {
		for part := range measure.Parts(&o.Objective) {
			used[part.Indicator] = true
		}
	}
	var out []*source
	for _, ind := range c.Indicators {
		if !used[ind.ID] {
			continue
		}
		i := slices.IndexFunc(out, func(s *source) bool { return s.Name == ind.Source })
		if i < 0 {
			s := &source{bounds: map[string]float64{}}
			s.DataSource, s.err = run.SourceOf(c, ind)
			s.Name = ind.Source
			out, i = append(out, s), len(out)
		}
		queries := run.Queries(ind)
		out[i].queries = append(out[i].queries, queries...)
		if t, ok := ind.Definition.(slo.Threshold); ok && len(queries) == 1 {
			out[i].bounds[queries[0].Key] = t.Bound.Float()
		}
	}
	return out
}

// probe is the item that is written and removed again.
func probe() timeline.Key { return timeline.Key{Part: "doctor", Sort: "probe"} }

// Store checks that a store can be read and written: it saves a small item, and
// deletes it.
func Store(ctx context.Context, url string, store timeline.Store) metric.Finding {
	if err := tryStore(ctx, store); err != nil {
		return failed("store", url, err)
	}
	return metric.Finding{Check: "store", Subject: url, Outcome: metric.OK, Text: "it can be read and written"}
}

// NoStore is the check of a store that could not be opened.
func NoStore(url string, err error) metric.Finding { return failed("store", url, err) }

func tryStore(ctx context.Context, store timeline.Store) error {
	// One may lie there from a call that was killed.
	there, err := store.Load(ctx, []timeline.Key{probe()})
	if err != nil {
		return err
	}
	item := timeline.Item{Key: probe(), Data: []byte("nines doctor")}
	if len(there) > 0 {
		item.Version = there[0].Version
	}
	err = store.Save(ctx, []timeline.Item{item})
	if err == nil {
		item.Version, item.Data = item.Version+1, nil
		err = store.Save(ctx, []timeline.Item{item})
	}
	if fault.KindOf(err) == fault.Conflict {
		return nil // somebody else looks at the same time, and could write
	}
	return err
}
