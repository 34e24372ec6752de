// Package mark holds the verbs that declare stretches: freeze, in which
// nothing ships, and exclude, which does not count. Both are added, ended and
// listed the same way.
package mark

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/run"
	runmark "gitlab.com/nines-sre/nines/internal/run/mark"
)

// kind is what differs between the two verbs.
type kind struct {
	verb, noun string
	short      string
	long       string
	subject    string // what the argument is
	example    string // arguments of an example
	exempt     bool   // change classes can be exempt
	add        func(context.Context, *run.Env, runmark.Mark) (runmark.Mark, error)
	list       func(context.Context, *run.Env) ([]runmark.Mark, error)
}

// NewFreeze returns the verb for stretches in which nothing ships.
func NewFreeze(h *host.Host) *cobra.Command {
	return group(h, kind{
		verb: "freeze", noun: "freeze", short: "Declare a stretch in which nothing ships",
		long: "A freeze holds every deployment of a service, or of all, except rollbacks and the\n" +
			"classes it exempts. Freezes that come again belong into a GatePolicy.",
		subject: "SERVICE", exempt: true,
		example: "payment-api --to \"2025-12-27 08:00\" --reason \"holidays\" --exempt fix,security",
		add:     runmark.AddFreeze, list: runmark.Freezes,
	})
}

// NewExclude returns the verb for stretches that do not count.
func NewExclude(h *host.Host) *cobra.Command {
	return group(h, kind{
		verb: "exclude", noun: "exclusion", short: "Declare a stretch that does not count",
		long: "An excluded minute leaves good, total and the expected minutes. It may be entered later;\n" +
			"it is recorded with author and reason, and changes no decision already made.",
		subject: "SERVICE[/SLO]",
		example: "payment-api/latency --from \"2025-01-20 02:00\" --for 90m --reason \"maintenance\"",
		add:     runmark.AddExclusion, list: runmark.Exclusions,
	})
}

// NewSilence returns the verb for stretches in which alerts are not told.
func NewSilence(h *host.Host) *cobra.Command {
	return group(h, kind{
		verb: "silence", noun: "silence", short: "Keep alerts from being told for a while",
		long: "A silence keeps alerts of a service, an SLO, an objective or one condition from being told.\n" +
			"It needs a reason and an end. The alerts go on: nines alerts shows them, and what still\n" +
			"fires when the silence ends is told then. A silenced alert hides no other.",
		subject: "SERVICE[/SLO[/OBJECTIVE[/CONDITION]]]",
		example: "payment-api/availability --for 2h --reason \"moving the database, CHG-12\"",
		add:     runmark.AddSilence, list: runmark.Silences,
	})
}

func group(h *host.Host, k kind) *cobra.Command {
	cmd := &cobra.Command{Use: k.verb, Short: k.short, Long: k.long}
	cmd.AddCommand(newAdd(h, k), newEnd(h, k), newList(h, k))
	return cmd
}

type addOptions struct {
	subject, from, to, length, reason string
	exempt                            []string
}

func newAdd(h *host.Host, k kind) *cobra.Command {
	var opt addOptions
	cmd := &cobra.Command{
		Use:   "add " + k.subject,
		Short: "Add one " + k.noun + " of a " + k.subject + ", or of everything with \"*\"",
		Long:  k.long,
		Example: "  nines " + k.verb + " add " + k.example + "\n" +
			"  nines " + k.verb + " add \"*\" --for 2h --reason \"moving the database\"",
		Args:              host.Args(1, 1, "a "+k.subject+", or \"*\" for everything"),
		ValidArgsFunction: h.CompleteServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.subject = args[0]
			return opt.run(cmd.Context(), h, k)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.from, "from", "", "first instant, as a `TIME` (default now)")
	f.StringVar(&opt.to, "to", "", "first instant behind it, as a `TIME` (default until it is ended)")
	f.StringVar(&opt.length, "for", "", "`LENGTH`, in place of --to")
	f.StringVar(&opt.reason, "reason", "", "`TEXT` that says why (required)")
	if k.exempt {
		f.StringSliceVar(&opt.exempt, "exempt", nil, "change `CLASSES` it does not hold: fix, security")
		host.CompleteChoice(cmd, "exempt", string(gate.ClassFix), string(gate.ClassSecurity))
	}
	return host.Describe(cmd, formats(), nil)
}

func formats() []string { return []string{"text", "json"} }

func (o *addOptions) run(ctx context.Context, h *host.Host, k kind) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	s, err := h.Open(ctx, host.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	if !s.Kept() {
		return fault.New(fault.Invalid, "nines "+k.verb+" add", "the store "+s.URL+" keeps nothing", "name a store with --store")
	}
	m, err := o.mark(h, s.Zone)
	if err != nil {
		return err
	}
	if m, err = k.add(ctx, s.Env, m); err != nil {
		return err
	}
	return printOne(h, format, "added", m, s.Zone)
}

// mark reads the flags.
func (o *addOptions) mark(h *host.Host, zone *time.Location) (runmark.Mark, error) {
	// Decisions are about whole seconds; a mark from now on must hold for one
	// that is asked for in the same second.
	m := runmark.Mark{Subject: o.subject, Reason: o.reason, From: h.Now().Truncate(time.Second)}
	var err error
	if o.from != "" {
		if m.From, err = host.ParseTime("--from", o.from, zone, h.Now()); err != nil {
			return m, err
		}
	}
	switch {
	case o.to != "" && o.length != "":
		return m, fault.New(fault.Invalid, "--to --for", "both say when it ends", "give one of them")
	case o.to != "":
		m.To, err = host.ParseTime("--to", o.to, zone, h.Now())
	case o.length != "":
		var d time.Duration
		d, err = host.ParseDuration("--for", o.length)
		m.To = m.From.Add(d)
	}
	for _, c := range o.exempt {
		m.Exempt = append(m.Exempt, gate.Class(c))
	}
	return m, err
}

func newEnd(h *host.Host, k kind) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "end ID",
		Short:   "End one " + k.noun + " now",
		Long:    "An end is recorded too; what was held or excluded before it stays so.",
		Example: "  nines " + k.verb + " end 01JK3",
		Args:    host.Args(1, 1, "an ID; `nines "+k.verb+" list` shows them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return end(cmd.Context(), h, args[0])
		},
	}
	return host.Describe(cmd, formats(), nil)
}

func end(ctx context.Context, h *host.Host, id string) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	s, err := h.Open(ctx, host.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	m, err := runmark.End(ctx, s.Env, id)
	if err != nil {
		return err
	}
	return printOne(h, format, "ended", m, s.Zone)
}

func printOne(h *host.Host, format, what string, m runmark.Mark, zone *time.Location) error {
	if format == "json" {
		return host.JSON(h.Out, m)
	}
	_, err := io.WriteString(h.Out, fmt.Sprintf("%s %s %s of %s, %s\n", what, m.Kind, m.ID, m.Subject, stretch(m, zone)))
	return err
}
