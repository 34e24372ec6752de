// Package watch is the verb that looks after a deployment once it has all of the
// traffic, and rolls it back where it hurts.
package watch

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cli/report"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	runwatch "gitlab.com/nines-sre/nines/internal/run/watch"
	"gitlab.com/nines-sre/nines/internal/watch"
)

type options struct {
	service, environment, target string
	duration, since              string
	version, before, rollback    string
	limits, alarms               []string
	breaches, weeks              int
	place                        metric.Place
	at                           act.Place // what is rolled back
	reports                      report.Flags
	note                         bool
	forge                        host.ForgeFlags
}

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "watch [SERVICE]",
		Short: "Look after a deployment, and roll it back where it hurts",
		Long: "Watch compares what a service does since a deployment with the time just before it and\n" +
			"with the same hours of earlier weeks, minute by minute, by a test that may be looked at as\n" +
			"often as one likes: a deployment that changes nothing is taken for one that hurts in one\n" +
			"watch of a hundred at most. It ends early when it is sure. Plain limits, alarms and the\n" +
			"service's own fast burn end it too; what was red before the deployment does not count.\n\n" +
			"A bare number of --duration is minutes. A bare number of --alert-threshold is milliseconds\n" +
			"of the 99th percentile of the duration: 200 is 200ms. 50errors is more than 50 bad requests\n" +
			"a minute, 0.5% more than that share of them; two minutes in a row are beyond it.\n\n" +
			"The deployment is the newest that `nines record deployment` or a rollout has written down,\n" +
			"else it is watched from now on. Called again, it goes on: everything is measured again from\n" +
			"the deployment on. With --rollback auto and a target, a deployment that hurts is rolled\n" +
			"back, once, and whether that has helped is measured.",
		Example: "  nines watch payment-api --duration 30 --alert-threshold 200\n" +
			"  nines watch payment-api --rollback auto --target lambda:payment-api:live --before 7\n" +
			"  nines watch payment-api --alert-threshold 0.5% --alarm payment-api-5xx\n" +
			"  nines watch payment-api --since 2025-01-31T14:00:00Z --report junit=watch.xml",
		Args:              host.Args(0, 1, "one SERVICE"),
		ValidArgsFunction: h.CompleteServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.service = strings.Join(args, "")
			return opt.run(cmd.Context(), h)
		},
	}
	opt.declare(cmd)
	return host.Describe(cmd, report.Formats(), map[int]string{
		0: "pass: it has done no harm",
		1: "operational error; or the call was ended before the watch was over",
		3: "fail: it hurts; what came of a rollback stands in the answer",
		4: "inconclusive: too little is known (little traffic, nothing measured)",
		5: "warn: something is odd, and it is not known to be the deployment",
	})
}

func (o *options) declare(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.environment, "env", "", "`NAME` of the environment (CI_ENVIRONMENT_NAME)")
	f.StringVar(&o.duration, "duration", "", "`LENGTH` to watch, in minutes or as 1h (default the documents', else 30)")
	f.StringArrayVar(&o.limits, "alert-threshold", nil, "`LIMIT` as 200ms (99th percentile; 200 is the same), 50errors (a minute) or 0.5%; may be given again")
	f.IntVar(&o.breaches, "breaches", 0, "`N` minutes in a row that are beyond a limit (default 2)")
	f.IntVar(&o.weeks, "weeks", 0, "`N` earlier weeks to compare with (default 3)")
	f.StringVar(&o.since, "since", "", "`TIME` of the deployment (default as recorded, else now)")
	f.StringVar(&o.version, "version", "", "`VERSION` that was deployed (default as recorded)")
	f.StringVar(&o.before, "before", "", "`VERSION` to go back to, in the target's words (default as recorded)")
	host.Choice(f, &o.rollback, "rollback", "`WHEN` it hurts: auto or never (default the documents', else never)", "", string(watch.UndoAuto), never)
	host.CompleteChoice(cmd, "rollback", string(watch.UndoAuto), never)
	f.StringVar(&o.target, "target", "", "`PLACE` that is rolled back, as lambda:FUNCTION:ALIAS (default the documents')")
	f.StringArrayVar(&o.alarms, "alarm", nil, "`NAME` of an alarm of CloudWatch that must not go off; may be given again")
	f.BoolVar(&o.note, "note", true, "keep a note on the merge request, where there is one and NINES_GITLAB_TOKEN may write it")
	host.PlaceFlags(f, &o.place)
	o.reports.Declare(f)
	o.forge.Declare(f)
}

// never is how the flag spells watch.UndoNever.
const never = "never"

func (o *options) run(ctx context.Context, h *host.Host) (err error) {
	out, err := o.reports.Open(h)
	if err != nil {
		return err
	}
	if h.At != "" {
		return fault.New(fault.Invalid, "--at", "a watch is about a deployment", "say when that was with --since")
	}
	catalog, _, err := h.CatalogFor(ctx, &o.forge)
	if err != nil {
		return err
	}
	ask, err := o.question(h, catalog)
	if err != nil {
		return err
	}
	s, err := h.OpenWith(ctx, catalog, host.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	if o.since != "" {
		if ask.Deployed, err = host.ParseTime("--since", o.since, s.Zone, h.Now()); err != nil {
			return err
		}
	}
	if err := o.world(ctx, h, s, &ask); err != nil {
		return err
	}
	got, err := runwatch.Run(ctx, s.Env, ask)
	for _, n := range got.Notes {
		h.Note("%s", n)
	}
	if err != nil {
		return err
	}
	if got.Left {
		return fault.New(fault.Canceled, "watch "+ask.Service, "it was ended before the watch was over; nothing was done", "call it again: it goes on from the same deployment")
	}
	a := answer{Outcome: got, place: ask.Place}
	r := a.rollout()
	report.Surround(h, r)
	if err := out.Say(h, report.Rollout(r, a.text, a.object())); err != nil {
		return err
	}
	if o.note {
		policy := rungate.PolicyFor(catalog, ask.Service)
		report.Note(ctx, h, report.Forge(h, &o.forge, &policy), r)
	}
	return host.ExitWith(got.Decision.Verdict.ExitCode())
}

// question puts flags and documents together.
func (o *options) question(h *host.Host, c *config.Catalog) (runwatch.Options, error) {
	service, err := run.TheService(c, o.service)
	if err != nil {
		return runwatch.Options{}, err
	}
	ask := runwatch.Options{
		Service: service, Environment: cmp.Or(o.environment, h.Getenv("CI_ENVIRONMENT_NAME")),
		Version: cmp.Or(o.version, h.Getenv("CI_COMMIT_SHA")), Before: o.before, Offline: h.Offline,
		Clock: h.Clock(), Holder: h.Holder(), Tell: teller(h),
	}
	ask.Policy.Burn = true
	if doc, ok := c.RolloutOf(service, ask.Environment); ok {
		ask.Policy = doc.Watch
		o.at = doc.Target
	}
	if o.target != "" {
		at, err := act.ParsePlace(o.target)
		if err != nil {
			return ask, err
		}
		o.at = at
	}
	if o.at.Kind != "" {
		ask.Place = o.at.String()
	}
	return ask, o.policy(&ask.Policy)
}

// policy lays the flags over the documents'.
func (o *options) policy(p *watch.Policy) error {
	if o.duration != "" {
		d, err := host.ParseMinutes("--duration", o.duration)
		if err != nil {
			return err
		}
		p.Duration = d
	}
	if len(o.limits) > 0 {
		p.Limits = nil
	}
	for _, text := range o.limits {
		l, err := watch.ParseLimit(text)
		if err != nil {
			return err
		}
		p.Limits = append(p.Limits, l)
	}
	for _, name := range o.alarms {
		if !slices.Contains(p.Alarms, name) {
			p.Alarms = append(slices.Clone(p.Alarms), name)
		}
	}
	p.Breaches, p.Weeks = cmp.Or(o.breaches, p.Breaches), cmp.Or(o.weeks, p.Weeks)
	switch o.rollback {
	case string(watch.UndoAuto):
		p.Undo = watch.UndoAuto
	case never:
		p.Undo = watch.UndoNever
	}
	return p.Validate()
}

// world opens what is rolled back, where alarms are read and incidents opened.
func (o *options) world(ctx context.Context, h *host.Host, s *host.Session, ask *runwatch.Options) error {
	policy := rungate.PolicyFor(s.Catalog, ask.Service)
	if in, err := h.Incidents(&o.forge, &policy); err != nil {
		h.Note("no incident will be opened: %v", err)
	} else if in != nil {
		ask.Incidents = in
	}
	if len(ask.Policy.Alarms) > 0 && h.Directory != nil {
		ask.Alarms = h.Directory(o.place).Alarms
	}
	switch {
	case ask.Policy.Undo != watch.UndoAuto:
		return nil
	case ask.Place == "":
		return fault.New(fault.Invalid, "--rollback auto", "it is not known what to roll back", "name it with --target, as lambda:FUNCTION:ALIAS, or in a document of kind Rollout")
	}
	var err error
	ask.Target, err = h.Mover(ctx, &o.forge, &policy, o.at, ask.Clock.Sleep)
	return err
}
