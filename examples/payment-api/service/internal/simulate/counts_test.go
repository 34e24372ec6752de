package simulate_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/fault"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/load"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/simulate"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/web"
)

// What a run counts by the minute is what the run had, and every minute is there.
func TestCounter(t *testing.T) {
	plan, err := fault.Parse("errors:0.5,latency-body:0.5:400ms")
	if err != nil {
		t.Fatal(err)
	}
	constant, err := load.ParseShape("constant", 0)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var counter *simulate.Counter
	const minutes = 20
	n, err := simulate.Run(t.Context(), simulate.Options{
		From: noon, To: noon.Add(minutes * time.Minute), Rate: 0.2, Shape: constant, Seed: 3, Version: "2", Faults: plan, Patience: time.Second,
		Record: func(c *simulate.Clock) web.Recorder {
			counter = simulate.NewCounter(&out, c, simulate.Counts{Run: 7, Version: "2"}, 300*time.Millisecond)
			return counter
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := counter.End(noon.Add(minutes * time.Minute)); err != nil {
		t.Fatal(err)
	}
	var sum simulate.Counts
	next := noon
	for d := json.NewDecoder(&out); d.More(); next = next.Add(time.Minute) {
		var c simulate.Counts
		if err := d.Decode(&c); err != nil {
			t.Fatal(err)
		}
		if !c.At.Equal(next) || c.Run != 7 || c.Version != "2" {
			t.Fatalf("%+v, want the minute of %s", c, next)
		}
		sum.Total, sum.Bad, sum.Slow = sum.Total+c.Total, sum.Bad+c.Bad, sum.Slow+c.Slow
	}
	// A payment that is answered after the end is in no minute.
	if !next.Equal(noon.Add(minutes*time.Minute)) || sum.Total < n-2 || sum.Total > n {
		t.Errorf("%+v of %d payments, up to %s", sum, n, next)
	}
	if share := float64(sum.Bad) / float64(sum.Total); share < 0.4 || share > 0.6 {
		t.Errorf("%.2f were bad", share)
	}
	if share := float64(sum.Slow) / float64(sum.Total); share < 0.4 || share > 0.6 {
		t.Errorf("%.2f were slow", share)
	}
}
