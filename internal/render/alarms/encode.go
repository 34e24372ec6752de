package alarms

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode writes what another program reads as JSON for people too: indented, with
// characters as they are. what names it in an error.
func Encode(what string, v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write %s: %w", what, err)
	}
	return b.Bytes(), nil
}
