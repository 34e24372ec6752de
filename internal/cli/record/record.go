// Package record is the verb that writes down what happened outside: that a
// version reached an environment, that users were hurt.
package record

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/run/deploy"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
)

type options struct {
	service, environment, version string
	committed                     string
	forge                         host.ForgeFlags
}

func formats() []string { return []string{"text", "json"} }

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	cmd := &cobra.Command{
		Use: "record", Short: "Record what happened: a deployment, an incident",
		Long: "Record writes down what happened outside of Nines and is to be known later.",
	}
	cmd.AddCommand(newDeployment(h), newIncident(h))
	return cmd
}

func newDeployment(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "deployment SERVICE",
		Short: "Record that a version reached an environment",
		Long: "A version that was in an environment before may come back to it whatever the budget says\n" +
			"(`nines gate --class rollback`). Where the policy verifies that, this is one of the two\n" +
			"records it looks at; GitLab's deployments are the other. Run it when the deployment is done.\n\n" +
			"In a GitLab job the environment is CI_ENVIRONMENT_NAME and the version CI_COMMIT_SHA\n" +
			"unless said otherwise.",
		Example: "  nines record deployment payment-api\n" +
			"  nines record deployment payment-api --env production --version 1.4.2",
		Args:              host.Args(1, 1, "a SERVICE"),
		ValidArgsFunction: h.CompleteServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.service = args[0]
			return opt.run(cmd.Context(), h)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.environment, "env", "", "`NAME` of the environment (CI_ENVIRONMENT_NAME)")
	f.StringVar(&opt.version, "version", "", "`VERSION` that was deployed (CI_COMMIT_SHA)")
	f.StringVar(&opt.committed, "committed", "", "`TIME` at which its change was committed, for the lead time (CI_COMMIT_TIMESTAMP, where the version is CI_COMMIT_SHA)")
	opt.forge.Declare(f)
	return host.Describe(cmd, formats(), nil)
}

func (o *options) run(ctx context.Context, h *host.Host) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	catalog, _, err := h.CatalogFor(ctx, &o.forge)
	if err != nil {
		return err
	}
	policy := rungate.PolicyFor(catalog, o.service)
	f, err := h.Forge(&o.forge, &policy)
	if err != nil {
		return err
	}
	s, err := h.OpenWith(ctx, catalog, host.ReadWrite)
	if err != nil {
		if kind := fault.KindOf(err); kind == fault.Canceled || kind.ExitCode() != fault.Unavailable.ExitCode() {
			return err
		}
		if s, err = h.Storeless(catalog); err != nil {
			return err
		}
	}
	defer func() { err = host.Closing(err, s.Close) }()
	s.Forge = f
	committed, err := o.time(h, s.Zone)
	if err != nil {
		return err
	}
	out, err := deploy.Record(ctx, s.Env, deploy.Options{
		Service:     o.service,
		Committed:   committed,
		Environment: cmp.Or(o.environment, h.Getenv("CI_ENVIRONMENT_NAME")),
		Version:     cmp.Or(o.version, h.Getenv("CI_COMMIT_SHA")),
		Token:       o.forge.Token(h),
	})
	if err != nil {
		return err
	}
	return show(h.Out, format, o.service, out)
}

// time is when the change was committed: as the flag says, or as the job does where
// the version is the job's commit. A job that spells it otherwise is not believed,
// and no deployment goes unrecorded for that.
func (o *options) time(h *host.Host, zone *time.Location) (time.Time, error) {
	if o.committed != "" {
		return host.ParseTime("--committed", o.committed, zone, h.Now())
	}
	if sha := h.Getenv("CI_COMMIT_SHA"); sha == "" || o.version != "" && o.version != sha {
		return time.Time{}, nil
	}
	return h.Committed(), nil
}

func show(w io.Writer, format, service string, out deploy.Outcome) error {
	if format == "json" {
		return host.JSON(w, struct {
			ID          string `json:"id"`
			Service     string `json:"service"`
			Version     string `json:"version"`
			Environment string `json:"environment,omitempty"`
			Counts      bool   `json:"counts"`
			Why         string `json:"why,omitempty"`
			Spooled     bool   `json:"spooled,omitempty"`
		}{out.ID, service, out.Deployed.Version, out.Deployed.Environment, out.Counts, out.Why, out.Spooled})
	}
	text := "recorded: " + term.Clean(out.Deployed.Version) + " of " + service
	if e := out.Deployed.Environment; e != "" {
		text += " is in " + term.Clean(e)
	} else {
		text += " is deployed"
	}
	if out.Spooled {
		text += "; it comes into the ledger when the store is back"
	} else {
		text += fmt.Sprintf(" (%s)", out.ID)
	}
	if !out.Counts {
		text += "\nit will not vouch for a rollback: " + term.Clean(out.Why)
	}
	_, err := io.WriteString(w, text+"\n")
	return err
}
