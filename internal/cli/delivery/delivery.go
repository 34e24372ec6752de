// Package delivery is the verb that says how changes reach users, and how often
// they hurt them.
package delivery

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	rundelivery "gitlab.com/nines-sre/nines/internal/run/delivery"
)

type options struct {
	service, environment, since, by string
}

func formats() []string { return []string{"text", "json", "markdown"} }

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "delivery [SERVICE]",
		Short: "How changes reach users, and how often they hurt them",
		Long: "Delivery counts, from the ledger and nothing else, the five measures of DORA (deployment\n" +
			"frequency, change lead time, change fail rate, failed deployment recovery time, deployment\n" +
			"rework rate) and the share of bad changes that was caught before production, by what\n" +
			"caught them. Each comes with what it was counted from and a 95 % interval, or with the\n" +
			"reason why nothing is known.\n\n" +
			"What got through is counted where an incident names the deployment: a watch writes that\n" +
			"down by itself, people do with `nines record incident`.",
		Example: "  nines delivery payment-api\n" +
			"  nines delivery --since 365d --by month\n" +
			"  nines delivery payment-api -o markdown",
		Args:              host.Args(0, 1, "one SERVICE"),
		ValidArgsFunction: h.CompleteServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.service = strings.Join(args, "")
			return opt.run(cmd.Context(), h)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.since, "since", "90d", "`LENGTH` of time to look back")
	f.StringVar(&opt.environment, "env", "", "`NAME` of the environment that is production (default production, where anything is recorded in it)")
	host.Choice(f, &opt.by, "by", "`STEP` by which it is shown besides: month", "", byMonth)
	host.CompleteChoice(cmd, "by", byMonth)
	return host.Describe(cmd, formats(), nil)
}

const byMonth = "month"

func (o *options) run(ctx context.Context, h *host.Host) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	back, err := host.ParseDuration("--since", o.since)
	if err != nil {
		return err
	}
	if back < 24*time.Hour {
		return fault.New(fault.Invalid, "--since "+o.since, "too short to measure anything", "look back at least 1d")
	}
	s, err := h.Open(ctx, host.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	to, err := h.Instant(s.Zone)
	if err != nil {
		return err
	}
	if to.IsZero() {
		to = h.Now().Add(time.Second) // what was recorded right now counts
	}
	to = to.UTC().Truncate(time.Second)
	all, err := rundelivery.Run(ctx, s.Env, rundelivery.Options{
		Service: o.service, Environment: o.environment, From: to.Add(-back), To: to, ByMonth: o.by == byMonth,
	})
	if err != nil {
		return err
	}
	if format == "json" {
		return host.JSON(h.Out, struct {
			Services []rundelivery.Answer `json:"services"`
		}{all})
	}
	text := text
	if format == "markdown" {
		text = markdown
	}
	_, err = io.WriteString(h.Out, text(all, h.Style()))
	return err
}
