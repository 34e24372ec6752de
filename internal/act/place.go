package act

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Place is where a target is: a kind, and what names one of that kind.
type Place struct {
	Kind   string            `json:"kind"`
	Params map[string]string `json:"params"`
}

// Param is a parameter of a kind of place.
type Param struct {
	Name, Doc string
	Need      bool
	// Lead says that it stands before the question mark of an address, in the
	// order of the table, Before behind the one before it.
	Lead   bool
	Before string
}

// Kinds are the kinds of places and their parameters.
func Kinds() map[string][]Param {
	aws := []Param{{Name: "region", Doc: "The region; the program's own unless said."}, {Name: "role", Doc: "ARN of a role to take."}}
	lead := func(name, before, doc string) Param {
		return Param{Name: name, Doc: doc, Need: true, Lead: true, Before: before}
	}
	return map[string][]Param{
		"lambda": append([]Param{
			lead("function", "", "The function's name."), lead("alias", ":", "The alias that its callers use."),
		}, aws...),
		"ecs":        append([]Param{lead("cluster", "", "The cluster."), lead("service", "/", "The service.")}, aws...),
		"codedeploy": append([]Param{lead("application", "", "The application."), lead("group", "/", "The deployment group.")}, aws...),
		"cloudformation": append([]Param{
			lead("stack", "", "The stack's name."), {Name: "parameter", Doc: "The parameter that names the version; Version unless said."},
		}, aws...),
		"gitlab": {
			lead("environment", "", "The environment whose deployments are run again."),
			{Name: "url", Doc: "Address of the GitLab; the job's own unless said."},
			{Name: "project", Doc: "The project on it."},
		},
		"command": {
			lead("shift", "", "The program that moves the traffic, with its arguments."),
			{Name: "read", Doc: "A program that prints how the traffic lies, as JSON."},
		},
		"functions": append([]Param{lead("baseline", "", "The function that serves."), lead("canary", ",", "The function that does not yet.")}, aws...),
		"endpoints": {lead("baseline", "", "Address of the version that serves."), lead("canary", ",", "Address of the one that does not yet.")},
	}
}

// KindNames returns the names of the kinds, sorted.
func KindNames() []string { return slices.Sorted(maps.Keys(Kinds())) }

// String is the place as [ParsePlace] reads it.
func (p Place) String() string {
	var lead strings.Builder
	rest := url.Values{}
	known := Kinds()[p.Kind]
	for _, q := range known {
		v, set := p.Params[q.Name]
		switch {
		case q.Lead:
			lead.WriteString(q.Before + v)
		case set:
			rest.Set(q.Name, v)
		}
	}
	s := p.Kind + ":" + lead.String()
	if len(rest) > 0 {
		s += "?" + rest.Encode()
	}
	return s
}

// ParsePlace reads "lambda:FUNCTION:ALIAS?region=R", "ecs:CLUSTER/SERVICE",
// "command:PROGRAM ARGUMENTS" and so on. A command is taken whole: it has no
// parameters behind a question mark. The error is of kind Invalid.
func ParsePlace(text string) (Place, error) {
	kind, rest, _ := strings.Cut(text, ":")
	known, ok := Kinds()[kind]
	if !ok {
		return Place{}, fault.New(fault.Invalid, "target "+text, "there is no such kind of target", "it begins with one of "+strings.Join(KindNames(), ", "))
	}
	p := Place{Kind: kind, Params: map[string]string{}}
	query := ""
	if kind != "command" && kind != "endpoints" {
		rest, query, _ = strings.Cut(rest, "?")
	}
	leads := slices.DeleteFunc(slices.Clone(known), func(q Param) bool { return !q.Lead })
	for i, q := range leads {
		v := rest
		if i+1 < len(leads) {
			v, rest, _ = strings.Cut(rest, leads[i+1].Before)
		}
		p.Params[q.Name] = v
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return Place{}, fault.Wrap(fault.Invalid, "target "+text, err, "")
	}
	for name, v := range values {
		p.Params[name] = v[0]
	}
	return p, p.Check()
}

// Check finds what is missing and what is not known. The error is of kind
// Invalid.
func (p Place) Check() error {
	known, ok := Kinds()[p.Kind]
	if !ok {
		return fault.New(fault.Invalid, "target "+p.Kind, "there is no such kind of target", "it is one of "+strings.Join(KindNames(), ", "))
	}
	for _, q := range known {
		if q.Need && p.Params[q.Name] == "" {
			return fault.New(fault.Invalid, "target "+p.String(), "it does not say the "+q.Name, usage(p.Kind, known))
		}
	}
	for name := range p.Params {
		if !slices.ContainsFunc(known, func(q Param) bool { return q.Name == name }) {
			return fault.New(fault.Invalid, "target "+p.String(), "a target of kind "+p.Kind+" has no parameter "+name, usage(p.Kind, known))
		}
	}
	return nil
}

// usage is how a place of a kind is written.
func usage(kind string, known []Param) string {
	s, sep := "write "+kind+":", "?"
	for _, q := range known {
		if q.Lead {
			s += q.Before + strings.ToUpper(q.Name)
			continue
		}
		if kind == "command" {
			continue
		}
		s += sep + q.Name + "=..."
		sep = "&"
	}
	return s
}
