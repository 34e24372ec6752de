// Package render is the verb that writes objectives down as alarms, rules and
// dashboards of other systems.
package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	runrender "gitlab.com/nines-sre/nines/internal/run/render"
)

// backend is one part of the verb.
type backend struct{ name, short, long string }

func backends() []backend {
	return []backend{
		{runrender.CloudFormation, "CloudWatch alarms and a dashboard, as CloudFormation templates", "" +
			"A template for each region (and account) of the metrics: an alarm for each window, with metric\n" +
			"math; a composite alarm for each objective and severity, which tells an SNS topic; a dashboard.\n" +
			"A page keeps the ticket of its objective quiet, and the objectives that depend on it."},
		{runrender.Prometheus, "Recording and alert rules of Prometheus", "" +
			"Rules for objectives whose source is Prometheus: events of each minute, their sums over the\n" +
			"windows, conditions that keep their state while data are missing, and alerts."},
		{runrender.Grafana, "A dashboard of Grafana", "" +
			"One dashboard for objectives whose data CloudWatch has, and for those that the rules of `nines\n" +
			"render prometheus` record. The data sources are variables of the dashboard."},
		{runrender.Terraform, "CloudWatch alarms and a dashboard, as Terraform JSON", "" +
			"The same alarms as cloudformation, for the provider hashicorp/aws: a module for each region (and\n" +
			"account) of the metrics."},
	}
}

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	cmd := &cobra.Command{
		Use: "render", Short: "Write objectives as alarms, rules and dashboards of other systems",
		Long: "What is written evaluates there, without Nines. Not everything can be said there: each\n" +
			"difference is named on standard error, and in the file.",
	}
	for _, b := range backends() {
		cmd.AddCommand(newBackend(h, b))
	}
	return cmd
}

func newBackend(h *host.Host, b backend) *cobra.Command {
	cmd := &cobra.Command{
		Use:   b.name + " [SERVICE | SERVICE/SLO]...",
		Short: b.short,
		Long: b.long + "\n\n" +
			"-o DIR writes files into a folder; without it, or with -o -, the text is printed. The same\n" +
			"documents give the same bytes.",
		Example: "  nines render " + b.name + " -o out/\n" +
			"  nines render " + b.name + " payment-api > payment-api.out",
		ValidArgsFunction: h.CompleteObjectives,
		RunE: func(cmd *cobra.Command, args []string) error {
			return run(cmd.Context(), h, b.name, args)
		},
	}
	return host.Describe(cmd, []string{"-", "DIR"}, map[int]string{2: "usage or document error, or nothing that could be written"})
}

func run(ctx context.Context, h *host.Host, name string, selected []string) error {
	catalog, err := h.Catalog(ctx)
	if err != nil {
		return err
	}
	out, err := runrender.Run(catalog, name, selected)
	for _, n := range out.Notes {
		h.Note("%s", n)
	}
	if err != nil {
		return err
	}
	for _, line := range out.Said {
		h.Note("%s", line)
	}
	if h.Output == "" || h.Output == "-" {
		return printed(h, out.Files)
	}
	return written(h, h.Output, out.Files)
}

// printed prints the one file there is.
func printed(h *host.Host, files []runrender.File) error {
	if len(files) != 1 {
		return fault.New(fault.Invalid, "render", fmt.Sprintf("there are %d files, of which only one can be printed", len(files)), "name a folder for them: -o DIR")
	}
	_, err := h.Out.Write(files[0].Data)
	return err
}

// written writes files into a folder, and leaves alone what is as it should be.
func written(h *host.Host, dir string, files []runrender.File) error {
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		before, err := os.ReadFile(path) //nolint:gosec // the folder is the user's choice
		if err == nil && bytes.Equal(before, f.Data) {
			h.Note("%s is as it was", path)
			continue
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Wrap(fault.Invalid, "write "+path, err, "name a folder that can be written")
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // templates are no secret
			return fault.Wrap(fault.Invalid, "write "+path, err, "name a folder that can be written")
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil { //nolint:gosec // as above
			return fault.Wrap(fault.Invalid, "write "+path, err, "name a folder that can be written")
		}
		h.Note("wrote %s", path)
	}
	return nil
}
