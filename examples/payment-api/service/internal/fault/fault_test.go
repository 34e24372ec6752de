package fault_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/fault"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "none",
		" none ":                    "none",
		"errors":                    "errors:0.3",
		"errors:0.1":                "errors:0.1",
		"latency-body":              "latency-body:0.9:350ms",
		"latency-tail:0.05:2s":      "latency-tail:0.05:2s",
		"slow-dependency:1":         "slow-dependency:1:450ms",
		"errors:1, latency-tail:0":  "errors:1,latency-tail:0:1.2s",
		"slow-dependency:0.5:100ms": "slow-dependency:0.5:100ms",
	} {
		plan, err := fault.Parse(text)
		if err != nil || plan.String() != want {
			t.Errorf("%q: %v, %v; want %s", text, plan, err, want)
		}
		if again, err := fault.Parse(plan.String()); err != nil || again.String() != want {
			t.Errorf("%q does not read back: %v, %v", want, again, err)
		}
	}
	for _, text := range []string{
		"error", "errors:", "errors:2", "errors:-1", "errors:NaN", "errors:0.1:1s", "latency-tail:1:0s", "latency-tail:1:2h",
		"latency-tail:1:soon", "latency-tail:1:1s:1", "errors,errors", "errors,,", ",", "Errors",
	} {
		if plan, err := fault.Parse(text); err == nil {
			t.Errorf("%q is taken as %v", text, plan)
		}
	}
}

// A switch strikes at its rate, waits as it says, and is changed under way.
func TestSwitch(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	var s fault.Switch
	hits := func() (n int) {
		for range 10_000 {
			if s.Hits(fault.Errors, dice.Float64) {
				n++
			}
		}
		return n
	}
	if n := hits(); n != 0 {
		t.Errorf("%d hits without a plan", n)
	}
	s.Set(fault.Plan{{Kind: fault.Errors, Rate: 0.3}, {Kind: fault.LatencyTail, Rate: 1, Delay: time.Second}, {Kind: fault.LatencyBody, Rate: 1, Delay: time.Minute}})
	if n := hits(); n < 2850 || n > 3150 { // more than 3 sigma (137)
		t.Errorf("%d hits of 10,000 at a rate of 0.3", n)
	}
	var slept time.Duration
	sleep := func(_ context.Context, d time.Duration) error { slept += d; return nil }
	if err := s.Delay(t.Context(), sleep, dice.Float64, fault.LatencyBody, fault.LatencyTail, fault.SlowDependency); err != nil || slept != 61*time.Second {
		t.Errorf("slept %v, %v", slept, err)
	}
	s.Set(nil)
	if n := hits(); n != 0 || len(s.Plan()) != 0 {
		t.Errorf("%d hits after the fault", n)
	}
	var none *fault.Switch
	if none.Hits(fault.Errors, dice.Float64) {
		t.Error("no switch strikes")
	}
}
