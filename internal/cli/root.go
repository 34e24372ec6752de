package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/alerts"
	"gitlab.com/nines-sre/nines/internal/cli/analyze"
	"gitlab.com/nines-sre/nines/internal/cli/backtest"
	"gitlab.com/nines-sre/nines/internal/cli/canary"
	"gitlab.com/nines-sre/nines/internal/cli/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/cli/cost"
	"gitlab.com/nines-sre/nines/internal/cli/delivery"
	"gitlab.com/nines-sre/nines/internal/cli/diff"
	"gitlab.com/nines-sre/nines/internal/cli/discover"
	"gitlab.com/nines-sre/nines/internal/cli/doctor"
	"gitlab.com/nines-sre/nines/internal/cli/expand"
	"gitlab.com/nines-sre/nines/internal/cli/gate"
	"gitlab.com/nines-sre/nines/internal/cli/handover"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cli/ledger"
	"gitlab.com/nines-sre/nines/internal/cli/lint"
	"gitlab.com/nines-sre/nines/internal/cli/mark"
	"gitlab.com/nines-sre/nines/internal/cli/measure"
	"gitlab.com/nines-sre/nines/internal/cli/notify"
	"gitlab.com/nines-sre/nines/internal/cli/record"
	"gitlab.com/nines-sre/nines/internal/cli/render"
	"gitlab.com/nines-sre/nines/internal/cli/scaffold"
	"gitlab.com/nines-sre/nines/internal/cli/schema"
	"gitlab.com/nines-sre/nines/internal/cli/status"
	"gitlab.com/nines-sre/nines/internal/cli/store"
	"gitlab.com/nines-sre/nines/internal/cli/test"
	"gitlab.com/nines-sre/nines/internal/cli/try"
	"gitlab.com/nines-sre/nines/internal/cli/version"
	"gitlab.com/nines-sre/nines/internal/cli/watch"
	"gitlab.com/nines-sre/nines/internal/cli/why"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// group is a heading of the list of verbs with the verbs under it.
type group struct {
	title string
	verbs []func(*host.Host) *cobra.Command
}

func groups() []group {
	return []group{
		{"Answers", []func(*host.Host) *cobra.Command{status.New, alerts.New, gate.New, why.New}},
		{"Shipping", []func(*host.Host) *cobra.Command{canary.New, canary.NewPromote, canary.NewRollback, watch.New}},
		{"Finding your way", []func(*host.Host) *cobra.Command{discover.New, try.New, scaffold.New}},
		{"History", []func(*host.Host) *cobra.Command{measure.New, analyze.New, backtest.New, store.New}},
		{"Documents", []func(*host.Host) *cobra.Command{lint.New, test.New, expand.New, schema.New, diff.New, render.New}},
		{"Records", []func(*host.Host) *cobra.Command{ledger.New, why.NewReplay, handover.New, delivery.New, mark.NewFreeze, mark.NewExclude, mark.NewSilence, record.New}},
		{"Sources", []func(*host.Host) *cobra.Command{cost.New, doctor.New, notify.New, cloudwatch.New}},
		{"Other", []func(*host.Host) *cobra.Command{version.New}},
	}
}

// newRoot assembles the program.
func newRoot(h *host.Host) *cobra.Command {
	root := &cobra.Command{
		Use:   "nines",
		Short: "Know the error budget, and let it decide what ships",
		Long: "Nines reads service level objectives from documents, keeps what is measured as exact\n" +
			"history, computes error budgets and burn rates from it, and answers whether a\n" +
			"deployment may go, with reasons.",
		Example: "  nines lint slo/               # are the documents right?\n" +
			"  nines measure                 # bring the history up to date\n" +
			"  nines status                  # how much budget is left\n" +
			"  nines gate payment-api        # may this deployment go?\n" +
			"  nines why                     # why was the last decision taken",
		Version:           version.Text(h.Version, h.Commit),
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,

		SuggestionsMinimumDistance: 2,
	}
	root.SetIn(h.In)
	root.SetOut(h.Out)
	root.SetErr(h.Err)
	root.SetVersionTemplate("{{.Version}}\n")
	globals(root, h)
	for _, g := range groups() {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, create := range g.verbs {
			verb := create(h)
			verb.GroupID = g.title
			root.AddCommand(verb)
		}
	}
	root.SetHelpCommandGroupID("Other")
	root.SetCompletionCommandGroupID("Other")
	completions(root)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { help(h, c) })
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return err })
	onlyVerbs(root)
	markAll(root)
	return root
}

// globals declares the flags every verb takes.
func globals(root *cobra.Command, h *host.Host) {
	f := root.PersistentFlags()
	f.StringSliceVar(&h.Config, "config", nil, "documents: a `DIR`, a file or a URL; may be given again (NINES_CONFIG; default .)")
	f.StringVar(&h.Store, "store", "", "where history is kept: a `URL` sqlite:PATH or dynamodb:TABLE, or none to read the sources for this answer only (NINES_STORE; default sqlite:.nines/nines.db under the documents)")
	f.StringVar(&h.At, "at", "", "answer as of this `TIME` (RFC 3339), with today's knowledge about it")
	f.StringVar(&h.Zone, "tz", "", "time `ZONE` for display, as \"Europe/Berlin\" (default the documents', else UTC)")
	f.StringVarP(&h.Output, "output", "o", "", "`FORMAT` of the answer; each verb names its own")
	f.BoolVar(&h.Offline, "offline", false, "answer from the history kept; ask no source")
	f.BoolVar(&h.Quiet, "quiet", false, "no progress and no notes on standard error")
	host.Choice(root.PersistentFlags(), &h.Color, "color", "`WHEN` to colour: auto, always or never (NO_COLOR)",
		host.ColorAuto, host.ColorAlways, host.ColorNever)
	host.CompleteChoice(root, "color", host.ColorAuto, host.ColorAlways, host.ColorNever)
	_ = root.MarkPersistentFlagDirname("config")
	_ = root.RegisterFlagCompletionFunc("output", func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return strings.Fields(c.Annotations[host.Formats]), cobra.ShellCompDirectiveNoFileComp
	})
}

// onlyVerbs makes commands that only hold others refuse anything else.
func onlyVerbs(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		onlyVerbs(sub)
	}
	if cmd.Runnable() || !cmd.HasSubCommands() {
		return
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		hint := "`" + c.CommandPath() + " --help` lists the verbs"
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean `" + c.CommandPath() + " " + near[0] + "`? " + hint
		}
		return fault.New(fault.Invalid, c.CommandPath()+" "+args[0], "there is no such verb", hint)
	}
}

// completions adds the verb that prints completion scripts, which the library
// brings along, and says of its parts what every verb says of itself.
func completions(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Short = "Print the completion script of a shell"
		for _, shell := range c.Commands() {
			shell.Example = "  nines completion " + shell.Name() + " > FILE"
			host.Describe(shell, nil, nil)
		}
	}
}
