// Package expand is the verb that prints documents with short forms written
// out.
package expand

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "expand FILE...",
		Short: "Print documents with short forms written out as OpenSLO",
		Long: "Each short Service is replaced by the OpenSLO documents it stands for, with the metrics,\n" +
			"units and blind spots of its preset. What its tier gives it stands under a comment that\n" +
			"says where that was written; tiers are looked for in --config too. Everything else is\n" +
			"printed as it is. - reads standard input.",
		Example: "  nines expand slo/payment-api.yaml\n" +
			"  nines expand - < slo/payment-api.yaml > slo/payment-api.openslo.yaml",
		Args: host.Args(1, 1<<20, "FILE..."),
		RunE: func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), h, args) },
	}
	return host.Describe(cmd, []string{"yaml"}, nil)
}

func run(ctx context.Context, h *host.Host, paths []string) error {
	if _, err := h.Format("yaml"); err != nil {
		return err
	}
	var files []config.File
	for _, p := range paths {
		data, err := read(h, p)
		if err != nil {
			return err
		}
		files = append(files, config.File{Name: p, Data: data})
	}
	around, err := tiers(ctx, h, files)
	if err != nil {
		return err
	}
	text, problems, err := config.Expand(files, around, config.Options{Types: h.Types()})
	if err != nil {
		return err
	}
	if err := problems.Err(false); err != nil {
		return err
	}
	_, err = h.Out.Write(text)
	return err
}

// tiers reads the documents of --config, where one of the files names a tier that
// may stand there.
func tiers(ctx context.Context, h *host.Host, files []config.File) ([]config.File, error) {
	for _, f := range files {
		if bytes.Contains(f.Data, []byte("tier")) {
			return config.Gather(ctx, h.Paths(), h.Reading(false))
		}
	}
	return nil, nil
}

// most is the largest file that is read; the loader refuses smaller ones than
// this already.
const most = 64 << 20

func read(h *host.Host, path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(h.In, most))
	}
	f, err := os.Open(path) //nolint:gosec // the path is the user's choice
	if err != nil {
		kind := fault.Unavailable
		if errors.Is(err, fs.ErrNotExist) {
			kind = fault.NotFound
		}
		return nil, fault.Wrap(kind, "read "+path, err, "name a file with documents")
	}
	defer f.Close() //nolint:errcheck // nothing was written
	data, err := io.ReadAll(io.LimitReader(f, most))
	return data, fault.Wrap(fault.Unavailable, "read "+path, err, "name a file with documents")
}
