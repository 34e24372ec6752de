package config

import (
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// edge is one dependency between services, and where it is written.
type edge struct {
	to string
	at fault.Place
}

// checkDependencies resolves what services depend on and refuses circles: a
// gate that waits for itself never opens.
func (l *loader) checkDependencies() {
	edges := map[string][]edge{}
	add := func(from, ref string, at fault.Place) {
		to, _, _ := strings.Cut(ref, "/")
		edges[from] = append(edges[from], edge{to, at})
	}
	for _, s := range l.services {
		a, ok := l.value(&s.Meta, "depends-on")
		if !ok {
			continue
		}
		for _, r := range splitRefs(a.Value) {
			if l.scopeRef(openslo.Ref{Name: r, Place: a.Place}, false) {
				add(s.Meta.Name, r, a.Place)
			}
		}
	}
	for i := range l.slos {
		s := l.slos[i]
		if a, ok := l.value(&s.Meta, "depends-on"); ok {
			for _, r := range splitRefs(a.Value) {
				add(s.Service.Name, r, a.Place)
			}
		}
	}
	for i := range l.cat.Policies {
		p := &l.cat.Policies[i]
		for _, from := range p.Services {
			for _, r := range p.DependsOn {
				if from != "*" {
					add(from, r, p.Place)
				}
			}
		}
	}
	l.circles(edges)
}

// circles reports each circle once, at the edge that closes it.
func (l *loader) circles(edges map[string][]edge) {
	const fresh, open, done = 0, 1, 2
	state := map[string]int{}
	var trail []string
	var visit func(name string)
	visit = func(name string) {
		state[name] = open
		trail = append(trail, name)
		for _, e := range edges[name] {
			switch state[e.to] {
			case fresh:
				visit(e.to)
			case open:
				from := slices.Index(trail, e.to)
				circle := strings.Join(append(slices.Clone(trail[from:]), e.to), " -> ")
				l.once(e.at, "circular-dependency", "leave one of them out", "services depend on each other in a circle: %s", circle)
			}
		}
		trail = trail[:len(trail)-1]
		state[name] = done
	}
	for _, name := range sortedKeys(edges) {
		if state[name] == fresh {
			visit(name)
		}
	}
}
