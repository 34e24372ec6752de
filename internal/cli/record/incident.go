package record

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/run/incident"
)

type incidentOptions struct {
	service, environment, deploy, from, to, reason string
}

func newIncident(h *host.Host) *cobra.Command {
	var opt incidentOptions
	cmd := &cobra.Command{
		Use:   "incident SERVICE",
		Short: "Record that users were hurt, and which deployment did it",
		Long: "What a deployment broke that nobody caught before is known from here: `nines delivery`\n" +
			"counts it as a failed change, and from --from to --to as the time to recover. The same\n" +
			"hours of an incident are no reference for a later watch.\n\n" +
			"--deploy names the deployment by its version or by the ID of its entry in the ledger. Leave\n" +
			"it out where no deployment did it.",
		Example: "  nines record incident payment-api --deploy 1.4.2 --from 2025-01-31T14:05:00Z \\\n" +
			"    --to 2025-01-31T14:40:00Z --reason \"INC-7: timeouts to the bank\"",
		Args:              host.Args(1, 1, "a SERVICE"),
		ValidArgsFunction: h.CompleteServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.service = args[0]
			return opt.run(cmd.Context(), h)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.deploy, "deploy", "", "`VERSION` that did it, or the ID of its deployment's entry")
	f.StringVar(&opt.environment, "env", "", "`NAME` of the environment (default the deployment's, else CI_ENVIRONMENT_NAME)")
	f.StringVar(&opt.from, "from", "", "`TIME` from which on users were hurt")
	f.StringVar(&opt.to, "to", "", "`TIME` at which it was over (default: it is not)")
	f.StringVar(&opt.reason, "reason", "", "`TEXT` that says what happened")
	return host.Describe(cmd, formats(), nil)
}

func (o *incidentOptions) run(ctx context.Context, h *host.Host) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	if o.from == "" {
		return fault.New(fault.Invalid, "record incident", "its beginning is missing", "say when it began with --from")
	}
	s, err := h.Open(ctx, host.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	in := incident.Incident{Environment: cmp.Or(o.environment, h.Getenv("CI_ENVIRONMENT_NAME")), Deploy: o.deploy, Reason: o.reason}
	if in.From, err = host.ParseTime("--from", o.from, s.Zone, s.Now); err != nil {
		return err
	}
	if o.to != "" {
		if in.To, err = host.ParseTime("--to", o.to, s.Zone, s.Now); err != nil {
			return err
		}
	}
	id, in, err := incident.Record(ctx, s.Env, o.service, in)
	if err != nil {
		return err
	}
	if format == "json" {
		return host.JSON(h.Out, struct {
			ID      string `json:"id"`
			Service string `json:"service"`
			incident.Incident
		}{id, o.service, in})
	}
	text := "recorded: an incident of " + o.service
	if in.Deploy != "" {
		text += ", by " + term.Clean(in.Deploy)
	}
	_, err = io.WriteString(h.Out, fmt.Sprintf("%s (%s)\n", text, id))
	return err
}
