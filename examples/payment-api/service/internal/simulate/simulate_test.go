package simulate_test

import (
	"context"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/fault"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/load"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/simulate"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/web"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// tally is what a stretch of time had.
type tally struct{ total, failed, slow int }

func (t tally) share(n int) float64 { return float64(n) / float64(t.total) }

// halves counts what happened before and after an instant.
type halves struct {
	clock  *simulate.Clock
	middle time.Time
	parts  [2]tally
	last   time.Time
}

func (h *halves) Done(_ context.Context, d web.Done) {
	i := 0
	if !h.clock.Now().Add(-d.Took).Before(h.middle) {
		i = 1
	}
	h.parts[i].total++
	if d.Status >= 500 {
		h.parts[i].failed++
	}
	if d.Took > 300*time.Millisecond {
		h.parts[i].slow++
	}
	h.last = h.clock.Now()
}

func run(t *testing.T, faults string, seed uint64) (*halves, int) {
	t.Helper()
	plan, err := fault.Parse(faults)
	if err != nil {
		t.Fatal(err)
	}
	constant, err := load.ParseShape("constant", 0)
	if err != nil {
		t.Fatal(err)
	}
	h := &halves{middle: noon.Add(2 * time.Minute)}
	n, err := simulate.Run(t.Context(), simulate.Options{
		From: noon, To: noon.Add(4 * time.Minute), Rate: 10, Shape: constant, Seed: seed, Version: "1", Faults: plan, FaultFrom: h.middle, Patience: 2 * time.Second,
		Record: func(c *simulate.Clock) web.Recorder { h.clock = c; return h },
	})
	if err != nil {
		t.Fatal(err)
	}
	return h, n
}

// A stretch of time is lived through as it is said: healthy until the fault, and then as
// the fault has it.
func TestRun(t *testing.T) {
	for _, tc := range []struct {
		fault        string
		failed, slow float64 // shares in the second half
	}{
		{"none", 0, 0},
		{"errors:0.3", 0.3, 0},
		{"latency-body:0.9:350ms", 0, 0.9},
		{"latency-tail:0.25:1.2s", 0, 0.25},
		{"slow-dependency:0.9:450ms", 0, 0.9},
		{"slow-dependency:1:5s", 1, 1}, // beyond the client's patience
	} {
		t.Run(tc.fault, func(t *testing.T) {
			h, n := run(t, tc.fault, 1)
			before, after := h.parts[0], h.parts[1]
			if n != before.total+after.total || n < 2200 || n > 2600 {
				t.Errorf("%d payments of 2,400: %+v", n, h.parts)
			}
			if before.share(before.failed) > 0.001 || before.share(before.slow) > 0.005 {
				t.Errorf("before the fault: %+v", before)
			}
			if d := after.share(after.failed) - tc.failed; d < -0.05 || d > 0.05 {
				t.Errorf("%+v failed, want %v", after, tc.failed)
			}
			if d := after.share(after.slow) - tc.slow; d < -0.05 || d > 0.05 {
				t.Errorf("%+v are slow, want %v", after, tc.slow)
			}
		})
	}
}

// The same seed is the same time, and another is another.
func TestRunRepeats(t *testing.T) {
	seed := rand.Uint64()
	first, _ := run(t, "errors", seed)
	again, _ := run(t, "errors", seed)
	other, _ := run(t, "errors", seed+1)
	if !reflect.DeepEqual(first.parts, again.parts) || !first.last.Equal(again.last) || first.last.Equal(other.last) {
		t.Errorf("%+v, then %+v, and another %+v", first, again, other)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, o := range []simulate.Options{{From: noon, To: noon, Rate: 1}, {From: noon, To: noon.Add(-1), Rate: 1}, {From: noon, To: noon.Add(time.Hour)}} {
		if _, err := simulate.Run(t.Context(), o); err == nil {
			t.Errorf("%+v is run", o)
		}
	}
}
