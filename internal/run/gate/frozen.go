package gate

import (
	"context"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/mark"
)

// Frozen returns the freezes that are in force for a service at an instant: its
// policy's, then those by command. A rule that cannot be understood is an error
// of kind Invalid: it lets nothing pass.
func Frozen(ctx context.Context, env *run.Env, service string, at time.Time) ([]gate.Freeze, error) {
	q := &question{env: env, req: gate.Request{Service: service, Policy: PolicyFor(env.Catalog, service)}}
	marks, err := mark.Freezes(ctx, env)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read the freezes", err, "")
	}
	q.marks = marks
	return q.frozen(at)
}
