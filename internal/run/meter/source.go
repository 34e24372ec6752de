package meter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Options say what is read of whom.
type Options struct {
	Service string
	// Metrics are what is read. Empty: every ratio objective of the service.
	Metrics []config.RolloutMetric
	Split   config.Split
	Target  act.Place // what the versions are versions of; may be empty
	Now     func() time.Time
	// Together reads all versions together, and none by itself.
	Together bool
}

// line is one metric and the queries that it is made of.
type line struct {
	judge.Metric
	source  config.DataSource
	queries []metric.Query // with ${version}, or to be narrowed
	missing slo.Missing
	counter bool
}

// Source is a [Meter] over the sources of a catalog. It is safe for concurrent
// use.
type Source struct {
	env   *run.Env
	opt   Options
	lines []line

	mu   sync.Mutex
	open map[string]metric.Source // live ones, by name
	seen map[string]bool          // queries that had a point, of whichever version
}

var _ Meter = (*Source)(nil)

// New prepares to read. It asks nobody. Errors are of kind Invalid: there is
// nothing to be read, or versions cannot be told apart in it.
func New(env *run.Env, opt Options) (*Source, error) {
	s := &Source{env: env, opt: opt, open: map[string]metric.Source{}, seen: map[string]bool{}}
	var err error
	if len(opt.Metrics) == 0 {
		s.lines, err = objectives(env.Catalog, opt.Service)
	} else {
		s.lines, err = written(env.Catalog, opt)
	}
	if err != nil {
		return nil, err
	}
	version := "1"
	if opt.Together {
		version = ""
	}
	for i := range s.lines {
		for _, q := range s.lines[i].queries {
			if _, err := s.narrow(q.Spec, version); err != nil {
				return nil, fault.Wrap(fault.Invalid, "metric "+s.lines[i].Name, err, "")
			}
		}
	}
	return s, nil
}

// Metrics are the names of what is read, in their order.
func (s *Source) Metrics() []string {
	out := make([]string, len(s.lines))
	for i := range s.lines {
		out[i] = s.lines[i].Name
	}
	return out
}

// objectives makes a line of every ratio that a service has an objective about.
func objectives(c *config.Catalog, service string) ([]line, error) {
	var out []line
	known := map[string]bool{}
	for i := range c.Objectives {
		o := &c.Objectives[i]
		if o.Service != service || len(o.Members) > 0 || known[o.Indicator] {
			continue
		}
		ind, ok := indicator(c, o.Indicator)
		if _, ratio := ind.Definition.(slo.Ratio); !ok || !ratio {
			continue
		}
		known[o.Indicator] = true
		l, err := lineOf(c, ind, judge.Metric{Name: unique(o, out)})
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Invalid, "metrics of "+service, "the service has no objective that counts good events of all",
			"write one, or name metrics in a Rollout")
	}
	return out, nil
}

// unique is an objective's SLO, with its own name behind it where that is taken.
func unique(o *config.Objective, taken []line) string {
	if slices.ContainsFunc(taken, func(l line) bool { return l.Name == o.SLO }) {
		return o.SLO + "/" + o.Name
	}
	return o.SLO
}

func indicator(c *config.Catalog, id string) (config.Indicator, bool) {
	i := slices.IndexFunc(c.Indicators, func(d config.Indicator) bool { return d.ID == id })
	if i < 0 {
		return config.Indicator{}, false
	}
	return c.Indicators[i], true
}

// lineOf makes a line of an indicator.
func lineOf(c *config.Catalog, ind config.Indicator, m judge.Metric) (line, error) {
	ds, err := run.SourceOf(c, ind)
	if err != nil {
		return line{}, err //nolint:wrapcheck // says all there is to say
	}
	l := line{Metric: m, source: ds, queries: run.Queries(ind), missing: ind.Missing}
	switch d := ind.Definition.(type) {
	case slo.Ratio:
		l.counter = d.Counter
	case slo.Threshold:
		if d.Op == slo.GreaterThan || d.Op == slo.GreaterOrEqual {
			l.Worse = judge.Decrease
		}
	case slo.RawRatio:
		if !d.Failure {
			l.Worse = judge.Decrease
		}
	}
	return l, nil
}

// written makes lines of the metrics of a document.
func written(c *config.Catalog, opt Options) ([]line, error) {
	var out []line
	for i := range opt.Metrics {
		m := &opt.Metrics[i]
		jm := m.Metric
		jm.Name = m.Name
		read := func() (line, error) { return asked(c, m, jm) }
		if m.Objective != "" {
			read = func() (line, error) { return named(c, opt.Service, m.Objective, jm) }
		}
		l, err := read()
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "metric "+m.Name, err, "")
		}
		out = append(out, l)
	}
	return out, nil
}

func named(c *config.Catalog, service, name string, m judge.Metric) (line, error) {
	for i := range c.Objectives {
		o := &c.Objectives[i]
		if o.Service != service || o.SLO != name && o.SLO+"/"+o.Name != name {
			continue
		}
		if ind, ok := indicator(c, o.Indicator); ok {
			return lineOf(c, ind, m)
		}
	}
	return line{}, fault.New(fault.Invalid, "objective "+name, "the service has no such objective that is measured", "")
}

func asked(c *config.Catalog, m *config.RolloutMetric, jm judge.Metric) (line, error) {
	l := line{Metric: jm}
	ds, err := run.SourceOf(c, config.Indicator{ID: m.Name, Source: m.Source})
	if err != nil {
		return l, err //nolint:wrapcheck // says all there is to say
	}
	l.source = ds
	for _, role := range []string{"total", "good", "bad", "value"} {
		if q, ok := m.Queries[role]; ok {
			l.queries = append(l.queries, metric.Query{Key: m.Name + " " + role, Spec: q.Spec, Role: role})
		}
	}
	roles := make([]string, len(l.queries))
	for i, q := range l.queries {
		roles[i] = q.Role
	}
	switch text := strings.Join(roles, "+"); text {
	case "total+good", "total+bad", "value":
	default:
		return l, fault.New(fault.Invalid, "queries", fmt.Sprintf("they are %q", text), "write total and good, total and bad, or value")
	}
	if roles[0] == "value" {
		l.missing = slo.MissingUnmeasured
	}
	return l, nil
}

// source opens a source, a live one once. A recording is opened anew each time:
// it may have grown.
func (s *Source) source(ctx context.Context, ds config.DataSource) (metric.Source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if src, ok := s.open[ds.Name]; ok {
		return src, nil
	}
	src, err := s.env.Open(ctx, ds)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "open "+ds.Name, err, "")
	}
	if _, recorded := src.(metric.Recorded); !recorded {
		s.open[ds.Name] = src
	}
	return src, nil
}

// note remembers that a query had a point, of whichever version.
func (s *Source) note(key string, has bool) (known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[key] = s.seen[key] || has
	return s.seen[key]
}
