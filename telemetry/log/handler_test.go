package log_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/slogtest"

	"gitlab.com/nines-sre/nines/telemetry/log"
)

// nowhere is an environment without variables.
func nowhere(string) string { return "" }

func TestSlogtest(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return log.New(log.WithWriter(&out), log.WithEnvironment(nowhere))
	}, func(t *testing.T) map[string]any {
		m := decode(t, out.Bytes())
		for ours, theirs := range map[string]string{"timestamp": slog.TimeKey, "message": slog.MessageKey} {
			if v, ok := m[ours]; ok {
				m[theirs] = v
				delete(m, ours)
			}
		}
		return m
	})
}

func decode(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return m
}
