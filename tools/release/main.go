// Command release builds what users download: for each platform a static binary
// in an archive with manual pages, completion scripts and the licences of
// everything that is built in; a zip for Lambda; a software bill of materials;
// and checksums of all of it.
//
//	go run ./tools/release -version v1.2.3 -commit SHA -epoch UNIXTIME -out dist
//
// The same commit gives the same bytes, on any machine with the same Go: paths
// are trimmed, archives carry the commit's time and nobody's name.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// options are what a release is made of.
type options struct {
	version, commit string
	epoch           time.Time // the commit's time, the only one in a release
	out             string
	platforms       []string // GOOS/GOARCH
	lambda          []string // GOARCH
	sbom            bool
}

func main() {
	var o options
	var epoch int64
	platforms := flag.String("platforms", "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64", "GOOS/GOARCH, separated by commas")
	lambda := flag.String("lambda", "arm64,amd64", "GOARCH of the Lambda packages, separated by commas")
	flag.StringVar(&o.version, "version", "", "the version, as v1.2.3")
	flag.StringVar(&o.commit, "commit", "", "the revision")
	flag.Int64Var(&epoch, "epoch", 0, "the time of the commit, in Unix seconds")
	flag.StringVar(&o.out, "out", "dist", "where to write")
	flag.BoolVar(&o.sbom, "sbom", true, "write the software bill of materials, with cyclonedx-gomod")
	flag.Parse()
	o.epoch = time.Unix(epoch, 0).UTC()
	o.platforms, o.lambda = words(*platforms), words(*lambda)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func (o *options) run(ctx context.Context) error {
	if o.version == "" || o.epoch.Unix() == 0 {
		return errors.New("-version and -epoch are needed; `make release` gives them")
	}
	if err := os.RemoveAll(o.out); err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o750); err != nil {
		return err
	}
	common, err := o.common(ctx)
	if err != nil {
		return err
	}
	for _, p := range o.platforms {
		if err := o.archive(ctx, p, common); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	for _, arch := range o.lambda {
		if err := o.function(ctx, arch); err != nil {
			return fmt.Errorf("lambda %s: %w", arch, err)
		}
	}
	if o.sbom {
		if err := o.bill(ctx); err != nil {
			return fmt.Errorf("bill of materials: %w", err)
		}
	}
	return checksums(o.out)
}

// common is what every archive holds beside the binary.
func (o *options) common(ctx context.Context) ([]file, error) {
	files := manual(o.epoch)
	files = append(files, completions()...)
	notices, err := licences(ctx)
	if err != nil {
		return nil, err
	}
	files = append(files, file{name: "THIRD_PARTY_LICENSES.txt", data: notices, mode: plain})
	for _, name := range []string{"LICENSE", "README.md"} {
		data, err := os.ReadFile(filepath.Clean(name))
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: name, data: data, mode: plain})
	}
	return files, nil
}

// name is the beginning of a file's name.
func (o *options) name(rest string) string {
	return filepath.Join(o.out, "nines_"+strings.TrimPrefix(o.version, "v")+"_"+rest)
}
