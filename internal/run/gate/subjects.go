package gate

import (
	"slices"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/gate"
)

// Subjects returns what a question about a service reads: the service and what
// it depends on, as far as there are objectives of them. A host brings these up
// to date before it asks. It is empty where nothing is measured.
func Subjects(c *config.Catalog, service string) []string {
	req := gate.Request{Service: service, Policy: policyFor(c, service)}
	all := append([]string{service}, dependencies(c, &req)...)
	known := subjects(c)
	return slices.DeleteFunc(all, func(s string) bool { return !slices.Contains(known, s) })
}
