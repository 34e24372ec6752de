package host

import (
	"encoding/json"
	"io"
)

// JSON writes an answer as every verb does: one line, with the characters of the
// answer as they are. (encoding/json would escape <, > and & for web pages.)
func JSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
