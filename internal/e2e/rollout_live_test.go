package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRolloutsOnTheWallClock rolls out good and bad versions of the payment API,
// real processes under real load, by the real program and clock: what is bad goes
// back by itself, what is good gets everything. Each takes minutes, so that this
// is for the full test.
func TestRolloutsOnTheWallClock(t *testing.T) {
	if os.Getenv("NINES_FULL") == "" {
		t.Skip("NINES_FULL is not set: each rollout takes minutes")
	}
	program := paymentAPI(t)
	for _, tc := range []struct {
		fault   string
		code    int
		version string // that has all the traffic in the end
		metric  string // the reason names it
	}{
		{"none", 0, "2", ""},
		{"errors", 3, "1", "availability"},
		{"latency-body", 3, "1", "latency"},
		{"latency-tail", 3, "1", "latency"},
		{"slow-dependency", 3, "1", "latency"},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, program, tc.fault)
			stop := s.load(t, 30)
			out, errs := run(t, s.nines(t, "canary", "payment-api", "-o", "json"), tc.code)
			stop()
			t.Logf("%s\n%s", errs, out)
			transcript(t, tc.fault, errs)
			if v, others := s.lambda.Weights(shopFunction, shopAlias); v != tc.version || len(others) > 0 {
				t.Errorf("the alias is at %s with %v, want all of it at %s", v, others, tc.version)
			}
			if s.served[2].Load() == 0 || s.served[1].Load() == 0 {
				t.Errorf("requests by version: %d and %d", s.served[1].Load(), s.served[2].Load())
			}
			var said struct {
				Reasons []struct{ Text string } `json:"reasons"`
			}
			if err := json.Unmarshal(out, &said); err != nil {
				t.Fatalf("%v in\n%s", err, out)
			}
			if tc.metric != "" && !strings.Contains(string(out), tc.metric) {
				t.Errorf("no reason names %s: %+v", tc.metric, said.Reasons)
			}
			// Why, from the record alone; and it comes out the same again.
			why, _ := run(t, s.nines(t, "why"), 0)
			again, _ := run(t, s.nines(t, "replay"), 0)
			t.Logf("%s\n%s", why, again)
			if !strings.Contains(string(again), "AGREES") {
				t.Errorf("replay says %s", again)
			}
		})
	}
}

// transcript keeps what a run said, where it is asked for by a folder.
func transcript(t *testing.T, name string, text []byte) {
	t.Helper()
	if dir := os.Getenv("NINES_TRANSCRIPTS"); dir != "" {
		write(t, filepath.Join(dir, name+".txt"), regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`).ReplaceAllString(string(text), ""))
	}
}
