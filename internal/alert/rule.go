package alert

import (
	"cmp"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Rule is one condition of one objective, and whom it tells.
type Rule struct {
	// ID is unique among rules: service/slo/objective/condition.
	ID                      string
	Service, SLO, Objective string
	slo.Condition
	// After is how long the condition must hold before the rule fires; minutes in
	// which that is unknown do not count.
	After slo.Minute
	// Policy names the document it is from; "" for a default.
	Policy string
	// Targets name whom it tells. They are compared, never read.
	Targets []string
	// Breaching, Resolved and NoData say of what it tells: that the condition
	// holds, that it ended, that it cannot be judged. (OpenSLO: alertWhen...)
	Breaching, Resolved, NoData bool
	// Mute says that nobody is told, so that it hushes nobody.
	Mute bool
	// Evidence is the least evidence that the objective is missed, as the package
	// evidence measures it, without which the condition does not hold; 0: none is
	// asked for.
	Evidence float64
	// DependsOn names services, or service/slo, whose incidents hush this rule.
	DependsOn []string
}

// Of is the key of the rule's objective: service/slo/objective.
func (r *Rule) Of() string { return r.Service + "/" + r.SLO + "/" + r.Objective }

// Set is rules made ready for [Step]: grouped by objective and severity, with
// what depends on what worked out.
type Set struct {
	rules      []Rule
	groups     []group
	byKey      map[string]int // incident key -> group
	byID       map[string]int // rule ID -> rule
	objectives map[string]bool
}

// group is the rules of one objective and severity: what can be one incident.
type group struct {
	key       string // of its incident
	objective string
	severity  slo.Severity
	rules     []int // into Set.rules
	over      int   // the group of the page above it; -1: none
	above     []int // groups of what it depends on, near and far
}

// NewSet prepares rules. Their order is that of the samples of a step. What is
// in a circle of dependencies hushes nobody else in it.
func NewSet(rules []Rule) *Set {
	s := &Set{rules: rules, byKey: map[string]int{}, byID: map[string]int{}, objectives: map[string]bool{}}
	for i := range rules {
		r := &rules[i]
		s.byID[r.ID], s.objectives[r.Of()] = i, true
		key := incidentKey(r.Of(), r.Severity)
		at, ok := s.byKey[key]
		if !ok {
			at = len(s.groups)
			s.byKey[key] = at
			s.groups = append(s.groups, group{key: key, objective: r.Of(), severity: r.Severity, over: -1})
		}
		s.groups[at].rules = append(s.groups[at].rules, i)
	}
	s.relate()
	// Pages are decided before tickets, and what others depend on before those.
	order := make([]int, len(s.groups))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &s.groups[a], &s.groups[b]
		return cmp.Or(cmp.Compare(x.severity, y.severity), cmp.Compare(len(x.above), len(y.above)), cmp.Compare(x.key, y.key))
	})
	s.reorder(order)
	return s
}

// Rules are the rules as they were given.
func (s *Set) Rules() []Rule { return s.rules }

func incidentKey(objective string, severity slo.Severity) string {
	return objective + " " + severity.String()
}

// relate finds which groups hush which.
func (s *Set) relate() {
	near := make([][]int, len(s.groups))
	for i := range s.groups {
		g := &s.groups[i]
		if over, ok := s.byKey[incidentKey(g.objective, slo.Page)]; ok && g.severity == slo.Ticket {
			g.over = over
		}
		for j := range s.groups {
			if o := &s.groups[j]; o.objective != g.objective && s.depends(g, o) {
				near[i] = append(near[i], j)
			}
		}
	}
	far := make([]map[int]bool, len(s.groups))
	for i := range s.groups {
		far[i] = reach(near, i)
	}
	for i := range s.groups {
		g := &s.groups[i]
		for j := range far[i] {
			// A ticket of a dependency is no reason to keep a page back.
			if j != i && !far[j][i] && s.groups[j].severity <= g.severity && s.groups[j].objective != g.objective {
				g.above = append(g.above, j)
			}
		}
		slices.Sort(g.above)
	}
}

// depends says whether a rule of one group names the other's service or SLO.
func (s *Set) depends(g, on *group) bool {
	for _, i := range g.rules {
		for _, name := range s.rules[i].DependsOn {
			if on.objective == name || strings.HasPrefix(on.objective, name+"/") {
				return true
			}
		}
	}
	return false
}

// reach is everything that can be reached from a group.
func reach(near [][]int, from int) map[int]bool {
	seen := map[int]bool{}
	todo := slices.Clone(near[from])
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !seen[at] {
			seen[at] = true
			todo = append(todo, near[at]...)
		}
	}
	return seen
}

// reorder puts groups in the order in which they are decided.
func (s *Set) reorder(order []int) {
	to := make([]int, len(order))
	for i, old := range order {
		to[old] = i
	}
	groups := make([]group, len(order))
	for i, old := range order {
		g := s.groups[old]
		if g.over >= 0 {
			g.over = to[g.over]
		}
		for k := range g.above {
			g.above[k] = to[g.above[k]]
		}
		groups[i] = g
		s.byKey[g.key] = i
	}
	s.groups = groups
}
