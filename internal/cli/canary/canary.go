// Package canary is the verb that lets a new version prove itself on a share of
// the traffic, and the one that says beforehand how long that takes.
package canary

import (
	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
)

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "canary",
		Short:   "Let a new version prove itself on a share of the traffic",
		Example: "  nines canary plan --rate 200/m --weight 5% --errors 0.1%",
	}
	cmd.AddCommand(NewPlan(h))
	return host.Describe(cmd, nil, nil)
}
