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

// graph is what each service depends on.
type graph map[string][]edge

// add notes a dependency on a service, or on one of its SLOs.
func (g graph) add(from string, ref openslo.Ref) {
	to, _, _ := strings.Cut(ref.Name, "/")
	g[from] = append(g[from], edge{to, ref.Place})
}

// checkDependencies resolves what services depend on and refuses circles: a
// gate that waits for itself never opens.
func (l *loader) checkDependencies() {
	edges := graph{}
	for _, s := range l.services {
		for _, r := range l.dependsOn(&s.Meta) {
			if l.scopeRef(r, false) {
				edges.add(s.Meta.Name, r)
			}
		}
	}
	for _, s := range l.slos {
		for _, r := range l.dependsOn(&s.Meta) {
			edges.add(s.Service.Name, r)
		}
	}
	for i := range l.cat.Policies {
		p := &l.cat.Policies[i]
		for _, from := range p.Services {
			for _, r := range p.DependsOn {
				if from != "*" {
					edges.add(from, openslo.Ref{Name: r, Place: p.Place})
				}
			}
		}
	}
	l.circles(edges)
}

// dependsOn reads the annotation of what a service or an SLO depends on.
func (l *loader) dependsOn(m *openslo.Meta) (out []openslo.Ref) {
	a, ok := l.value(m, "depends-on")
	if !ok {
		return nil
	}
	for _, r := range splitRefs(a.Value) {
		out = append(out, openslo.Ref{Name: r, Place: a.Place})
	}
	return out
}

// circles reports each circle once, at the edge that closes it.
func (l *loader) circles(edges graph) {
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
