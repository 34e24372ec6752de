package config

import (
	"maps"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// tierLabel is the label by which services, and SLOs for themselves, name the
// Tier whose defaults they have.
const tierLabel = "tier"

// tier is what services of a tier have where they say nothing themselves. Its
// methods work on nil: no tier.
type tier struct {
	name  string
	spec  *openslo.Node
	place fault.Place
}

// tiers are the tiers of all documents read together, and what has to be known
// of the other documents before they are taken in.
type tiers struct {
	byName   map[string]*tier
	services map[string]*openslo.Node // the tier label of a service
	slis     map[string]*openslo.Node // SLIs by name
	labels   []*openslo.Node          // every tier label met
	notes    map[*openslo.Node]string // what was given, and where it was written
}

func newTiers() tiers {
	return tiers{byName: map[string]*tier{}, services: map[string]*openslo.Node{}, slis: map[string]*openslo.Node{}, notes: map[*openslo.Node]string{}}
}

func tierShape(s *openslo.Shapes) *openslo.Shape {
	notes := openslo.MapOf("Annotations of its SLOs: nines/coverage, nines/max-age, nines/min-bad-events, nines/missing, nines/poll, nines/weighted.",
		&openslo.Shape{Type: openslo.String, Loose: true})
	notes.Key = &openslo.Format{Name: "annotation", Pattern: "^nines/(" + strings.Join(tierAnnotations(), "|") + ")$", Check: func(key string) (string, string) {
		var known []string
		for _, name := range tierAnnotations() {
			known = append(known, prefix+name)
		}
		if slices.Contains(known, key) {
			return "", ""
		}
		return "is no annotation that a tier gives", openslo.DidYouMean(key, known)
	}}
	least := openslo.MapOf(`The lowest target that an SLO of the tier may have, in percent, by the SLO's name; "*" is every other.`,
		openslo.Num("A percentage.", percentFormat()))
	least.Key = serviceName().Format
	return openslo.Object("Defaults of services with the label tier: NAME.",
		openslo.May("description", text("What it is for.")),
		openslo.May("owner", openslo.Text("Who looks after its services.", filled())),
		openslo.May("window", shortWindow(s)),
		openslo.May("alertPolicies", openslo.ListOf("AlertPolicies by name.", 1, openslo.Text("A name.", s.Name))),
		openslo.May("gatePolicy", openslo.Text("The GatePolicy of its services.", s.Name)),
		openslo.May("annotations", notes),
		openslo.May("minimum", least))
}

// tierAnnotations are those about objectives; what is about measuring belongs
// to the indicator, which several tiers may share.
func tierAnnotations() []string {
	return []string{"coverage", "max-age", "min-bad-events", "missing", "poll", "weighted"}
}

func percentFormat() *openslo.Format {
	return &openslo.Format{Name: "percent", Limits: map[string]any{"exclusiveMinimum": 0, "exclusiveMaximum": 100}, Check: func(v string) (string, string) {
		d, err := slo.ParseDecimal(v)
		if err != nil {
			return err.Error(), ""
		}
		if d.Sign() <= 0 || d.Cmp(slo.MustDecimal("100")) >= 0 {
			return "must be above 0 and below 100, not " + quoted(v), ""
		}
		return "", ""
	}}
}

// note looks at a document before any is taken in. A tier that is not right is
// not used; taking it in says why.
func (t *tiers) note(n *openslo.Node, ours *ninesShapes) {
	v, kind, meta := n.Get("apiVersion").Str(), n.Get("kind").Str(), n.Get("metadata")
	name := meta.Get("name").Str()
	switch {
	case name == "" || v != version && v != openslo.Version:
		return
	case kind == "Tier" && v == version:
		var r openslo.Report
		if ours.kinds["Tier"].Check(n, &r); r.Problems.Errors() == 0 && t.byName[name] == nil {
			t.byName[name] = &tier{name, n.Get("spec"), meta.Get("name").Where()}
		}
		return
	case kind == "SLI" && t.slis[name] == nil:
		t.slis[name] = n
	}
	label := meta.At("labels", tierLabel)
	if kind != "Service" && kind != "SLO" || !label.IsSet() {
		return
	}
	t.labels = append(t.labels, label)
	if kind == "Service" && t.services[name] == nil {
		t.services[name] = label
	}
}

// of is the tier of an SLO or a service with labels: the one it names itself,
// else its service's; nil for none. Tiers are called in any case.
func (t *tiers) of(labels map[string][]string, service string) *tier {
	own := labels[tierLabel]
	if len(own) == 0 {
		own = t.services[service].Strings()
	}
	if len(own) == 0 {
		return nil
	}
	return t.byName[strings.ToLower(own[0])]
}

// names says whether a tier names a gate policy.
func (t *tiers) names(policy string) bool {
	for _, x := range t.byName {
		if x.get("gatePolicy").Str() == policy {
			return true
		}
	}
	return false
}

func (t *tier) get(field string) *openslo.Node {
	if t == nil {
		return nil
	}
	return t.spec.Get(field)
}

// gives is a value of a tier's, noted with the place where it was written.
func (t *tiers) gives(x *tier, v *openslo.Node) *openslo.Node {
	out := *v
	t.notes[&out] = "of tier " + x.name + ", " + v.Where().String()
	return &out
}

// complete returns a document of OpenSLO with what its tier gives it where it
// says nothing itself. The document itself stays as it is.
func (t *tiers) complete(n *openslo.Node) *openslo.Node {
	kind := n.Get("kind").Str()
	if len(t.byName) == 0 || n.Get("apiVersion").Str() != openslo.Version || kind != "SLO" && kind != "Service" {
		return n
	}
	labels := openslo.DecodeMeta(n.Get("metadata")).Labels
	service := n.At("spec", "service").Str()
	if kind == "Service" {
		service = n.At("metadata", "name").Str()
	}
	x := t.of(labels, service)
	if x == nil {
		return n
	}
	if kind == "Service" {
		if owner := x.get("owner"); owner.IsSet() {
			return with(n, t.gives(x, owner), "metadata", "annotations", prefix+"owner")
		}
		return n
	}
	if w := x.get("window"); w.IsSet() {
		n = with(n, t.gives(x, openslo.NewList(w.Place, windowDocument(w))), "spec", "timeWindow")
	}
	if p := x.get("alertPolicies"); p.IsSet() {
		n = with(n, t.gives(x, policyRefs(p)), "spec", "alertPolicies")
	}
	for key, v := range x.get("annotations").Entries() {
		if key != prefix+"missing" || !t.measured(n, key) {
			n = with(n, t.gives(x, v), "metadata", "annotations", key)
		}
	}
	return n
}

// measured says whether an indicator of an SLO has an annotation itself.
func (t *tiers) measured(n *openslo.Node, key string) bool {
	says := func(at *openslo.Node) bool {
		inline := at.At("indicator", "metadata", "annotations", key)
		return inline.IsSet() || t.slis[at.Get("indicatorRef").Str()].At("metadata", "annotations", key).IsSet()
	}
	for _, o := range n.At("spec", "objectives").List() {
		if says(o) {
			return true
		}
	}
	return says(n.Get("spec"))
}

// with returns a mapping with a value under a path of keys, unless there is
// one, or something on the way that is no mapping.
func with(n, v *openslo.Node, path ...string) *openslo.Node {
	if len(path) == 0 {
		if n.IsSet() {
			return n
		}
		return v
	}
	if n.IsSet() && n.Kind != openslo.Map {
		return n
	}
	key, rest := path[0], path[1:]
	out := openslo.NewMap(v.Place)
	if n.IsSet() {
		*out = *n
		out.Pairs = slices.Clone(n.Pairs)
	}
	for i := range out.Pairs {
		if p := &out.Pairs[i]; p.Key == key {
			p.Value = with(p.Value, v, rest...)
			return out
		}
	}
	out.Pairs = append(out.Pairs, openslo.Pair{Key: key, Place: v.Place, Value: with(nil, v, rest...)})
	return out
}

// resolveTiers checks what tiers refer to, and that labels name tiers.
func (l *loader) resolveTiers() {
	var policies []string
	for _, d := range l.gates {
		policies = append(policies, d.meta.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(l.tiers.byName)) {
		t := l.tiers.byName[name]
		for _, p := range t.get("alertPolicies").List() {
			if _, broken := l.names["AlertPolicy "+p.Str()]; l.policies[p.Str()] == nil && !broken {
				l.dangling(openslo.Ref{Name: p.Str(), Place: p.Place}, "AlertPolicy", sortedKeys(l.policies))
			}
		}
		if g := t.get("gatePolicy"); g.IsSet() && !slices.Contains(policies, g.Str()) {
			if _, broken := l.names["GatePolicy "+g.Str()]; !broken {
				l.dangling(openslo.Ref{Name: g.Str(), Place: g.Place}, "GatePolicy", policies)
			}
		}
		for key, v := range t.get("annotations").Entries() {
			l.annotation("SLO", strings.TrimPrefix(key, prefix), openslo.Annotation{
				Key: key, Value: v.Str(), Place: v.Where(), KeyPlace: t.get("annotations").KeyPlace(key),
			})
		}
	}
	l.danglingTiers()
}

// danglingTiers reports labels that name no tier. Where no tier is written at
// all, the label is free text.
func (l *loader) danglingTiers() {
	for _, label := range l.tiers.labels {
		for _, name := range label.Strings() {
			if _, broken := l.names["Tier "+strings.ToLower(name)]; len(l.tiers.byName) > 0 && l.tiers.byName[strings.ToLower(name)] == nil && !broken {
				l.dangling(openslo.Ref{Name: name, Place: label.Place}, "Tier", slices.Sorted(maps.Keys(l.tiers.byName)))
			}
		}
	}
}

// tierServices adds the services whose tier names a policy, if no policy names
// them.
func (l *loader) tierServices(out *GatePolicy, owners map[string]fault.Place) {
	named := map[string]bool{}
	for _, d := range l.gates {
		for _, n := range d.spec.Get("services").Strings() {
			named[n] = true
		}
	}
	for i := range l.cat.Services {
		s := &l.cat.Services[i]
		g := l.tiers.byName[s.Tier].get("gatePolicy")
		if s.Tier != "" && g.Str() == out.Name && !named[s.Name] {
			owners[s.Name] = g.Place
			out.Services = append(out.Services, s.Name)
		}
	}
}

// checkMinimum holds an objective against the least that its tier asks for.
func (l *loader) checkMinimum(o *Objective) {
	t := l.tiers.of(o.Labels, o.Service)
	least := t.get("minimum").Get(o.SLO)
	if least == nil {
		least = t.get("minimum").Get("*")
	}
	d, err := slo.ParseDecimal(least.Str())
	if least == nil || err != nil {
		return
	}
	if d, err = d.Shift(-2); err == nil && o.Target.Cmp(d) < 0 {
		l.report.Errorf(o.Place, "below-tier", "raise it, or take another tier; the minimum is at "+least.Where().String(),
			"services of tier %s promise at least %s %%, and this is a target of %s", t.name, least.Str(), o.Target)
	}
}
