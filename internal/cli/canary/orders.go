package canary

import (
	"context"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cli/report"
	"gitlab.com/nines-sre/nines/internal/fault"
	runcanary "gitlab.com/nines-sre/nines/internal/run/canary"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/lease"
)

// order is a call of promote or rollback.
type order struct {
	options

	verb string
	to   string
}

// NewPromote returns the verb promote.
func NewPromote(h *host.Host) *cobra.Command {
	o := order{verb: "promote"}
	cmd := &cobra.Command{
		Use:   "promote [SERVICE]",
		Short: "Give a version that is held all of the traffic",
		Long: "Promote finishes a rollout that is held (--then hold) or that waits behind a step: the new\n" +
			"version gets all of the traffic, if nobody has changed the target since. It is recorded\n" +
			"before and after, read back, and recorded as a deployment. A freeze holds it.",
		Example: "  nines promote payment-api\n  nines promote payment-api --env production --reason \"looks good\"",
	}
	o.finish(h, cmd)
	return host.Describe(cmd, report.Formats(), map[int]string{
		0: "promoted",
		1: "operational error; somebody else has the target, or has changed it",
		3: "a freeze holds it",
		5: "promoted, although not everything was known",
	})
}

// NewRollback returns the verb rollback.
func NewRollback(h *host.Host) *cobra.Command {
	o := order{verb: "rollback"}
	cmd := &cobra.Command{
		Use:   "rollback [SERVICE]",
		Short: "Put an earlier version back",
		Long: "Rollback gives an earlier version all of the traffic: of a rollout under way the old one,\n" +
			"whoever has it; of one that is over the version before it; or the one that --to names. It is\n" +
			"recorded before and after, and read back. Nothing holds it: no gate, no freeze.",
		Example: "  nines rollback payment-api\n" +
			"  nines rollback payment-api --to 7 --reason \"INC-7: declines since the deployment\"\n" +
			"  nines rollback payment-api --target lambda:payment-api:live --to 7",
	}
	cmd.Flags().StringVar(&o.to, "to", "", "`VERSION` to put back (default the one before)")
	o.finish(h, cmd)
	return host.Describe(cmd, report.Formats(), map[int]string{
		0: "put back, and read back",
		1: "operational error: it may not be put back",
	})
}

// finish declares what both verbs take.
func (o *order) finish(h *host.Host, cmd *cobra.Command) {
	cmd.Args = host.Args(0, 1, "one SERVICE")
	cmd.ValidArgsFunction = h.CompleteServices
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			o.service = args[0]
		}
		return o.run(cmd.Context(), h)
	}
	f := cmd.Flags()
	f.StringVar(&o.environment, "env", "", "`NAME` of the environment (CI_ENVIRONMENT_NAME)")
	f.StringVar(&o.target, "target", "", "`PLACE` whose traffic is moved (default the newest rollout's)")
	f.StringVar(&o.shift, "shift-with", "", "`PROGRAM` that moves the traffic of a target of your own")
	f.StringVar(&o.read, "read-with", "", "`PROGRAM` that prints how the traffic lies, as JSON")
	f.StringVar(&o.reason, "reason", "", "`TEXT` that says why, for the record")
	f.BoolVar(&o.note, "note", true, "keep a note on the merge request, where there is one and NINES_GITLAB_TOKEN may write it")
	o.reports.Declare(f)
	o.forge.Declare(f)
}

func (o *order) run(ctx context.Context, h *host.Host) (err error) {
	out, err := o.reports.Open(h)
	if err != nil {
		return err
	}
	if h.At != "" {
		return fault.New(fault.Invalid, "--at", "an order is about now", "leave it out")
	}
	catalog, _, err := h.CatalogFor(ctx, &o.forge)
	if err != nil {
		return err
	}
	r, err := find(h, catalog, o.service, o.environment)
	if err != nil {
		return err
	}
	if err := o.where(&r); err != nil {
		return err
	}
	s, err := h.OpenWith(ctx, catalog, host.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	head, err := runcanary.Find(ctx, s.Env, &r)
	if err != nil {
		return err
	}
	if r.Target.Kind == "" {
		r.Target = head.Body.Place
	}
	ask := runcanary.Options{Rollout: r}
	if ask, err = o.act(ctx, h, s, ask); err != nil {
		return err
	}
	line := &ticker{h: h}
	ask.Tell = line.tell
	got, err := o.carry(ctx, s, ask, head)
	line.end()
	if err != nil {
		return err
	}
	return o.say(ctx, h, out, &shown{verb: o.verb, out: got, ask: &ask, catalog: catalog})
}

// act opens the target, and puts together what the shell needs.
func (o *order) act(ctx context.Context, h *host.Host, s *host.Session, ask runcanary.Options) (runcanary.Options, error) {
	policy := rungate.PolicyFor(s.Catalog, ask.Rollout.Service)
	f, err := h.Forge(&o.forge, &policy)
	if err != nil {
		return ask, err
	}
	s.Forge = f
	ask.Clock = h.Clock()
	ask.Pulse = &runcanary.Pulse{Clock: ask.Clock}
	ask.Holder, ask.Name, ask.Token = h.Holder(), h.Getenv("CI_COMMIT_SHA"), o.forge.Token(h)
	ask.Committed = h.Committed()
	if ask.Reason = o.reason; ask.Reason == "" {
		ask.Reason = o.verb + " by " + h.Actor()
	}
	switch ask.Rollout.Target.Kind {
	case "", "functions", "endpoints":
		return ask, nil // nothing is moved there
	}
	ask.Actor, err = h.Mover(ctx, &o.forge, &policy, ask.Rollout.Target, ask.Pulse.Wait)
	return ask, err
}

func (o *order) carry(ctx context.Context, s *host.Session, ask runcanary.Options, head lease.Head) (runcanary.Outcome, error) {
	if o.verb == "promote" {
		return runcanary.Promote(ctx, s.Env, ask, head)
	}
	return runcanary.Rollback(ctx, s.Env, ask, head, o.to)
}
