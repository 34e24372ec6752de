package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// resolution is what references are resolved against, and what has been built.
type resolution struct {
	annotations []annotation
	services    map[string]int // index in the catalog
	implied     bool           // no Service is written down; those of SLOs stand
	indicators  map[string]*built
	sources     map[string]int // index in the catalog
	anonymous   map[string][]string
	keys        map[string]fault.Place // of objectives
	slos        map[string]bool        // service/slo
	policies    map[string]bool        // alert policies in the catalog
}

func newResolution() resolution {
	return resolution{
		annotations: annotationTable(), services: map[string]int{}, indicators: map[string]*built{}, sources: map[string]int{},
		anonymous: map[string][]string{}, keys: map[string]fault.Place{}, slos: map[string]bool{}, policies: map[string]bool{},
	}
}

// finish resolves everything gathered and returns the catalog.
func (l *loader) finish() *Catalog {
	l.take()
	l.resolveServices()
	l.resolveTiers()
	l.resolveSources()
	for _, s := range l.slos {
		l.res.slos[s.Service.Name+"/"+s.Meta.Name] = true
	}
	l.checkUnused()
	for _, s := range l.slos {
		l.resolveSLO(s)
	}
	l.flushIndicators()
	l.resolveAlertPolicies()
	l.resolveTargets()
	l.resolveGates()
	l.resolveExclusions()
	l.resolveRollouts()
	l.resolveSettings()
	l.checkDependencies()
	l.cat.Digest = l.cat.digest()
	// A shared part is checked for everyone who uses it; said once is enough.
	l.report.Problems = slices.Compact(l.report.Problems.Sorted())
	return l.cat
}

// resolveServices lists the services that are written down; where none is,
// the services that SLOs name stand for themselves.
func (l *loader) resolveServices() {
	for _, s := range l.services {
		out := Service{
			Name: s.Meta.Name, DisplayName: s.Meta.DisplayName, Description: s.Description,
			Labels: s.Meta.Labels, Place: s.Meta.Place,
		}
		if a, ok := l.value(&s.Meta, "depends-on"); ok {
			out.DependsOn = splitRefs(a.Value)
		}
		if a, ok := l.value(&s.Meta, "owner"); ok {
			out.Owner = a.Value
		}
		if a, ok := l.value(&s.Meta, "paths"); ok {
			out.Paths = splitGlobs(a.Value)
		}
		if t := l.tiers.of(out.Labels, out.Name); t != nil {
			out.Tier = t.name
		}
		l.addService(out)
	}
	l.res.implied = len(l.services) == 0
	for _, s := range l.slos {
		if _, known := l.res.services[s.Service.Name]; l.res.implied && !known && s.Service.Name != "" {
			l.addService(Service{Name: s.Service.Name, Place: s.Service.Place})
		}
	}
}

func (l *loader) addService(s Service) {
	l.res.services[s.Name] = len(l.cat.Services)
	l.cat.Services = append(l.cat.Services, s)
}

// resolveSources lists the data sources in the order they were written.
func (l *loader) resolveSources() {
	for _, name := range l.order {
		ds, ok := l.sources[name]
		if _, done := l.res.sources[name]; !ok || done {
			continue
		}
		l.knownType(ds.Type)
		l.res.sources[name] = len(l.cat.Sources)
		l.cat.Sources = append(l.cat.Sources, DataSource{
			Name: name, Type: ds.Type.Name, Details: l.spec(ds.Details), Dir: dir(ds.Meta.Place), Place: ds.Meta.Place,
		})
		l.secrets(ds.Details)
		if typ, ok := l.opt.Types[ds.Type.Name]; ok && typ.CheckDetails != nil {
			l.specProblems(ds.Details, typ.CheckDetails(l.spec(ds.Details)))
		}
	}
}

// secrets warns of credentials in a document.
func (l *loader) secrets(n *openslo.Node) {
	for key, v := range n.Entries() {
		if v.IsSet() && v.Kind != openslo.Map && secretName(key) {
			l.report.Warnf(n.KeyPlace(key), "secret-in-document", "leave it to the environment, or to a role", "%s does not belong in a document", key)
		}
		l.secrets(v)
	}
}

// secretName says whether a field holds a credential by its name.
func secretName(key string) bool {
	// A Replacer for two letters would be built anew for every field of a document.
	key = strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(key), "_", ""), "-", "")
	for _, part := range []string{"secret", "password", "passwd", "token", "accesskey", "apikey", "credential", "privatekey"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}

// knownType reports a type of source that the program does not carry.
func (l *loader) knownType(t openslo.Ref) bool {
	if l.opt.Types == nil || t.Name == "" {
		return true
	}
	if _, ok := l.opt.Types[t.Name]; ok {
		return true
	}
	known := slices.Sorted(maps.Keys(l.opt.Types))
	hint := openslo.DidYouMean(t.Name, known)
	if !strings.HasPrefix(hint, "known") {
		hint += " known are " + strings.Join(known, ", ")
	}
	l.report.Errorf(t.Place, "unknown-source-type", hint, "there is no source of type %q", clipText(t.Name))
	return false
}

// dangling reports a reference to something that is not there.
func (l *loader) dangling(r openslo.Ref, kind string, known []string) {
	hint := openslo.Suggest(r.Name, known)
	if hint != "" {
		hint = `did you mean "` + hint + `"?`
	} else {
		hint = "no document of that kind and name was read; name its folder too"
	}
	l.once(r.Place, "dangling-reference", hint, "there is no %s called %q", kind, clipText(r.Name))
}

// serviceRef checks that a service is known.
func (l *loader) serviceRef(r openslo.Ref) bool {
	if r.Name == "" {
		return false
	}
	if _, ok := l.res.services[r.Name]; ok {
		return true
	}
	l.dangling(r, "Service", slices.Sorted(maps.Keys(l.res.services)))
	return false
}

// scopeRef checks "service", "service/slo" or, where it may be, "*".
func (l *loader) scopeRef(r openslo.Ref, star bool) bool {
	if star && r.Name == "*" {
		return true
	}
	service, _, has := strings.Cut(r.Name, "/")
	if !l.serviceRef(openslo.Ref{Name: service, Place: r.Place}) {
		return false
	}
	if has && !l.res.slos[r.Name] {
		l.dangling(r, "SLO", slices.Sorted(maps.Keys(l.res.slos)))
		return false
	}
	return true
}

// checkUnused checks the indicators and conditions that nothing refers to:
// lint looks at every document.
func (l *loader) checkUnused() {
	used := map[*openslo.SLI]bool{}
	for _, s := range l.slos {
		used[l.slis[s.IndicatorRef.Name]] = true
		for i := range s.Objectives {
			used[l.slis[s.Objectives[i].IndicatorRef.Name]] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.slis)) {
		if sli := l.slis[name]; !used[sli] {
			l.define(sli, bound{}, sli.Meta.Place)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.conditions)) {
		l.severity(l.conditions[name])
	}
}

// flushIndicators moves what was built into the catalog, in the order it was
// first used.
func (l *loader) flushIndicators() {
	all := slices.SortedFunc(maps.Values(l.res.indicators), func(a, b *built) int { return cmp.Compare(a.seq, b.seq) })
	for _, b := range all {
		// Only now has every SLO said what it has to say about measuring it.
		b.Lineage = lineage(&b.Indicator, l.sourceOf(b.Source))
		l.cat.Indicators = append(l.cat.Indicators, b.Indicator)
	}
}
