package metrics

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
)

// cold is what the cold start metric needs.
type cold struct {
	reg         *Registry
	name        string // of the function, as the settings say
	own         string // as Lambda says
	provisioned string // the initialization type
	done        atomic.Bool
}

// ColdStart writes the metric ColdStart, once, in a document of its own with the
// dimension function_name besides the default ones, if the invocation of ctx is
// the first of a process that was started for it. An environment that was
// provisioned ahead has no cold start that anybody waited for, and a process
// whose settings name no namespace counts none.
func (r *Registry) ColdStart(ctx context.Context) {
	if r.off || !r.named || ctx == nil {
		return
	}
	inv := scope.From(ctx)
	if inv == nil || inv.Function == nil || !inv.Function.Cold || !r.cold.onDemand() || r.cold.done.Swap(true) {
		return
	}
	m := &Metric{reg: r, name: coldStart, unit: Count}
	m.encode()
	Series{m: m, b: r.cold.binding(cmp.Or(r.cold.name, inv.Function.Name, r.cold.own))}.Emit(ctx, 1)
}

// onDemand: an emulator that says nothing counts as on demand.
func (c *cold) onDemand() bool { return c.provisioned == "" || c.provisioned == "on-demand" }

// binding is the defaults and the function's name; without it where CloudWatch
// would not take it.
func (c *cold) binding(name string) *binding {
	d := dimension{functionName, name}
	all := slices.Clone(c.reg.defaults)
	at := indexDimension(all, functionName)
	switch {
	case dimensionValue(d) != nil:
		return c.reg.base
	case at >= 0:
		all[at] = d
	case len(all) < maxDimensions:
		all = append(all, d)
	default:
		return c.reg.base
	}
	return newBinding(c.reg, [][]dimension{all})
}
