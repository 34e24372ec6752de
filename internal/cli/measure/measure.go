// Package measure is the verb that brings the history up to date.
package measure

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runmeasure "gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/run/poll"
	runpublish "gitlab.com/nines-sre/nines/internal/run/publish"
	"gitlab.com/nines-sre/nines/internal/slo"
)

type options struct {
	selected []string
	full     bool
	since    string
	watch    bool
	every    time.Duration
	dryRun   bool
	publish  bool
}

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "measure [SERVICE | SERVICE/SLO]...",
		Short: "Bring the history up to date with its sources",
		Long: "Measure asks the sources for what the history lacks and records it. It can be stopped\n" +
			"at any point and called again: what is recorded stays, the rest is asked for again, and\n" +
			"repeating changes nothing. A source that fails leaves its minutes unmeasured.\n\n" +
			"Without a flag it fills what the objectives' windows need, reads a recorded file whole,\n" +
			"and of CloudWatch the 63 days that it keeps by five minutes or finer. The newest comes\n" +
			"first. --since says how far to go back, --full as far as the sources can answer (for\n" +
			"CloudWatch 455 days). --dry-run says what would be asked and what that costs; it asks\n" +
			"nothing and writes nothing.\n\n" +
			"--watch goes on until it is interrupted or told to end (SIGTERM): every objective is read\n" +
			"every five minutes (--every, or the annotation nines/poll), and every minute while a\n" +
			"condition holds or is about to. A reading under way is brought to its end. Each reading\n" +
			"gets a line on standard error, or with -o json an object a line on standard output.\n\n" +
			"--publish sends what is known of the objectives afterwards to CloudWatch, as the\n" +
			"documents' Settings say (publish). Each metric costs as much as a custom metric does.",
		Example: "  nines measure\n" +
			"  nines measure payment-api --since 60d\n" +
			"  nines measure --dry-run --full\n" +
			"  nines measure --watch\n" +
			"  nines measure --quiet -o json",
		ValidArgsFunction: h.CompleteObjectives,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.selected = args
			if opt.dryRun {
				return opt.foresee(cmd.Context(), h)
			}
			return opt.run(cmd.Context(), h)
		},
	}
	cmd.Flags().BoolVar(&opt.full, "full", false, "go back as far as ten years, or as far as a source can answer")
	cmd.Flags().StringVar(&opt.since, "since", "", "go back this `LENGTH`, as 60d")
	cmd.Flags().BoolVar(&opt.watch, "watch", false, "keep the history up to date until interrupted")
	cmd.Flags().DurationVar(&opt.every, "every", poll.Every, "how `OFTEN` --watch reads what does not burn, at least 1m")
	cmd.Flags().BoolVar(&opt.dryRun, "dry-run", false, "say what would be asked and what it costs, and do nothing")
	cmd.Flags().BoolVar(&opt.publish, "publish", false, "send budgets and burn rates to CloudWatch afterwards")
	return host.Describe(cmd, formats(), map[int]string{
		0: "the history is up to date; or --watch was told to end",
		1: "a source or the store could not be used; the others are measured",
	})
}

func formats() []string { return []string{"text", "json"} }

// tenYears is further back than any source keeps minutes.
const tenYears = 3650 * slo.Day

func (o *options) run(ctx context.Context, h *host.Host) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	if o.watch {
		return o.keep(ctx, h, format)
	}
	opt, err := o.work(h)
	if err != nil {
		return err
	}
	start := h.Now()
	opt.Elapsed = func() time.Duration { return h.Now().Sub(start) }
	s, err := h.Open(ctx, host.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	prices, err := cost.Default()
	if err != nil {
		return err
	}
	bar := NewProgress(h.Err, h.ErrStyle(), prices)
	if !h.Quiet {
		opt.Progress = bar.Show
	}
	report, err := runmeasure.Run(ctx, s.Env, opt)
	bar.End()
	if err != nil && len(report.Failed) == 0 {
		return err
	}
	if perr := show(h, format, report, s.Zone, prices); perr != nil {
		return perr
	}
	if aerr := h.TellAlerts(ctx, s, nil, o.selected); aerr != nil {
		err = cmp.Or(err, aerr)
	}
	if o.publish {
		return cmp.Or(err, send(ctx, h, s, runpublish.Options{Select: o.selected}))
	}
	return err
}

// send publishes how objectives stand.
func send(ctx context.Context, h *host.Host, s *host.Session, opt runpublish.Options) error {
	sink, err := h.OpenSink(s.Catalog.Settings.Publish)
	if err != nil {
		return err
	}
	env := *s.Env
	env.Now = h.Now()
	receipt, err := runpublish.Run(ctx, &env, sink, opt)
	if err != nil {
		return err
	}
	h.Note("published %s in %s", term.Plural(receipt.Published, "metric"), term.Plural(receipt.Requests, "request"))
	for _, why := range receipt.Dropped {
		h.Note("not published: %s", why)
	}
	return nil
}

func (o *options) work(h *host.Host) (runmeasure.Options, error) {
	opt := runmeasure.Options{Select: o.selected, Deep: true}
	switch {
	case h.Offline && !o.dryRun:
		return opt, fault.New(fault.Invalid, "--offline", "measuring asks the sources", "leave it out")
	case o.full && o.since != "":
		return opt, fault.New(fault.Invalid, "--full --since "+o.since, "they say different things", "give one of them")
	case o.full:
		opt.Since = tenYears
	case o.since != "":
		d, err := host.ParseDuration("--since", o.since)
		if err != nil {
			return opt, err
		}
		opt.Since = max(1, slo.Minute(d.Minutes()))
	}
	return opt, nil
}

// result is the report with what it cost.
type result struct {
	runmeasure.Report
	Money *money `json:"money,omitempty"` // nil: nothing that is billed was read
}

func show(h *host.Host, format string, r runmeasure.Report, zone *time.Location, prices cost.Prices) error {
	if format == "json" {
		return host.JSON(h.Out, result{r, moneyOf(prices, r.Usage)})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "measured %s in %s: %s new minutes, %s replaced, %s kept as they were\n",
		term.Plural(r.Indicators, "indicator"), term.Plural(r.Requests, "request"),
		term.Count(float64(r.Filled)), term.Count(float64(r.Replaced)), term.Count(float64(r.Kept)))
	if m := moneyOf(prices, r.Usage); m != nil {
		b.WriteString(m.told(*r.Usage) + "\n")
	}
	if !r.Frontier.IsZero() {
		b.WriteString("up to " + term.Instant(r.Frontier.In(zone)) + "\n")
	}
	for _, note := range r.Notes {
		b.WriteString("note: " + term.Clean(note) + "\n")
	}
	for _, id := range slices.Sorted(maps.Keys(r.Failed)) {
		b.WriteString("failed: " + term.Clean(id+": "+r.Failed[id]) + "\n")
	}
	_, err := io.WriteString(h.Out, b.String())
	return err
}
