package host

import (
	"context"
	"os"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/notify"
)

// Resolve looks up what an address keeps elsewhere: its secret, from a variable
// or a parameter, and the variables of its header. The second result are the
// secrets, for whoever shows what was sent.
func (h *Host) Resolve(ctx context.Context, a notify.Address) (notify.Address, []string, error) {
	var secrets []string
	switch {
	case a.Variable != "":
		v, err := h.address(a)
		if err != nil {
			return a, nil, err
		}
		a, secrets = a.Resolved(v), append(secrets, v)
	case a.Parameter != "":
		if h.Parameter == nil {
			return a, nil, fault.New(fault.Unsupported, a.Secret(), "this program reads no parameters", "")
		}
		v, err := h.Parameter(ctx, a.Parameter)
		if err != nil {
			return a, nil, err
		}
		a, secrets = a.Resolved(v), append(secrets, v)
	}
	missing := ""
	a.Header = os.Expand(a.Header, func(name string) string {
		v := h.Getenv(name)
		if v == "" {
			missing = name
		}
		secrets = append(secrets, v)
		return v
	})
	if missing != "" {
		return a, nil, fault.New(fault.Invalid, "$"+missing, "the variable is empty", "")
	}
	// An address is shown without what stands behind its host.
	if a.Kind == notify.Webhook || a.Kind == notify.Slack {
		if _, rest, ok := strings.Cut(a.Value, "://"); ok {
			if _, path, has := strings.Cut(rest, "/"); has && len(secrets) > 0 {
				secrets = append(secrets, path)
			}
		}
	}
	return a, secrets, nil
}

// WatchedTarget opens a target that is resolved, with somebody who looks on.
// The project's own token goes only to a GitLab that a flag names.
func (h *Host) WatchedTarget(o *ForgeFlags, a notify.Address, watch notify.Watch) (notify.Target, error) {
	at, err := o.where(h, &gate.Identity{})
	if err != nil {
		return nil, err
	}
	return h.WatchTarget(a, at, h.forgeAccess(o, &gate.Identity{}), watch)
}

// Targets returns the targets that documents name, each once.
func Targets(c *config.Catalog) []config.AlertTarget {
	out := slices.Clone(c.Targets)
	for i := range c.AlertPolicies {
		for _, t := range c.AlertPolicies[i].Targets {
			if !slices.ContainsFunc(out, func(o config.AlertTarget) bool { return o.Name == t.Name }) {
				out = append(out, t)
			}
		}
	}
	return out
}
