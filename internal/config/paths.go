package config

import (
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// The words of settings.unmapped: what a changed path means that belongs to no
// service.
const (
	unmappedAll    = "all"    // it may change any of them: every service with paths is touched
	unmappedIgnore = "ignore" // it changes none
)

// Touched is what changed paths of a repository mean for the services in it.
type Touched struct {
	// Services that are touched, by name, sorted.
	Services []string
	// Unmapped are paths that belong to no service, in the order given.
	Unmapped []string
	// All says that Services are all because of the unmapped ones.
	All bool
}

// Touched finds the services that changed paths belong to. Paths are those of
// git: from the root of the repository, with slashes. A path may belong to
// several services, and touches each. The error says that no service has paths.
func (c *Catalog) Touched(changed []string) (Touched, error) {
	var out Touched
	mapped := map[string]bool{}
	var all []string
	for i := range c.Services {
		s := &c.Services[i]
		if len(s.Paths) == 0 {
			continue
		}
		all = append(all, s.Name)
		for _, p := range changed {
			if slices.ContainsFunc(s.Paths, func(glob string) bool { return owns(glob, p) }) {
				mapped[p] = true
				out.Services = append(out.Services, s.Name)
			}
		}
	}
	if len(all) == 0 {
		return out, fault.New(fault.Invalid, "map paths to services", "no service says which paths are its own", "write paths: [services/NAME] under spec of a Service")
	}
	for _, p := range changed {
		if !mapped[p] {
			out.Unmapped = append(out.Unmapped, p)
		}
	}
	if len(out.Unmapped) > 0 && c.Settings.Unmapped != unmappedIgnore {
		out.All, out.Services = true, all
	}
	slices.Sort(out.Services)
	out.Services = slices.Compact(out.Services)
	return out, nil
}

// owns says whether a path is one that a pattern means, or lies below one.
func owns(glob, path string) bool {
	glob = strings.Trim(strings.TrimPrefix(glob, "./"), "/")
	// The library finds the folder itself under a/** but not under a*/**.
	for strings.HasSuffix(glob, "/**") {
		glob = strings.TrimSuffix(glob, "/**")
	}
	if ok, err := doublestar.Match(glob, path); ok && err == nil {
		return true
	}
	ok, err := doublestar.Match(glob+"/**", path)
	return ok && err == nil
}

// globFormat is a pattern of paths. (doublestar: * and ? inside a name, ** over
// folders, {a,b}, [a-z].)
func globFormat() *openslo.Format {
	return &openslo.Format{Name: "paths", Pattern: `\S`, Check: func(v string) (string, string) {
		if why := globCheck(v); why != "" {
			return why, `as in services/payment/**, or services/payment, from the root of the repository`
		}
		return "", ""
	}}
}

func globCheck(v string) string {
	core := strings.Trim(strings.TrimPrefix(v, "./"), "/")
	switch {
	case strings.TrimSpace(core) == "" || core == ".":
		return "names no path; ** is all of them"
	case strings.HasPrefix(v, "!"):
		return quoted(v) + " takes paths away, which a pattern cannot"
	case core == ".." || strings.HasPrefix(core, "../") || strings.Contains(core, "/../") || strings.Contains(core, "/./") || strings.Contains(core, "//"):
		return quoted(v) + " is no path that git prints"
	case !doublestar.ValidatePattern(core):
		return quoted(v) + " is no pattern of paths"
	}
	return ""
}

// globsCheck checks an annotation's list of patterns.
func globsCheck(v string) string {
	all := splitGlobs(v)
	for _, g := range all {
		if why := globCheck(g); why != "" {
			return why
		}
	}
	if len(all) == 0 {
		return "names no path"
	}
	return ""
}

// splitGlobs takes a list apart at commas that stand in no braces.
func splitGlobs(v string) []string {
	var out []string
	depth, from := 0, 0
	add := func(to int) {
		if g := strings.TrimSpace(v[from:to]); g != "" {
			out = append(out, g)
		}
	}
	for i, r := range v {
		switch {
		case r == '{':
			depth++
		case r == '}':
			depth = max(0, depth-1)
		case r == ',' && depth == 0:
			add(i)
			from = i + 1
		}
	}
	add(len(v))
	return out
}
