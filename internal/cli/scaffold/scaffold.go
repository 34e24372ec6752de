// Package scaffold is the verb that writes a first document: nines init.
package scaffold

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/discover"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/run/try"
	"gitlab.com/nines-sre/nines/internal/slo"
)

type options struct {
	try.Options
	since string
	write string
	force bool
}

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "init KIND/NAME",
		Short: "Write a first document for a service",
		Long: "Init writes the short form of a service's objectives, with comments: what is measured, in\n" +
			"which units, and what is not seen. Targets are taken from the data of the last 28 days;\n" +
			"with --offline, or without credentials, they are defaults and called so.",
		Example: "  nines init lambda/payment-api > slo/payment-api.yaml\n" +
			"  nines init apigateway/payment@prod --name payment-api --write slo/payment-api.yaml\n" +
			"  nines init sqs/jobs --offline --latency \"99% < 60s\"",
		Args: host.Args(1, 1, "one KIND/NAME"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if opt.Ref, err = discover.ParseRef(args[0]); err != nil {
				return err
			}
			if opt.Since, err = host.ParseSince(opt.since); err != nil {
				return err
			}
			return opt.run(cmd.Context(), h)
		},
	}
	f := cmd.Flags()
	host.TrialFlags(f, &opt.Options, &opt.since)
	f.StringVar(&opt.Name, "name", "", "`NAME` of the service in the document (default made from KIND/NAME)")
	f.StringVar(&opt.write, "write", "", "write to this `FILE` instead of standard output")
	f.BoolVar(&opt.force, "force", false, "replace the FILE if there is one")
	return host.Describe(cmd, []string{"document"}, map[int]string{
		1: "the service could not be read, or the file not written",
		2: "usage error, there is no such service, or the file exists",
	})
}

func (o *options) run(ctx context.Context, h *host.Host) error {
	if _, err := h.Format("document"); err != nil {
		return err
	}
	// Whether the file may be written is asked before anything is read: reading
	// costs money.
	if err := o.free(); err != nil {
		return err
	}
	doc, err := o.doc(ctx, h)
	if err != nil {
		return err
	}
	body := discover.Document(doc)
	if _, problems := config.Parse([]config.File{{Name: o.name(), Data: body}}, config.Options{Types: h.Types()}); problems.Err(false) != nil {
		return problems.Err(false)
	}
	if o.write == "" {
		_, err := h.Out.Write(body)
		return err
	}
	if err := o.save(body); err != nil {
		return err
	}
	h.Note("%s is written; next: `nines lint %s`, `nines measure --config %s`", o.write, o.write, filepath.Dir(o.write))
	return nil
}

func (o *options) name() string {
	if o.write != "" {
		return o.write
	}
	return o.Ref.String()
}

// doc takes the objectives from the data, or defaults where there are none to
// be had.
func (o *options) doc(ctx context.Context, h *host.Host) (doc discover.Doc, err error) {
	offline := try.Offline(o.Options)
	if h.Offline {
		return offline("with --offline no data were read")
	}
	env, done, err := h.Trial(ctx, o.Place)
	if err != nil {
		return doc, err
	}
	defer func() { err = host.Closing(err, done) }()
	out, err := try.Run(ctx, env, o.Options)
	if fault.KindOf(err) == fault.Denied {
		h.Note("no data could be read, so the objectives are defaults: %v", err)
		return offline("the data could not be read")
	}
	if err != nil {
		return doc, err
	}
	h.Note("taken from %s of data", slo.FormatLength(o.Since))
	if len(out.Doc.Objectives) == 0 {
		return offline("nothing was measured in " + slo.FormatLength(o.Since))
	}
	return out.Doc, nil
}

// free refuses a file that exists.
func (o *options) free() error {
	if o.write == "" || o.force {
		return nil
	}
	if _, err := os.Lstat(o.write); !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Invalid, "--write "+o.write, "the file exists", "name another, or replace it with --force")
	}
	return nil
}

// save writes the file; without --force only where there is none.
func (o *options) save(body []byte) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if !o.force {
		flags |= os.O_EXCL
	}
	out, err := os.OpenFile(o.write, flags, 0o644) //nolint:gosec // a document is for everybody to read
	if err != nil {
		return fault.Wrap(fault.Unavailable, "--write", err, "name a file in a folder that can be written to")
	}
	_, err = out.Write(body)
	return errors.Join(err, out.Close())
}
