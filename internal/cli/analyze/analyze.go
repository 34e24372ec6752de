// Package analyze is the verb that says, without any document, which objective
// recorded data could have kept.
package analyze

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/analyze"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

type options struct {
	file             string
	good, bad, total string
	value, op        string
	service          string
	window           string
	write            string
}

func formats() []string { return []string{"text", "json", "document"} }

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "analyze FILE",
		Short: "Which objective could recorded data have kept?",
		Long: "Analyze needs no documents. It reads a CSV file of counts (timestamp and two of good,\n" +
			"bad and total) or of values (timestamp and value, as a latency), says per day and week\n" +
			"which targets were met, suggests one, and writes a document to start with.",
		Example: "  nines analyze requests.csv\n" +
			"  nines analyze requests.csv --bad errors --total requests --tz Europe/Berlin\n" +
			"  nines analyze latency.csv --value p99 --op lte\n" +
			"  nines analyze requests.csv --service cart --write slo/cart.yaml",
		Args: host.Args(1, 1, "a FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.file = args[0]
			return opt.run(cmd.Context(), h)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.good, "good", "", "`COLUMN` of good events (default good, if there is one)")
	f.StringVar(&opt.bad, "bad", "", "`COLUMN` of bad events, in place of good ones (default bad, if there is one)")
	f.StringVar(&opt.total, "total", "", "`COLUMN` of all events (default total, if there is one)")
	f.StringVar(&opt.value, "value", "", "`COLUMN` of values, in place of counts (default value, if there are no counts)")
	host.Choice(f, &opt.op, "op", "which side of a bound is good, as a `WORD`: lte, lt, gte or gt", "lte", "lt", "gte", "gt")
	host.CompleteChoice(cmd, "op", "lte", "lt", "gte", "gt")
	f.StringVar(&opt.service, "service", "", "`NAME` of the service in the document (default the file's)")
	f.StringVar(&opt.window, "window", "30d", "`LENGTH` of the rolling window a target is tried on")
	f.StringVar(&opt.write, "write", "", "write the document to this `FILE`, which must not exist")
	return host.Describe(cmd, formats(), map[int]string{2: "usage error, or a file that cannot be read as a series"})
}

func (o *options) run(ctx context.Context, h *host.Host) error {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	zone, err := h.Location("")
	if err != nil {
		return err
	}
	window, err := slo.ParseLength(o.window)
	if err != nil {
		return fault.Wrap(fault.Invalid, "--window "+o.window, err, "write one like 30d")
	}
	data, err := o.read(ctx, h)
	if err != nil {
		return err
	}
	f := o.findings(data, analyze.Options{Zone: zone, Window: window})
	f.zone, f.window = zone, window
	if o.write != "" {
		if err := o.save(f); err != nil {
			return err
		}
		h.Note("%s is written; `nines lint %s` reads it", o.write, o.write)
	}
	switch format {
	case "json":
		return f.json(h.Out)
	case "document":
		body, err := o.document(f, ".")
		if err != nil {
			return err
		}
		_, err = h.Out.Write(body)
		return err
	}
	_, err = io.WriteString(h.Out, f.text(h.Style()))
	return err
}

// findings is what was found, of counts or of values.
type findings struct {
	file   string
	data   series
	zone   *time.Location
	window slo.Minute
	report analyze.Report // of the counts, or of the steps within the bound
	values *analyze.ValueReport
	bound  analyze.Bound // for values: the one suggested
	target analyze.Target
}

func (o *options) findings(data series, opt analyze.Options) findings {
	f := findings{file: o.file, data: data}
	if !data.isValues() {
		f.report = analyze.Counts(data.steps, opt)
		f.target = f.report.Suggested
		return f
	}
	values := analyze.Values(data.points, data.op, opt)
	f.values = &values
	for _, t := range []analyze.Target{990_000, 950_000, 999_000} {
		if b, ok := values.Bounds[t]; ok {
			f.target, f.bound, f.report = t, b, b.Report
			break
		}
	}
	return f
}

// document is the starting document for a folder.
func (o *options) document(f findings, dir string) ([]byte, error) {
	if f.target == 0 {
		return nil, fault.New(fault.Invalid, "a document for "+o.file, "the data kept no target that could be suggested",
			"look at the weeks: `nines analyze "+o.file+"`")
	}
	path := o.file
	if rel, err := filepath.Rel(dir, o.file); err == nil {
		path = filepath.ToSlash(rel)
	}
	start := analyze.Start{
		Service: o.name(), SLO: "availability", Path: path, Objective: f.target.Percent() + " %",
		Target: f.target, Window: f.window, Good: f.data.good, Bad: f.data.bad, Total: f.data.total,
	}
	if f.values != nil {
		start.SLO, start.Value, start.Op = "within-bound", f.data.value, f.data.op
		start.Bound, start.Step = f.bound.Value, f.data.width()
	}
	return analyze.Document(start), nil
}

// name is the service's: --service, else the file's name in the letters that
// names may have.
func (o *options) name() string {
	if o.service != "" {
		return o.service
	}
	base := strings.ToLower(strings.TrimSuffix(filepath.Base(o.file), filepath.Ext(o.file)))
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, base), "-")
	if name == "" {
		return "service"
	}
	return name
}

func (o *options) save(f findings) error {
	body, err := o.document(f, filepath.Dir(o.write))
	if err != nil {
		return err
	}
	out, err := os.OpenFile(o.write, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // a document is for everybody to read
	if errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Invalid, "--write "+o.write, "the file exists", "name another, or remove it first")
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, "--write", err, "name a folder that can be written to")
	}
	_, err = out.Write(body)
	return errors.Join(err, out.Close())
}
