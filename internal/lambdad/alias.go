package lambdad

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
)

// alias points to a version, and may send a share of its calls to another one.
type alias struct {
	AliasArn        string   `json:"AliasArn"`
	Name            string   `json:"Name"`
	FunctionVersion string   `json:"FunctionVersion"`
	Description     string   `json:"Description"`
	RoutingConfig   *routing `json:"RoutingConfig,omitempty"`
	RevisionID      string   `json:"RevisionId"`

	// from is the version that an alias with provisioned concurrency still sends
	// everything to, for left more reads.
	from string
	left int
}

type routing struct {
	AdditionalVersionWeights map[string]float64 `json:"AdditionalVersionWeights"`
}

// weights are the shares of other versions than the alias's own.
func (a *alias) weights() map[string]float64 {
	if a.left > 0 {
		return map[string]float64{a.from: 1}
	}
	if a.RoutingConfig == nil {
		return nil
	}
	return a.RoutingConfig.AdditionalVersionWeights
}

func itoa(n int) string { return strconv.Itoa(n) }

var (
	aliasName   = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,128}$`)
	allDigits   = regexp.MustCompile(`^[0-9]+$`)
	versionName = regexp.MustCompile(`^(\$LATEST|[0-9]+)$`)
)

// aliasIn is what callers say about an alias; nil: as it is.
type aliasIn struct {
	Name, FunctionVersion, Description *string
	RoutingConfig                      *routing
	RevisionID                         *string `json:"RevisionId"`
}

// into changes an alias, or says why that cannot be.
func (in *aliasIn) into(s *Server, f *function, a *alias) *failure {
	if in.FunctionVersion != nil {
		if !versionName.MatchString(*in.FunctionVersion) {
			return unfit(*in.FunctionVersion, "functionVersion", `Member must satisfy regular expression pattern: (\$LATEST|[0-9]+)`)
		}
		a.FunctionVersion = *in.FunctionVersion
	}
	if in.Description != nil {
		a.Description = *in.Description
	}
	if in.RoutingConfig != nil {
		a.RoutingConfig = in.RoutingConfig
		if len(in.RoutingConfig.AdditionalVersionWeights) == 0 {
			a.RoutingConfig = nil
		}
	}
	return s.fits(f, a)
}

// fits refuses what an alias may not be. (Developer guide, "Configuring alias
// routing"; API reference, AliasRoutingConfiguration.)
func (s *Server) fits(f *function, a *alias) *failure {
	own := f.version(a.FunctionVersion)
	if own == nil {
		return missing("Function not found: %s", s.arn(f.latest.FunctionName, a.FunctionVersion))
	}
	weights := a.weights()
	if len(weights) > 1 {
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	for version, w := range weights {
		if !(w >= 0 && w <= 1) {
			return unfit("{"+version+"="+strconv.FormatFloat(w, 'g', -1, 64)+"}", "routingConfig.additionalVersionWeights",
				"Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]")
		}
		if fail := s.pair(f, own, version); fail != nil {
			return fail
		}
	}
	if len(weights) > 0 && f.provisioned[a.Name] > 0 {
		return invalid("Alias with weights can not be used with Provisioned Concurrency")
	}
	return nil
}

// pair refuses a second version that cannot stand beside the first.
func (s *Server) pair(f *function, own *revised, version string) *failure {
	if own.Version == latest || version == latest {
		return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
	}
	if !allDigits.MatchString(version) {
		return unfit("{"+version+"}", "routingConfig.additionalVersionWeights",
			"Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]")
	}
	other := f.version(version)
	switch {
	case other == nil:
		return missing("Function not found: %s", s.arn(f.latest.FunctionName, version))
	case other == own:
		return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", version, version)
	case other.Role != own.Role:
		return invalid("Versions %s and %s of an alias must have the same execution role", own.Version, version)
	case other.DeadLetterConfig.target() != own.DeadLetterConfig.target():
		return invalid("Versions %s and %s of an alias must have the same dead letter queue configuration", own.Version, version)
	}
	return nil
}

func (s *Server) createAlias(c *call) reply {
	var in aliasIn
	if fail := parse(c, &in); fail != nil {
		return refuse(fail)
	}
	f, fail := s.find(c)
	if fail != nil {
		return refuse(fail)
	}
	if in.Name == nil || !aliasName.MatchString(*in.Name) || allDigits.MatchString(*in.Name) {
		return refuse(unfit(text(in.Name), "name", "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"))
	}
	if _, there := f.aliases[*in.Name]; there {
		return refuse(conflict("Alias already exists: %s", s.arn(c.name, *in.Name)))
	}
	a := &alias{Name: *in.Name, AliasArn: s.arn(c.name, *in.Name)}
	if in.FunctionVersion == nil {
		return refuse(unfit("null", "functionVersion", "Member must not be null"))
	}
	if fail := in.into(s, f, a); fail != nil {
		return refuse(fail)
	}
	a.RevisionID = s.revision()
	f.aliases[a.Name] = a
	return created(*a)
}

func text(p *string) string {
	if p == nil {
		return "null"
	}
	return *p
}

// named finds the alias that a call names.
func (s *Server) named(c *call) (*function, *alias, *failure) {
	f, fail := s.find(c)
	if fail != nil {
		return nil, nil, fail
	}
	a, is := f.aliases[c.r.PathValue("alias")]
	if !is {
		return nil, nil, missing("Cannot find alias arn: %s", s.arn(c.name, c.r.PathValue("alias")))
	}
	return f, a, nil
}

func (s *Server) getAlias(c *call) reply {
	_, a, fail := s.named(c)
	if fail != nil {
		return refuse(fail)
	}
	seen := *a
	if a.left > 0 {
		seen.RoutingConfig = &routing{a.weights()}
		a.left--
	}
	return ok(seen)
}

func (s *Server) updateAlias(c *call) reply {
	var in aliasIn
	if fail := parse(c, &in); fail != nil {
		return refuse(fail)
	}
	f, a, fail := s.named(c)
	if fail != nil {
		return refuse(fail)
	}
	if in.RevisionID != nil && *in.RevisionID != a.RevisionID {
		return refuse(stale("GetFunction/GetAlias"))
	}
	changed := *a
	changed.left = 0
	if fail := in.into(s, f, &changed); fail != nil {
		return refuse(fail)
	}
	changed.RevisionID = s.revision()
	if f.provisioned[a.Name] > 0 && changed.FunctionVersion != a.FunctionVersion {
		// The service moves such an alias by weights of its own, which can be seen.
		// (terraform-provider-aws 48116.)
		changed.from, changed.left = a.FunctionVersion, s.cfg.Reads
	}
	*a = changed
	return ok(changed)
}

func (s *Server) deleteAlias(c *call) reply {
	f, fail := s.find(c)
	if fail != nil {
		return refuse(fail)
	}
	delete(f.aliases, c.r.PathValue("alias"))
	return reply{status: http.StatusNoContent}
}

func (s *Server) listAliases(c *call) reply {
	f, fail := s.find(c)
	if fail != nil {
		return refuse(fail)
	}
	only := c.r.URL.Query().Get("FunctionVersion")
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(f.aliases)), func(n string) bool {
		_, weighted := f.aliases[n].weights()[only]
		return only != "" && f.aliases[n].FunctionVersion != only && !weighted
	})
	part, next := s.page(c, names)
	out := struct {
		Aliases    []alias
		NextMarker string `json:"NextMarker,omitempty"`
	}{NextMarker: next, Aliases: []alias{}}
	for _, n := range part {
		out.Aliases = append(out.Aliases, *f.aliases[n])
	}
	return ok(out)
}
