// Package discover is the verb that says which services could be measured, and
// at what price, before anything is read.
package discover

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/discover"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run/survey"
	"gitlab.com/nines-sre/nines/internal/run/try"
	"gitlab.com/nines-sre/nines/internal/slo"
)

type options struct {
	place  metric.Place
	limit  int
	recent bool
}

func formats() []string { return []string{"table", "json"} }

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "discover [KIND... | KIND/NAME]",
		Short: "Which services could be measured, and what would it cost?",
		Long: "Discover lists the services of an AWS account that Nines can measure, with the metrics\n" +
			"that are there and a month's price of reading them. It reads no datapoint: it calls\n" +
			"ListMetrics, DescribeAlarms and ListServiceLevelObjectives, and says how often. Of one\n" +
			"service it also says what its metrics do not see.\n\n" +
			"Kinds: " + strings.Join(survey.Kinds(), ", ") + ".",
		Example: "  nines discover\n" +
			"  nines discover lambda alb --region eu-west-1\n" +
			"  nines discover lambda/payment-api\n" +
			"  nines discover alarm slo -o json",
		RunE: func(cmd *cobra.Command, args []string) error { return opt.run(cmd.Context(), h, args) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return survey.Kinds(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	f := cmd.Flags()
	host.PlaceFlags(f, &opt.place)
	f.IntVar(&opt.limit, "limit", 50, "show at most this `NUMBER` of services of a kind; 0: all")
	f.BoolVar(&opt.recent, "recent", false, "only what had a datapoint in the last three hours (else two weeks)")
	return host.Describe(cmd, formats(), map[int]string{
		0: "done; what could not be listed is noted",
		1: "nothing could be listed: credentials, rights, network",
		2: "usage error, or there is no such service",
	})
}

// ask turns arguments into what to look for.
func (o *options) ask(args []string) (survey.Options, error) {
	out := survey.Options{Recent: o.recent}
	for _, a := range args {
		if strings.Contains(a, "/") {
			r, err := discover.ParseRef(a)
			if err != nil {
				return out, err
			}
			if len(args) > 1 {
				return out, fault.New(fault.Invalid, "discover "+a, "one service is looked at alone", "name one KIND/NAME, or kinds")
			}
			out.Ref = &r
			continue
		}
		if !slices.Contains(survey.Kinds(), a) {
			hint := "the kinds are " + strings.Join(survey.Kinds(), ", ")
			if near := discover.Near(a, survey.Kinds(), 1); len(near) > 0 {
				hint = "did you mean " + near[0] + "? " + hint
			}
			return out, fault.New(fault.Invalid, "discover "+a, "there is no such kind of service", hint)
		}
		out.Kinds = append(out.Kinds, a)
	}
	return out, nil
}

func (o *options) run(ctx context.Context, h *host.Host, args []string) error {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	ask, err := o.ask(args)
	if err != nil {
		return err
	}
	if h.Offline {
		return fault.New(fault.Invalid, "--offline", "discovering asks AWS", "leave it out")
	}
	env, err := o.env(ctx, h)
	if err != nil {
		return err
	}
	report, err := survey.Run(ctx, env, ask)
	if err != nil {
		return err
	}
	if ask.Ref != nil && len(report.Services) == 0 {
		return try.Missing(*ask.Ref, report.Near)
	}
	if format == "json" {
		return host.JSON(h.Out, answer(report, env.Prices))
	}
	p := page{st: h.Style(), prices: env.Prices, limit: o.limit}
	show := p.list
	if ask.Ref != nil {
		show = p.detail
	}
	_, err = io.WriteString(h.Out, show(report))
	return err
}

// env is what a survey works with.
func (o *options) env(ctx context.Context, h *host.Host) (*survey.Env, error) {
	source, err := h.Live(ctx)
	if err != nil {
		return nil, err
	}
	prices, err := cost.Default()
	if err != nil {
		return nil, err
	}
	planner, _ := source.(metric.Planner)
	return &survey.Env{
		Directory: h.Directory(o.place), Planner: planner, Types: h.Types(), Prices: prices,
		Now: slo.MinuteOf(h.Now()), Place: o.place,
	}, nil
}
