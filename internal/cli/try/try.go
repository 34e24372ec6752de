// Package try is the verb that measures a service without a document and
// without a store.
package try

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/discover"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/run/try"
	"gitlab.com/nines-sre/nines/internal/slo"
)

func formats() []string { return []string{"text", "json"} }

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt try.Options
	var since string
	cmd := &cobra.Command{
		Use:   "try KIND/NAME",
		Short: "What has a service attained, with no document and no store?",
		Long: "Try reads the newest day of a service, then the days before, and says what it attained,\n" +
			"what is left of its error budget, which days were worst and which target it could have\n" +
			"kept. Nothing is kept. Without --target and --latency, objectives are taken from the data.",
		Example: "  nines try lambda/payment-api\n" +
			"  nines try apigateway/payment@prod --target 99.95 --latency \"99% < 300ms\"\n" +
			"  nines try alb/app/web/0123456789abcdef --since 7d --region eu-west-1",
		Args: host.Args(1, 1, "one KIND/NAME"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if opt.Ref, err = discover.ParseRef(args[0]); err != nil {
				return err
			}
			if opt.Since, err = host.ParseSince(since); err != nil {
				return err
			}
			return run(cmd.Context(), h, opt)
		},
	}
	host.TrialFlags(cmd.Flags(), &opt, &since)
	return host.Describe(cmd, formats(), map[int]string{
		0: "done; an objective that could not be measured says so",
		1: "the service could not be read: credentials, rights, network",
		2: "usage error, or there is no such service",
	})
}

func run(ctx context.Context, h *host.Host, opt try.Options) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	if h.Offline {
		return fault.New(fault.Invalid, "--offline", "trying asks AWS", "leave it out")
	}
	prices, err := cost.Default()
	if err != nil {
		return err
	}
	env, done, err := h.Trial(ctx, opt.Place)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, done) }()
	opt.First = func(o *try.Outcome) { h.Note("newest %s: %s", slo.FormatLength(o.Span.Len()), first(o)) }
	out, err := try.Run(ctx, env, opt)
	if err != nil {
		return err
	}
	if format == "json" {
		return host.JSON(h.Out, answer(out, prices))
	}
	p := page{st: h.Style(), zone: env.Run.Zone, prices: prices, out: out}
	_, err = io.WriteString(h.Out, p.text())
	return err
}

// first says the first value in a line.
func first(o *try.Outcome) string {
	var parts []string
	for i := range o.Objectives {
		x := &o.Objectives[i]
		switch x.State {
		case try.Measured:
			parts = append(parts, x.Text+": "+term.PercentOf(x.Report.Whole.Attained(), 4))
		case try.Refused:
		case try.NoTraffic, try.NoData, try.NoMetric:
			parts = append(parts, x.Name+": "+string(x.State))
		}
	}
	return strings.Join(parts, ", ")
}
