// Package handover is the verb that writes the last days for whoever takes over.
package handover

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	runhandover "gitlab.com/nines-sre/nines/internal/run/handover"
	"gitlab.com/nines-sre/nines/internal/slo"
)

type options struct {
	selected    []string
	last, night string
	pages       float64
}

func formats() []string { return []string{"text", "markdown", "html", "json"} }

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "handover [SERVICE | SERVICE/SLO]...",
		Short: "The last seven days, for whoever takes over",
		Long: "What burned, what is likely to run out next, what was told (and how often at night,\n" +
			"against what the rotation bears), what could not be told, what changed, who overrode\n" +
			"the gate, what is silenced or frozen. As HTML it is one page that needs nothing else.",
		Example: "  nines handover\n" +
			"  nines handover -o html > handover.html\n" +
			"  nines handover --last 1d --night 23:00-07:00 --night-pages 0.3 --tz Europe/Berlin",
		ValidArgsFunction: h.CompleteObjectives,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.selected = args
			return opt.run(cmd.Context(), h)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.last, "last", "7d", "how far back, a `LENGTH` as 7d or 12h")
	f.StringVar(&opt.night, "night", host.Night, "`HOURS` in which a page wakes somebody, in --tz")
	f.Float64Var(&opt.pages, "night-pages", 2, "how many pages at night the rotation bears in these days, a `NUMBER`")
	return host.Describe(cmd, formats(), nil)
}

func (o *options) run(ctx context.Context, h *host.Host) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	opt, err := o.parse()
	if err != nil {
		return err
	}
	s, err := h.Open(ctx, h.ReadAccess())
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	if opt.At, err = h.Instant(s.Zone); err != nil {
		return err
	}
	if err := h.BringIn(ctx, s, o.selected); err != nil && fault.KindOf(err) == fault.Canceled {
		return err
	} else if err != nil {
		h.Note("the newest minutes could not be brought in: %v", err)
	}
	r, err := runhandover.Run(ctx, s.Env, opt)
	if err != nil {
		return err
	}
	var out []byte
	switch format {
	case "markdown":
		out = []byte(r.Markdown())
	case "html":
		out, err = r.HTML()
	case "json":
		return host.JSON(h.Out, r)
	default:
		out = []byte(r.Text())
	}
	if err == nil {
		_, err = h.Out.Write(out)
	}
	return err
}

func (o *options) parse() (runhandover.Options, error) {
	length, err := slo.ParseLength(o.last)
	if err != nil || length <= 0 {
		return runhandover.Options{}, fault.New(fault.Invalid, "--last "+o.last, "it is no length", "write 7d or 12h")
	}
	out := runhandover.Options{Length: time.Duration(length) * time.Minute, Select: o.selected, NightPages: o.pages}
	out.NightFrom, out.NightTo, err = host.ParseNight(o.night)
	return out, err //nolint:wrapcheck // it is of package fault
}
