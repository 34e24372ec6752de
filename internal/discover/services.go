package discover

import (
	"maps"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
)

// State says whether an objective could be measured from what is there.
type State string

// The states of a measure.
const (
	Measurable State = "yes"       // every metric is there
	Quiet      State = "no errors" // only what failures would publish is missing
	Missing    State = "missing"   // nothing to measure it with
	Refused    State = "refused"   // the kind of service cannot say it
)

// Part is how one objective of a service could be measured.
type Part struct {
	State  State    `json:"state"`
	Found  []string `json:"found"`   // metrics that are there
	Absent []string `json:"missing"` // metrics that are not
	// Why says what to do where it is refused, and what it does not see else.
	Why string `json:"why,omitempty"`
}

// Service is something that was found.
type Service struct {
	Ref                Ref
	Available, Latency Part
	// Narrower are the references that see a part of it: aliases, target groups.
	Narrower []string
	// Blind is what its metrics do not see.
	Blind string
	// Region is where its metrics are, if not where it was looked for.
	Region string
}

// Able says whether anything of the service could be measured.
func (s *Service) Able() bool { return s.Available.able() || s.Latency.able() }

func (p Part) able() bool { return p.State == Measurable || p.State == Quiet }

// Listings are what to ask a directory for, to find every service of the kinds;
// no kinds are all. Each metric of each preset is asked for once: a namespace
// as a whole holds many times more.
func Listings(kinds []string, recent bool) []metric.Listing {
	var out []metric.Listing
	for _, p := range config.Presets() {
		if p.Namespace == "" || len(kinds) > 0 && !slices.Contains(kinds, p.Key) {
			continue
		}
		for _, name := range metricsOf(&p, "") {
			dims := map[string]string{p.Dimension: ""}
			maps.Copy(dims, p.Fixed)
			out = append(out, metric.Listing{Region: p.Region, Namespace: p.Namespace, Metric: name, Dimensions: dims, Recent: recent})
		}
	}
	return out
}

// ListingsOf are what to ask a directory for about one service.
func ListingsOf(r Ref) []metric.Listing {
	p, _ := config.PresetOf(r.Kind)
	var out []metric.Listing
	for _, name := range metricsOf(&p, r.Suffix) {
		dims := map[string]string{p.Dimension: r.Name}
		maps.Copy(dims, p.Fixed)
		out = append(out, metric.Listing{Region: p.Region, Namespace: p.Namespace, Metric: name, Dimensions: dims})
	}
	return out
}

// metricsOf are the metrics that a preset reads, each once.
func metricsOf(p *config.Preset, suffix string) []string {
	var out []string
	for _, m := range []config.Measure{p.Available, p.Latency} {
		need, may := needs(p, m, suffix)
		out = append(append(out, need...), may...)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(out, func(name string) bool {
		before := seen[name]
		seen[name] = true
		return before
	})
}

// needs are a measure's metrics: those that carry it, of which one must be
// there, and those that may appear with the first failure.
func needs(p *config.Preset, m config.Measure, suffix string) (need, may []string) {
	word := ""
	if w := suffixOf(p); w != nil && suffix != "" {
		word = w.Name
	}
	need = slices.Concat(m.Total.With(word).Metrics(), m.Value.With(word).Metrics())
	for _, name := range slices.Concat(m.Good.With(word).Metrics(), m.Bad.With(word).Metrics()) {
		if !slices.Contains(need, name) {
			may = append(may, name)
		}
	}
	return need, may
}

// Services finds the services in names of metrics, in the order of the presets
// and of their names. Names that fit no preset are passed over.
func Services(names []metric.Name) []Service {
	presets := config.Presets()
	byKind := map[string]*config.Preset{}
	for i := range presets {
		byKind[presets[i].Key] = &presets[i]
	}
	found := map[Ref]map[string]bool{}
	for _, n := range names {
		for i := range presets {
			r, ok := refOf(&presets[i], n)
			if !ok {
				continue
			}
			if found[r] == nil {
				found[r] = map[string]bool{}
			}
			found[r][n.Metric] = true
		}
	}
	refs := slices.SortedFunc(maps.Keys(found), compare)
	narrower := map[Ref][]string{}
	for _, r := range refs {
		if r.Suffix != "" {
			whole := Ref{Kind: r.Kind, Name: r.Name}
			narrower[whole] = append(narrower[whole], r.String())
		}
	}
	var out []Service
	for _, r := range refs {
		whole := Ref{Kind: r.Kind, Name: r.Name}
		if w := suffixOf(byKind[r.Kind]); w != nil && hidden(w, r, found[whole] != nil, narrower[whole]) {
			continue
		}
		s := describe(byKind[r.Kind], r, found[r])
		if r.Suffix == "" {
			s.Narrower = narrower[r]
		}
		out = append(out, s)
	}
	return out
}

// hidden says whether a service is shown by another line: as a whole by its
// stages, or an alias by its function.
func hidden(w *config.PresetParam, r Ref, whole bool, narrower []string) bool {
	if r.Suffix != "" {
		return !w.Listed && whole
	}
	return w.Listed && len(narrower) > 0
}

func compare(a, b Ref) int {
	if c := strings.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return strings.Compare(a.Suffix, b.Suffix)
}

// refOf is the service that a metric is of, by its namespace and by exactly its
// dimensions.
func refOf(p *config.Preset, n metric.Name) (Ref, bool) {
	name := n.Dimensions[p.Dimension]
	if p.Namespace == "" || n.Namespace != p.Namespace || strings.TrimSpace(name) == "" {
		return Ref{}, false
	}
	r := Ref{Kind: p.Key, Name: name}
	rest := len(n.Dimensions) - 1 - len(p.Fixed)
	for dim, value := range p.Fixed {
		if n.Dimensions[dim] != value {
			return Ref{}, false
		}
	}
	if rest == 0 {
		return r, true
	}
	w := suffixOf(p)
	if w == nil || rest != 1 {
		return Ref{}, false
	}
	var ok bool
	r.Suffix, ok = shorten(w, name, n.Dimensions[w.Dimension])
	return r, ok
}

// Describe says how a service could be measured, given the metrics it has.
func Describe(r Ref, has map[string]bool) Service {
	p, _ := config.PresetOf(r.Kind)
	return describe(&p, r, has)
}

func describe(p *config.Preset, r Ref, has map[string]bool) Service {
	return Service{
		Ref: r, Region: p.Region, Blind: p.BlindSpots,
		Available: partOf(p, p.Available, r.Suffix, has), Latency: partOf(p, p.Latency, r.Suffix, has),
	}
}

func partOf(p *config.Preset, m config.Measure, suffix string, has map[string]bool) Part {
	if m.Refused != "" {
		return Part{State: Refused, Found: []string{}, Absent: []string{}, Why: m.Refused}
	}
	need, may := needs(p, m, suffix)
	out := Part{State: Missing, Found: []string{}, Absent: []string{}, Why: m.BlindSpots}
	for _, name := range slices.Concat(need, may) {
		if has[name] {
			out.Found = append(out.Found, name)
		} else {
			out.Absent = append(out.Absent, name)
		}
	}
	if slices.ContainsFunc(need, func(name string) bool { return has[name] }) {
		out.State = Quiet
		if len(out.Absent) == 0 {
			out.State = Measurable
		}
	}
	return out
}
