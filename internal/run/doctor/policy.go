package doctor

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/metric"
)

// Policy is what one identity must be allowed: who runs the program, or a role
// that it takes.
type Policy struct {
	// Role is the ARN of the role whose policy it is; "": of who runs the program.
	Role     string   `json:"role,omitempty"`
	Document Document `json:"policy"`
}

// Document is a policy as IAM takes it.
type Document struct {
	Version   string      `json:"Version"`
	Statement []Statement `json:"Statement"`
}

// Statement allows some actions.
type Statement struct {
	Sid       string                         `json:"Sid"`
	Effect    string                         `json:"Effect"`
	Action    []string                       `json:"Action"`
	Resource  []string                       `json:"Resource"`
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
}

// grant is an action with where it is needed.
type grant struct {
	resources, regions map[string]bool
	anywhere           bool
}

// Policies puts rights into policies, that of who runs the program first: each
// action once, limited to its resources, and to its regions where all of them
// are known.
func Policies(rights []metric.Right) []Policy {
	byRole := map[string]map[string]*grant{}
	for _, r := range rights {
		if byRole[r.Role] == nil {
			byRole[r.Role] = map[string]*grant{}
		}
		g := byRole[r.Role][r.Action]
		if g == nil {
			g = &grant{resources: map[string]bool{}, regions: map[string]bool{}}
			byRole[r.Role][r.Action] = g
		}
		g.resources[r.Resource] = true
		g.anywhere = g.anywhere || len(r.Regions) == 0
		for _, region := range r.Regions {
			g.regions[region] = true
		}
	}
	var out []Policy
	for _, role := range slices.Sorted(maps.Keys(byRole)) {
		out = append(out, Policy{role, document(byRole[role])})
	}
	return out
}

// document makes one statement of the actions of a service that share resources
// and regions.
func document(grants map[string]*grant) Document {
	doc := Document{Version: "2012-10-17"}
	at := map[string]int{}
	sids := map[string]int{}
	for _, action := range slices.Sorted(maps.Keys(grants)) {
		g := grants[action]
		service, _, _ := strings.Cut(action, ":")
		s := Statement{Effect: "Allow", Resource: slices.Sorted(maps.Keys(g.resources))}
		if !g.anywhere {
			s.Condition = map[string]map[string][]string{"StringEquals": {"aws:RequestedRegion": slices.Sorted(maps.Keys(g.regions))}}
		}
		key := strings.Join(append(append([]string{service}, s.Resource...), regionsOf(s)...), "\x00")
		i, ok := at[key]
		if !ok {
			i = len(doc.Statement)
			at[key] = i
			s.Sid = sid(service, sids)
			doc.Statement = append(doc.Statement, s)
		}
		doc.Statement[i].Action = append(doc.Statement[i].Action, action)
	}
	return doc
}

func regionsOf(s Statement) []string {
	return append([]string{"|"}, s.Condition["StringEquals"]["aws:RequestedRegion"]...)
}

// sid names a statement; IAM wants letters and digits, and no name twice.
func sid(service string, given map[string]int) string {
	names := map[string]string{"application-signals": "NinesReadsSignals", "cloudwatch": "NinesReadsMetrics", "sts": "NinesTakesRoles"}
	name := names[service]
	if name == "" {
		name = "Nines" + service
	}
	given[name]++
	if n := given[name]; n > 1 {
		name += strconv.Itoa(n)
	}
	return name
}
