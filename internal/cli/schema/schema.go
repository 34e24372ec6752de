// Package schema is the verb that prints the JSON Schema of documents.
package schema

import (
	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
)

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of documents, for editors",
		Long: "An editor that knows YAML checks documents against it while they are written:\n\n" +
			"  # yaml-language-server: $schema=nines.schema.json",
		Example: "  nines schema > nines.schema.json",
		Args:    host.Args(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			if _, err := h.Format("json"); err != nil {
				return err
			}
			_, err := h.Out.Write(config.Schema())
			return err
		},
	}
	return host.Describe(cmd, []string{"json"}, nil)
}
