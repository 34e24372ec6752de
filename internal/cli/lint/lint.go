// Package lint is the verb that says what is wrong with documents.
package lint

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runalert "gitlab.com/nines-sre/nines/internal/run/alert"
)

type options struct {
	paths  []string
	strict bool
	volume bool
}

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "lint [PATH]...",
		Short: "Say everything that is wrong with documents, and where",
		Long: "Lint reads files and folders together, as every other verb does, and prints every\n" +
			"problem as file:line:column: message (hint). Without a PATH it reads --config.\n\n" +
			"The same documents give the same answer, whatever is in a store. --history looks at what\n" +
			"was measured as well, and warns of objectives that cannot be alerted on at that volume.",
		Example: "  nines lint slo/\n" +
			"  nines lint --strict slo/ shared/slo.yaml\n" +
			"  nines lint slo/ -o codequality > gl-code-quality-report.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.paths = args
			return opt.run(cmd.Context(), h)
		},
	}
	cmd.Flags().BoolVar(&opt.strict, "strict", false, "refuse what is a warning otherwise")
	cmd.Flags().BoolVar(&opt.volume, "history", false, "warn of objectives that the measured traffic carries no alert for")
	return host.Describe(cmd, formats(), map[int]string{0: "no errors (with --strict: no warnings either)", 2: "errors in the documents, or usage error"})
}

func formats() []string { return config.Formats() }

func (o *options) run(ctx context.Context, h *host.Host) error {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	if len(o.paths) == 0 {
		o.paths = h.Paths()
	}
	catalog, problems, err := config.Load(ctx, o.paths, h.Reading(o.strict))
	if err != nil {
		return err
	}
	if o.volume && problems.Err(false) == nil {
		found, err := o.volumes(ctx, h, catalog)
		if err != nil {
			return err
		}
		problems = append(problems, found...)
	}
	report, err := config.Render(problems, format)
	if err != nil {
		return err
	}
	if _, err := h.Out.Write(report); err != nil {
		return err
	}
	h.Note("%s", verdict(catalog, problems))
	if problems.Err(o.strict) != nil {
		return host.ExitWith(fault.Invalid.ExitCode())
	}
	return nil
}

// volumes warns of objectives that cannot be alerted on, as far as was measured.
func (o *options) volumes(ctx context.Context, h *host.Host, catalog *config.Catalog) (out fault.Problems, err error) {
	h.Config = o.paths // the store stands beside the documents
	s, err := h.OpenWith(ctx, catalog, host.ReadOnly)
	if err != nil {
		return nil, err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	all, err := runalert.Volumes(ctx, s.Env, nil)
	for i := range all {
		if text := all[i].Whole(); text != "" {
			out = append(out, fault.Problem{
				Place: all[i].Objective.Place, Severity: fault.SeverityWarning, Rule: "too-few-events", Message: text, Hint: runalert.Enough,
			})
		}
	}
	return out, err
}

// verdict sums up what was read: on standard error, because reports are for
// programs.
func verdict(c *config.Catalog, problems fault.Problems) string {
	errors := problems.Errors()
	return fmt.Sprintf("%s, %s: %s, %s", term.Plural(len(c.Files), "file"), term.Plural(len(c.Objectives), "objective"),
		term.Plural(errors, "error"), term.Plural(len(problems)-errors, "warning"))
}
