// Package version says which build of the program this is.
package version

import (
	"cmp"
	"encoding/json"
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
}

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
		return json.NewEncoder(h.Out).Encode(Read(h.Version))
	}
	_, err = fmt.Fprintln(h.Out, Text(h.Version))
	return err
}

// Text is the build in one line; named is what the linker was told, or "".
func Text(named string) string {
	b := Read(named)
	return fmt.Sprintf("nines %s (%s, %s)", b.Version, b.Go, b.Platform)
}

// Read asks the program what the linker wrote into it; named wins over it.
func Read(named string) Build {
	b := Build{Version: cmp.Or(named, "devel"), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
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
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}
