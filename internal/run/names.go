package run

import (
	"fmt"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// Services returns the names of the catalog's services, sorted: those with a
// document of their own and those that only have objectives.
func Services(c *config.Catalog) []string {
	var names []string
	for i := range c.Services {
		names = append(names, c.Services[i].Name)
	}
	for i := range c.Objectives {
		names = append(names, c.Objectives[i].Service)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TheService returns the name it is given, or where it is empty the only service
// there is. The error is of kind Invalid.
func TheService(c *config.Catalog, name string) (string, error) {
	all := Services(c)
	switch {
	case name != "":
		return name, nil
	case len(all) != 1:
		return "", fault.New(fault.Invalid, "SERVICE", fmt.Sprintf("the documents hold %d services", len(all)), "say which one")
	}
	return all[0], nil
}

// SLOs returns "service/slo" for everything the catalog holds, sorted.
func SLOs(c *config.Catalog) []string {
	var names []string
	for i := range c.Objectives {
		names = append(names, c.Objectives[i].Service+"/"+c.Objectives[i].SLO)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// CheckSubject says whether a name is a service of the catalog, or a
// service/slo. The error is of kind NotFound and names what is near, or what
// there is.
func CheckSubject(c *config.Catalog, name string) error {
	known, what := Services(c), "service"
	if strings.Contains(name, "/") {
		known, what = SLOs(c), "SLO"
	}
	if slices.Contains(known, name) {
		return nil
	}
	hint := openslo.DidYouMean(name, known)
	if len(known) == 0 {
		hint = "the documents hold none; name their folder with --config"
	}
	return fault.New(fault.NotFound, fmt.Sprintf("%s %q", what, name), "the documents hold no such "+what, hint)
}
