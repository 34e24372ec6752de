// Package gate is the verb that answers whether a deployment may go.
package gate

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cli/report"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
)

type options struct {
	service     string
	since       string
	environment string
	class       string
	version     string
	mode        string
	override    bool
	reason      string
	length      string
	maxAge      string
	forge       host.ForgeFlags
	reports     report.Flags
	note        bool
}

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "gate SERVICE",
		Short: "May this deployment go?",
		Long: "Gate brings the newest usable minutes in (--offline does not), decides by the service's\n" +
			"policy, records the decision with everything it rests on, and ends with the verdict's\n" +
			"exit code. Missing data never passes.\n\n" +
			"Every call decides anew; no earlier decision is reused. --max-age limits how old the\n" +
			"evidence may be.\n\n" +
			"In a GitLab job the environment is CI_ENVIRONMENT_NAME and the version CI_COMMIT_SHA\n" +
			"unless said otherwise.\n\n" +
			"With --changed-since, git says which paths have changed between the point where HEAD left\n" +
			"REF and HEAD, the documents say whose they are (paths of a Service), and each of these\n" +
			"services is decided on and recorded; the verdict is the worst of them.",
		Example: "  nines gate payment-api\n" +
			"  nines gate --changed-since origin/main          # all that this branch touches\n" +
			"  nines gate payment-api --class fix --version 1.4.2\n" +
			"  nines gate payment-api --mode advise            # prints, ends with 0\n" +
			"  nines gate payment-api --override --reason \"INC-7: fix for the outage\" --for 2h\n" +
			"  nines gate payment-api --report junit=gate.xml --report dotenv=gate.env\n" +
			"  nines gate payment-api --gitlab https://gitlab.example.com --policy-ref main",
		Args:              func(_ *cobra.Command, args []string) error { return opt.arguments(args) },
		ValidArgsFunction: h.CompleteServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			if opt.since == "" {
				opt.service = args[0]
			}
			return opt.run(cmd.Context(), h)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.since, "changed-since", "", "instead of SERVICE, each whose paths have changed since the branch, tag or commit `REF`")
	f.StringVar(&opt.environment, "env", "", "`NAME` of the environment (CI_ENVIRONMENT_NAME)")
	f.StringVar(&opt.version, "version", "", "`VERSION` that wants to be deployed (CI_COMMIT_SHA)")
	classes := []string{string(gate.ClassChange), string(gate.ClassFix), string(gate.ClassSecurity), string(gate.ClassRollback)}
	host.Choice(f, &opt.class, "class", "`CLASS` of the change: change, fix, security or rollback", classes...)
	host.CompleteChoice(cmd, "class", classes...)
	modes := []string{"", string(gate.ModeEnforce), string(gate.ModeAdvise)}
	host.Choice(f, &opt.mode, "mode", "`MODE`: enforce, or advise, which ends with 0 (default the policy's)", modes...)
	host.CompleteChoice(cmd, "mode", modes[1:]...)
	f.BoolVar(&opt.override, "override", false, "pass although the gate is closed; it is recorded and limited; needs --reason")
	f.StringVar(&opt.reason, "reason", "", "`TEXT` that says why the override is right")
	f.StringVar(&opt.length, "for", "", "`LENGTH` for which the override holds, as 2h (default the policy's longest)")
	f.StringVar(&opt.maxAge, "max-age", "", "`LENGTH`: evidence older than that is stale, as 10m; 0: what the sources have now, asked by this call")
	opt.reports.Declare(f)
	f.BoolVar(&opt.note, "note", true, "keep a note on the merge request, where there is one and NINES_GITLAB_TOKEN may write it")
	opt.forge.Declare(f)
	return host.Describe(cmd, report.Formats(), map[int]string{
		0: "pass; or advise mode, whatever the verdict",
		1: "operational error, and the policy's onError is block (the default)",
		3: "fail: the deployment is held",
		4: "inconclusive: what is known does not carry a verdict",
		5: "warn: it may go, look at the reasons (allow_failure: exit_codes: 5)",
	})
}

func (o *options) run(ctx context.Context, h *host.Host) (err error) {
	out, err := o.reports.Open(h)
	if err != nil {
		return err
	}
	ask, err := o.question(h)
	if err != nil {
		return err
	}
	catalog, err := o.documents(ctx, h, &ask)
	if err != nil {
		return err
	}
	if err := holdToAge(h, o.maxAge, catalog); err != nil {
		return err
	}
	all := answers{since: o.since, Touched: config.Touched{Services: []string{o.service}}}
	if o.since != "" {
		if all.Touched, err = o.touched(ctx, catalog); err != nil {
			return err
		}
	}
	if len(all.Services) == 0 { // nothing to decide, nothing to record
		return o.say(h, all, out)
	}
	s, err := open(ctx, h, catalog, &ask)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	for _, service := range all.Services {
		a, err := o.answer(ctx, h, s, service, ask)
		if err != nil {
			return err
		}
		all.each = append(all.each, a)
	}
	if err := o.say(h, all, out); err != nil {
		return err
	}
	// The verdicts stand before anybody is told of them, and whatever comes of that.
	for i := range all.each {
		o.tell(ctx, h, s, all.each[i])
	}
	return host.ExitWith(exitCode(all.each))
}

// say prints the answers, and writes the reports.
func (o *options) say(h *host.Host, all answers, out report.Out) error {
	if o.since == "" {
		return out.Say(h, all.each[0].report()) //nolint:wrapcheck // says all there is to say
	}
	return out.Say(h, all.report()) //nolint:wrapcheck // as above
}

// open opens the stores. Those out of reach become the question's trouble, which
// the policy answers to.
func open(ctx context.Context, h *host.Host, catalog *config.Catalog, ask *rungate.Options) (*host.Session, error) {
	s, err := h.OpenWith(ctx, catalog, host.ReadWrite)
	if outOfReach(err) {
		ask.Trouble = err
		s, err = h.Storeless(catalog)
	}
	if err != nil {
		return nil, err
	}
	if ask.At, err = h.Instant(s.Zone); err != nil {
		return nil, host.Closing(err, s.Close)
	}
	if ask.Trouble == nil && ask.Override != nil && !s.Kept() {
		err = fault.New(fault.Invalid, "--override", "an override must be recorded, and the store "+s.URL+" keeps nothing", "name a store with --store")
		return nil, host.Closing(err, s.Close)
	}
	return s, nil
}

// answer brings the evidence about a service in and asks the gate. A source out
// of reach is trouble like a store; an error is a question without sense.
func (o *options) answer(ctx context.Context, h *host.Host, s *host.Session, service string, ask rungate.Options) (answer, error) {
	ask.Service = service
	policy := rungate.PolicyFor(s.Catalog, service)
	f, err := h.Forge(&o.forge, &policy)
	if err != nil {
		return answer{}, err
	}
	s.Forge = f
	if ask.Trouble == nil {
		if subjects := rungate.Subjects(s.Catalog, service); len(subjects) > 0 {
			if ask.Trouble = h.BringIn(ctx, s, subjects); fault.KindOf(ask.Trouble) == fault.Canceled {
				return answer{}, ask.Trouble
			}
		}
	}
	out, err := rungate.Run(ctx, s.Env, ask)
	if err != nil {
		return answer{}, err
	}
	a := answer{Outcome: out, zone: s.Zone, kept: s.Kept(), job: h.Getenv("CI_JOB_URL"), forge: f}
	for i := range s.Catalog.Services {
		if x := &s.Catalog.Services[i]; x.Name == service {
			a.owner = x.Owner
		}
	}
	return a, nil
}

// documents loads them. A rollback does not wait until the forge is back: where
// their branch cannot be read, those of the working copy have to do, and it is
// recorded so - if the caller, and no variable, says which forge it is.
func (o *options) documents(ctx context.Context, h *host.Host, ask *rungate.Options) (*config.Catalog, error) {
	catalog, from, err := h.CatalogFor(ctx, &o.forge)
	ask.Documents = from
	if err == nil || !fault.KindOf(err).Retry() || ask.Change.Class != gate.ClassRollback || o.forge.URL == "" {
		return catalog, err
	}
	h.Note("%v; the working copy's documents have to do for a rollback", err)
	ask.Unread = append(ask.Unread, err.Error())
	ask.Documents = "the working copy"
	return h.Catalog(ctx)
}

// outOfReach says whether an error is the world's, not the caller's.
func outOfReach(err error) bool {
	if err == nil {
		return false
	}
	kind := fault.KindOf(err)
	return kind != fault.Canceled && kind.ExitCode() == fault.Unavailable.ExitCode()
}

// question puts the flags and a job's surroundings together.
func (o *options) question(h *host.Host) (rungate.Options, error) {
	ask := rungate.Options{
		Environment: cmp.Or(o.environment, h.Getenv("CI_ENVIRONMENT_NAME")),
		Change: gate.Change{
			Class:   gate.Class(o.class),
			Version: cmp.Or(o.version, h.Getenv("CI_COMMIT_SHA")),
			Actor:   h.Actor(),
		},
		Mode:         gate.Mode(o.mode),
		Token:        o.forge.Token(h),
		VersionGiven: o.version != "", EnvironmentGiven: o.environment != "",
	}
	if !o.override {
		if o.reason != "" || o.length != "" {
			return ask, fault.New(fault.Invalid, "--reason and --for", "they say why and how long to override", "add --override, or leave them out")
		}
		return ask, nil
	}
	if o.reason == "" {
		return ask, fault.New(fault.Invalid, "--override", "a reason is missing", "say why with --reason TEXT")
	}
	var length time.Duration
	if o.length != "" {
		var err error
		if length, err = host.ParseDuration("--for", o.length); err != nil {
			return ask, err
		}
	}
	ask.Override = &rungate.OverrideRequest{Reason: o.reason, For: length}
	return ask, nil
}
