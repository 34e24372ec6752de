package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// cyclonedx writes bills of materials; pinned, so that a release is what the
// commit says.
const cyclonedx = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0"

// bill writes what the program is made of, in CycloneDX's form.
func (o *options) bill(ctx context.Context) error {
	args := []string{"run", cyclonedx, "app", "-json", "-licenses", "-noserial", "-std", "-main", "cmd/nines", "-output", o.name("sbom.cdx.json"), "."}
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the words are ours
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	raw, err := os.ReadFile(o.name("sbom.cdx.json"))
	if err != nil {
		return err
	}
	if raw, err = steady(raw, o.epoch); err != nil {
		return err
	}
	return os.WriteFile(o.name("sbom.cdx.json"), raw, 0o600) //nolint:gosec // where -out says
}

// steady takes out of a bill of materials what differs from build to build: the
// time it was written at becomes the commit's, and the digests of the program
// that wrote it go.
func steady(raw []byte, at time.Time) ([]byte, error) {
	var bill map[string]any
	if err := json.Unmarshal(raw, &bill); err != nil {
		return nil, err
	}
	if meta, ok := bill["metadata"].(map[string]any); ok {
		meta["timestamp"] = at.UTC().Format(time.RFC3339)
		tools, _ := meta["tools"].([]any)
		for _, t := range tools {
			if tool, ok := t.(map[string]any); ok {
				delete(tool, "hashes")
			}
		}
	}
	out, err := json.MarshalIndent(bill, "", "  ")
	return append(out, '\n'), err
}
