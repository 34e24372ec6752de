// Package backtest is the verb that tries policies on what was recorded.
package backtest

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/backtest"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	page "gitlab.com/nines-sre/nines/internal/render/backtest"
	runbacktest "gitlab.com/nines-sre/nines/internal/run/backtest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

type options struct {
	selected       []string
	policies       []string
	compare        bool
	incidents      string
	share          string
	from, to       string
	night          string
	shift, perWeek float64
	sweep, gates   bool
	list           bool
}

func formats() []string { return []string{"text", "json", "svg", "html"} }

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "backtest [SERVICE | SERVICE/SLO]... | --compare A B",
		Short: "What would an alert policy have told whom, and was it right?",
		Long: "Backtest leads policies through everything that was recorded, minute by minute, as the live\n" +
			"program would have, and scores what would have been told against the incidents there were:\n" +
			"those of a file (subject, from, to; CSV or YAML), those that live alerts recorded (ledger),\n" +
			"or else stretches that burned faster than the budget allows and spent --share of it or more.\n\n" +
			"A policy is a file of documents (AlertPolicy, GatePolicy, Exclusion), a file of rules in the\n" +
			"short form, or one of documents, default, recommended. --compare puts two or more side by\n" +
			"side. --sweep finds the best pages of at most --per-week on the first two thirds of the weeks\n" +
			"and says what they were worth on the others. Below ten incidents counts are shown.",
		Example: "  nines backtest\n" +
			"  nines backtest payment-api --policy strict.yaml --incidents incidents.csv\n" +
			"  nines backtest --compare default recommended\n" +
			"  nines backtest --sweep --per-week 0.5\n" +
			"  nines backtest --gates --policy gate.yaml -o json",
		ValidArgsFunction: h.CompleteObjectives,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.selected = args
			if opt.compare {
				opt.policies, opt.selected = append(opt.policies, args...), nil
			}
			return opt.run(cmd.Context(), h)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&opt.policies, "policy", nil, "try this `FILE`, or documents, default or recommended; may be given again (default documents)")
	f.BoolVar(&opt.compare, "compare", false, "the arguments are policies, side by side")
	f.StringVar(&opt.incidents, "incidents", "", "what should have been told of: a CSV or YAML `FILE`, or ledger (default: derived from the budget)")
	f.StringVar(&opt.share, "share", "2%", "least `SHARE` of the budget that a derived incident spends")
	f.StringVar(&opt.from, "from", "", "first `TIME` gone through (default the history's)")
	f.StringVar(&opt.to, "to", "", "last `TIME` gone through (default the history's)")
	f.StringVar(&opt.night, "night", host.Night, "`HOURS` in which a notification wakes somebody, in --tz")
	f.Float64Var(&opt.shift, "per-shift", 2, "`NUMBER` of notifications that a night shift may bring")
	f.BoolVar(&opt.sweep, "sweep", false, "search for the best policy under --per-week")
	f.Float64Var(&opt.perWeek, "per-week", 0.5, "`NUMBER` of pages a week that an objective may bring in a sweep")
	f.BoolVar(&opt.gates, "gates", false, "ask the gate policies every five minutes, too")
	f.BoolVar(&opt.list, "list", false, "list every notification and every incident that was missed")
	return host.Describe(cmd, formats(), map[int]string{0: "done, whatever the score", 2: "usage error, or a policy or a file of incidents that cannot be read"})
}

func (o *options) run(ctx context.Context, h *host.Host) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	s, err := h.Open(ctx, h.ReadAccess())
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	opt, err := o.options(ctx, h, s)
	if err != nil {
		return err
	}
	if err := h.BringIn(ctx, s, o.selected); err != nil && fault.KindOf(err) == fault.Canceled {
		return err
	} else if err != nil {
		h.Note("the newest minutes could not be brought in: %v", err)
	}
	out, err := runbacktest.Run(ctx, s.Env, opt)
	if err != nil {
		return err
	}
	for _, key := range out.Unmeasured {
		h.Note("%s was never measured in that time, and is left out", key)
	}
	return o.print(h, s, out, format)
}

func (o *options) print(h *host.Host, s *host.Session, out *runbacktest.Outcome, format string) error {
	var text string
	switch format {
	case "json":
		return host.JSON(h.Out, answer(out))
	case "svg":
		text = page.SVG(charts(out))
	case "html":
		text = page.HTML(charts(out), (&printer{out: out, env: s.Env, list: o.list}).text())
	default:
		text = (&printer{out: out, env: s.Env, style: h.Style(), list: o.list}).text()
	}
	_, err := io.WriteString(h.Out, text)
	return fault.Wrap(fault.Internal, "print", err, "")
}

// options turns flags into what the shell wants.
func (o *options) options(ctx context.Context, h *host.Host, s *host.Session) (out runbacktest.Options, err error) {
	out = runbacktest.Options{Select: o.selected, Sweep: o.sweep, PerWeek: o.perWeek, Gates: o.gates}
	if len(o.policies) == 0 {
		o.policies = []string{"documents"}
	}
	if o.compare && len(o.policies) < 2 {
		return out, fault.New(fault.Invalid, "--compare", "there is nothing to compare with", "name two policies")
	}
	if o.perWeek <= 0 || o.shift < 0 {
		return out, fault.New(fault.Invalid, "--per-week, --per-shift", "how many may come is a number above zero", "")
	}
	for _, name := range o.policies {
		t, err := runbacktest.Read(s.Catalog, name, h.Reading(false))
		if err != nil {
			return out, err //nolint:wrapcheck // it is of package fault
		}
		out.Trials = append(out.Trials, t)
		out.Gates = out.Gates || len(t.Gates) > 0
	}
	if out.Derivation.Share, err = share(o.share); err != nil {
		return out, err
	}
	switch o.incidents {
	case "":
	case "ledger":
		out.Incidents, err = runbacktest.FromLedger(ctx, s.Env)
	default:
		out.Incidents, err = runbacktest.ReadIncidents(o.incidents)
	}
	if err != nil {
		return out, err //nolint:wrapcheck // it is of package fault
	}
	zone := s.Zone
	if zone == nil {
		zone = time.UTC
	}
	from, to, err := host.ParseNight(o.night)
	if err != nil {
		return out, err //nolint:wrapcheck // it is of package fault
	}
	out.Rotation = backtest.Rotation{From: from, To: to, Zone: zone, PerShift: o.shift}
	return out, o.within(&out, h, zone)
}

func (o *options) within(out *runbacktest.Options, h *host.Host, zone *time.Location) error {
	for _, x := range []struct {
		flag, text string
		into       *slo.Minute
	}{{"from", o.from, &out.Within.From}, {"to", o.to, &out.Within.To}} {
		if x.text == "" {
			continue
		}
		at, err := host.ParseTime(x.flag, x.text, zone, h.Now())
		if err != nil {
			return err //nolint:wrapcheck // it is of package fault
		}
		*x.into = slo.MinuteOf(at)
	}
	if s := out.Within; s.To > 0 && s.To <= s.From {
		return fault.New(fault.Invalid, "--from, --to", "the end is not behind the beginning", "")
	}
	return nil
}

// share reads a share of a budget: "2%" or "0.02".
func share(text string) (float64, error) {
	digits, percent := text, 0
	if n := len(text); n > 0 && text[n-1] == '%' {
		digits, percent = text[:n-1], -2
	}
	d, err := slo.ParseDecimal(digits)
	if err == nil {
		d, err = d.Shift(percent)
	}
	if err != nil || d.Sign() <= 0 {
		return 0, fault.New(fault.Invalid, "--share "+text, "it is no share of a budget", "write one like 2%")
	}
	return d.Float(), nil
}
