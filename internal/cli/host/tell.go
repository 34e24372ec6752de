package host

import (
	"context"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/run/tell"
)

// Targets opens those whom a policy tells. Who cannot be opened is said on
// standard error: nobody's address holds a deployment.
func (h *Host) Targets(ctx context.Context, o *ForgeFlags, p *gate.Policy) []tell.To {
	var out []tell.To
	for _, text := range p.Notify {
		a, err := notify.Parse(text)
		name := a.String()
		if err == nil {
			a, _, err = h.Resolve(ctx, a)
		}
		var target notify.Target
		if err == nil {
			where, werr := o.where(h, &p.Identity)
			if target, err = h.OpenTarget(a, where, h.forgeAccess(o, &p.Identity)); err == nil {
				err = werr
			}
		}
		if err != nil {
			h.Note("%s cannot be told: %v", name, err)
			continue
		}
		out = append(out, tell.To{Name: name, Target: target})
	}
	return out
}

// address is the address that a variable holds.
func (h *Host) address(a notify.Address) (string, error) {
	v := h.Getenv(a.Variable)
	if v == "" {
		return "", fault.New(fault.Invalid, "$"+a.Variable, "the variable is empty", "")
	}
	return v, nil
}

// Pause waits, unless the call is given up.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
