package measure

import (
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// Select returns the objectives of a catalog that a selection names: "service",
// "service/slo", or one objective by its key "service/slo/objective". An empty
// selection is everything. A name that matches nothing is an error of kind
// NotFound that says what there is.
func Select(c *config.Catalog, names []string) ([]*config.Objective, error) {
	var out []*config.Objective
	hit := make([]bool, len(names))
	at := make(map[string]int, len(names)) // a loop selects thousands by their keys
	for k, name := range names {
		at[name] = k
	}
	for i := range c.Objectives {
		o := &c.Objectives[i]
		wanted := len(names) == 0
		for _, name := range []string{o.Service, o.Service + "/" + o.SLO, o.Key()} {
			if k, ok := at[name]; ok {
				wanted, hit[k] = true, true
			}
		}
		if wanted {
			out = append(out, o)
		}
	}
	for k, name := range names {
		hit[k] = hit[at[name]]
	}
	if k := slices.Index(hit, false); k >= 0 {
		return nil, fault.New(fault.NotFound, "select "+names[k], "no service or SLO is called that", "there are "+inventory(c))
	}
	return out, nil
}

// inventory lists what can be selected, as service/slo.
func inventory(c *config.Catalog) string {
	var all []string
	for i := range c.Objectives {
		all = append(all, c.Objectives[i].Service+"/"+c.Objectives[i].SLO)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	const most = 12
	switch {
	case len(all) == 0:
		return "none: the documents hold no SLO"
	case len(all) > most:
		return strings.Join(all[:most], ", ") + ", ..."
	}
	return strings.Join(all, ", ")
}
