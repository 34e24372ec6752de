// Package canary holds the verbs that ship a version: canary, promote, rollback.
package canary

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
	"gitlab.com/nines-sre/nines/internal/rollout"
	runcanary "gitlab.com/nines-sre/nines/internal/run/canary"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
)

type options struct {
	service, environment    string
	target, shift, read     string
	version, artifact, base string
	steps                   []string
	wait, threshold         string
	method, margin          string
	then, unsure, extend    string
	dimension               string
	rate                    float64
	requests                string
	alarms                  []string
	place                   metric.Place
	early, resume, dry      bool
	reason                  string
	forge                   host.ForgeFlags
	reports                 report.Flags
	note                    bool
}

// New returns the verb canary.
func New(h *host.Host) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "canary [SERVICE]",
		Short: "Let a new version prove itself on a share of the traffic",
		Long: "Canary moves a share of the traffic to a new version, step by step, judges what both\n" +
			"versions did in each usable minute, and then promotes the new one or puts the old one\n" +
			"back. It fails as soon as it is sure of harm, and says when it cannot know.\n\n" +
			"Everything that is done to the target is recorded before, with how to put it back. A job\n" +
			"that is killed is gone on with by the next one (--resume waits for its lease); SIGTERM puts\n" +
			"the old version back before the job ends. There is one rollout a target.\n\n" +
			"Where, in which steps and by what it is judged stands in a document of kind Rollout, or in\n" +
			"flags. Without a target nothing is moved: the service is looked at as it is.\n" +
			"--wait 5 are 5 usable minutes, --threshold 99 are 99 % of good requests.",
		Example: "  nines canary payment-api --env production --version 8\n" +
			"  nines canary --wait 5 --threshold 99\n" +
			"  nines canary payment-api --target lambda:payment-api:live --artifact s3://b/app.zip \\\n" +
			"      --step 5%:10m --step 25%:10m --step 50%:20m --then hold\n" +
			"  nines canary payment-api --shift-with ./shift.sh --version 1.4.2 --dry-run\n" +
			"  nines canary plan --rate 200/m --weight 5% --errors 0.1%",
		Args:              host.Args(0, 1, "one SERVICE"),
		ValidArgsFunction: h.CompleteServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.service = strings.Join(args, "")
			return o.run(cmd.Context(), h)
		},
	}
	o.declare(cmd)
	cmd.AddCommand(NewPlan(h))
	return host.Describe(cmd, report.Formats(), map[int]string{
		0: "pass: promoted, held, or a trial that passed",
		1: "operational error: the target, the source or the ledger; interrupted; changed by somebody else",
		3: "fail: the new version is worse, and the old one has everything back; or a freeze",
		4: "inconclusive: not enough is known, and the old version has everything back",
		5: "warn: it went on although not everything was known",
	})
}

func (o *options) declare(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.environment, "env", "", "`NAME` of the environment (CI_ENVIRONMENT_NAME)")
	f.StringVar(&o.target, "target", "", "`PLACE` whose traffic is moved, as lambda:FUNCTION:ALIAS (default the Rollout's)")
	f.StringVar(&o.shift, "shift-with", "", "`PROGRAM` that moves the traffic of a target of your own")
	f.StringVar(&o.read, "read-with", "", "`PROGRAM` that prints how the traffic lies, as JSON")
	f.StringVar(&o.version, "version", "", "`VERSION` that is to prove itself, where it is there already")
	f.StringVar(&o.artifact, "artifact", "", "what it is made of: a `FILE`, an address or an image")
	f.StringVar(&o.base, "baseline", "", "`VERSION` to compare with where no traffic is moved")
	f.StringArrayVar(&o.steps, "step", nil, "a `STEP` as 5%:10m, or 5%:10m:pause; may be given again (default 5%:10m)")
	f.StringVar(&o.wait, "wait", "", "one step of so many usable `MINUTES`, as 5 or 5m")
	f.StringVar(&o.threshold, "threshold", "", "least `PERCENT` of good requests, as 99; judges the new version alone")
	f.StringVar(&o.margin, "margin", "", "how much higher the share of bad requests may be, in `PERCENT`, as 0.1%")
	methods := []string{"", "eprocess", "mannwhitney", "threshold"}
	host.Choice(f, &o.method, "method", "`METHOD` of the judge: eprocess (default), mannwhitney or threshold", methods...)
	host.CompleteChoice(cmd, "method", methods[1:]...)
	thens := []string{"", string(rollout.ThenPromote), string(rollout.ThenHold), string(rollout.ThenRestore)}
	host.Choice(f, &o.then, "then", "`WHAT` to do after the last step: promote (default), hold or restore", thens...)
	host.CompleteChoice(cmd, "then", thens[1:]...)
	unsures := []string{"", "climb", "restore", "extend", "pause", "go"}
	host.Choice(f, &o.unsure, "unsure", "`WHAT` to do when a step is over and nothing is known: climb (default), restore, extend, pause or go", unsures...)
	host.CompleteChoice(cmd, "unsure", unsures[1:]...)
	f.StringVar(&o.extend, "extend", "", "`LENGTH` by which steps may be extended in all, with --unsure extend")
	f.BoolVar(&o.early, "early", false, "end a step early when it is sure that the new version is good")
	f.StringVar(&o.dimension, "dimension", "", "`NAME` of the metrics' dimension that carries the version")
	f.Float64Var(&o.rate, "rate", 0, "make this `NUMBER` of requests a second to each version, where there is no traffic")
	f.StringVar(&o.requests, "requests", "", "`FILE` of the requests to make, one JSON object a line")
	f.StringArrayVar(&o.alarms, "alarm", nil, "`NAME` of an alarm that fails it when it becomes red; may be given again")
	host.PlaceFlags(f, &o.place)
	f.BoolVar(&o.resume, "resume", false, "go on with a rollout that waits, or was left")
	f.BoolVar(&o.dry, "dry-run", false, "say what would be done, and touch nothing")
	f.StringVar(&o.reason, "reason", "", "`TEXT` for the record, with --resume")
	f.BoolVar(&o.note, "note", true, "keep a note on the merge request, where there is one and NINES_GITLAB_TOKEN may write it")
	o.reports.Declare(f)
	o.forge.Declare(f)
}

func (o *options) run(ctx context.Context, h *host.Host) (err error) {
	out, err := o.reports.Open(h)
	if err != nil {
		return err
	}
	if h.At != "" {
		return fault.New(fault.Invalid, "--at", "a rollout is about now", "leave it out")
	}
	catalog, _, err := h.CatalogFor(ctx, &o.forge)
	if err != nil {
		return err
	}
	r, err := o.rollout(h, catalog)
	if err != nil {
		return err
	}
	access := host.ReadWrite
	if o.dry {
		access = host.ReadOnly
	}
	s, err := h.OpenWith(ctx, catalog, access)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	ask, err := o.ask(ctx, h, s, r)
	if err != nil {
		return err
	}
	if o.dry {
		return dryRun(ctx, h, &ask)
	}
	if !s.Kept() && r.Target.Kind != "" && !r.Plan.Still {
		return fault.New(fault.Invalid, "--store "+s.URL, "it keeps nothing, and how to put the old version back must be known later", "name a store with --store")
	}
	line := &ticker{h: h}
	ask.Tell = line.tell
	got, err := runcanary.Run(ctx, s.Env, ask)
	line.end()
	if err != nil {
		return err
	}
	return o.say(ctx, h, out, &shown{verb: "canary", out: got, ask: &ask, catalog: catalog})
}

// ask puts together what the shell needs.
func (o *options) ask(ctx context.Context, h *host.Host, s *host.Session, r config.Rollout) (runcanary.Options, error) {
	policy := rungate.PolicyFor(s.Catalog, r.Service)
	f, err := h.Forge(&o.forge, &policy)
	if err != nil {
		return runcanary.Options{}, err
	}
	s.Forge = f
	clock := h.Clock()
	pulse := &runcanary.Pulse{Clock: clock}
	ask := runcanary.Options{
		Rollout: r, Release: act.Release{Version: o.version, Artifact: o.artifact, Description: h.Getenv("CI_COMMIT_SHA")},
		Clock: clock, Pulse: pulse, Holder: h.Holder(), Resume: o.resume, Reason: cmp.Or(o.reason, "by "+h.Actor()),
		Name: h.Getenv("CI_COMMIT_SHA"), Committed: h.Committed(), Token: o.forge.Token(h),
	}
	if o.version == "" && o.artifact == "" {
		ask.Release = act.Release{}
	}
	if !r.Plan.Still {
		if ask.Actor, err = h.Mover(ctx, &o.forge, &policy, r.Target, pulse.Wait); err != nil {
			return ask, err
		}
	}
	ask.Baseline, ask.Canary = sides(&r, o)
	if err := o.meter(ctx, h, s, &ask); err != nil {
		return ask, err
	}
	if names := slices.Concat(o.alarms, r.Watch.Alarms); len(names) > 0 && h.Directory != nil {
		at := h.Directory(o.place)
		ask.Alarms = func(ctx context.Context) ([]string, error) { return red(ctx, at, names) }
	}
	return ask, nil
}

// sides are the two things that are compared where nothing is moved.
func sides(r *config.Rollout, o *options) (baseline, canary string) {
	if r.Target.Kind == "functions" || r.Target.Kind == "endpoints" {
		return r.Target.Params["baseline"], r.Target.Params["canary"]
	}
	return o.base, o.version
}

// red returns those of some alarms that are red. One that is not there is an
// error: a misspelt alarm would never be red.
func red(ctx context.Context, at metric.Directory, names []string) ([]string, error) {
	all, err := at.Alarms(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names {
		i := slices.IndexFunc(all, func(a metric.Alarm) bool { return a.Name == name })
		switch {
		case i < 0:
			return nil, fault.New(fault.NotFound, "alarm "+name, "there is no such alarm", "")
		case all[i].State == "ALARM":
			out = append(out, name)
		}
	}
	return out, nil
}
