package metrics

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/env"
	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
	"gitlab.com/nines-sre/nines/telemetry/internal/line"
)

const (
	defaultNamespace = "default_namespace" // Powertools' too
	defaultService   = "service_undefined"
	envelope         = "_aws"
	coldStart        = "ColdStart"
	functionName     = "function_name"
)

// Registry holds the metrics and dimensions of one namespace and writes their
// documents. All its methods, and those of what it gives out, may be called from
// any number of goroutines. Make it with [New].
type Registry struct {
	out    *line.Writer
	now    func() time.Time
	limit  int
	off    bool // POWERTOOLS_METRICS_DISABLED
	lambda bool
	shared bool
	named  bool // somebody chose the namespace

	head     []byte // `{"_aws":{"Timestamp":`
	middle   []byte // `,"CloudWatchMetrics":[{"Namespace":"...","Dimensions":`
	defaults []dimension
	base     *binding // the defaults, bound
	cold     cold

	mu       sync.RWMutex
	names    map[string]*Metric // nil: a dimension's
	metrics  int
	problems []string

	process recorder // what belongs to no invocation
	late    latecomers
	states  sync.Pool // *state
	outputs sync.Pool // *output
	totals  totals
}

// New makes a registry. It never fails: a setting that cannot be used is left out
// and said by [Registry.Problems].
func New(opts ...Option) *Registry {
	o := defaults()
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	s := env.Load(o.get)
	r := &Registry{
		out: o.writer(), now: o.now, limit: o.limit, shared: o.shared, lambda: s.Function.Lambda(),
		// A person at a terminal wants no documents between the lines, unless asked.
		off:   s.MetricsDisabled || s.Dev && o.get("POWERTOOLS_METRICS_DISABLED") == "",
		names: map[string]*Metric{},
	}
	r.process.reg = r
	r.states.New = func() any { return newState() }
	r.outputs.New = func() any { return &output{} }
	for _, p := range s.Problems {
		if strings.HasPrefix(p, "POWERTOOLS_METRICS_") {
			r.problems = append(r.problems, p)
		}
	}
	r.namespace(cmp.Or(o.namespace, s.Namespace))
	r.bindDefaults(cmp.Or(o.service, s.Service), o.dimensions)
	r.cold = cold{reg: r, name: cmp.Or(o.function, s.MetricsFunction), own: s.Function.Name, provisioned: s.Function.InitType}
	return r
}

func (r *Registry) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

func (r *Registry) namespace(name string) {
	r.named = name != ""
	if f := namespaceFault(name); name != "" && f != "" {
		r.problem("the metric namespace %q %s; metrics go to %q", name, f, defaultNamespace)
		name = ""
	}
	r.head = []byte(`{"_aws":{"Timestamp":`)
	r.middle = append([]byte(`,"CloudWatchMetrics":[{"Namespace":`), jsonx.AppendString(nil, cmp.Or(name, defaultNamespace))...)
	r.middle = append(r.middle, `,"Dimensions":`...)
}

// bindDefaults sets the default dimensions, without those that are no good.
func (r *Registry) bindDefaults(service string, more []dimension) {
	if f := text(service, maxDimValue); f != "" {
		r.problem("the service name %q %s; %q is used", service, f, defaultService)
		service = defaultService
	}
	all := []dimension{{"service", service}}
	for _, d := range more {
		if err := errors.Join(dimensionName(d.name), dimensionValue(d)); err != nil {
			r.problem("a default dimension is left out: %v", err)
			continue
		}
		if at := indexDimension(all, d.name); at >= 0 {
			all[at] = d
			continue
		}
		if len(all) == maxDimensions {
			r.problem("the default dimension %q is left out: a set has %d at most", d.name, maxDimensions)
			continue
		}
		all = append(all, d)
	}
	for _, d := range all {
		r.names[d.name] = nil
	}
	r.defaults = all
	r.base = newBinding(r, [][]dimension{all})
}

// Problems returns what is wrong with the settings, one sentence each. That no
// namespace is set is one of them only when there is a metric.
func (r *Registry) Problems() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := append([]string(nil), r.problems...)
	if !r.named && r.metrics > 0 {
		out = append(out, fmt.Sprintf("no metric namespace is set: metrics go to %q; set POWERTOOLS_METRICS_NAMESPACE or use WithNamespace", defaultNamespace))
	}
	return out
}

// Dropped returns what was dropped since the start, by reason; nil when nothing
// was.
func (r *Registry) Dropped() []Drop { return r.totals.drops() }

// taken says whether a name is a metric's, a dimension's or the envelope's.
func (r *Registry) taken(name string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, ok := r.names[name]
	return ok || name == envelope
}
