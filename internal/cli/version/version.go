// Package version says which build of the program this is.
package version

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
)

// Build is what is known about this build. Revision and Time are empty when it
// was not built from a checkout.
type Build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Time     string `json:"time"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	License  string `json:"license"` // SPDX
}

// license is the SPDX identifier of the project's own licence; the licences of
// what is built in lie beside the binary in a release.
const license = "Apache-2.0"

// shortRevision is how much of a revision a line shows.
const shortRevision = 12

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print which build this is",
		Example: "  nines version\n  nines version -o json",
		Args:    host.Args(0, 0, ""),
		RunE:    func(*cobra.Command, []string) error { return run(h) },
	}
	return host.Describe(cmd, []string{"text", "json"}, nil)
}

func run(h *host.Host) error {
	format, err := h.Format("text", "json")
	if err != nil {
		return err
	}
	if format == "json" {
		return host.JSON(h.Out, Read(h.Version, h.Commit))
	}
	_, err = fmt.Fprintln(h.Out, Text(h.Version, h.Commit))
	return err
}

// Text is the build in one line; named and commit are what the linker was told,
// or "".
func Text(named, commit string) string {
	b := Read(named, commit)
	revision := b.Revision
	revision = revision[:min(len(revision), shortRevision)]
	if revision != "" {
		revision = "commit " + revision + ", "
	}
	return fmt.Sprintf("nines %s (%s%s, %s, %s)", b.Version, revision, b.Go, b.Platform, b.License)
}

// Read asks the program what the linker wrote into it; named and commit win
// over what the go command wrote.
func Read(named, commit string) Build {
	b := Build{
		Version: cmp.Or(named, "devel"), Revision: commit, Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, License: license,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; named == "" && v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = cmp.Or(commit, s.Value)
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}
