package slo_test

import (
	"fmt"
	"time"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Thirty clean days at 1,000 requests a minute, then one minute in which every
// request failed.
func Example() {
	now := slo.MinuteOf(time.Date(2025, 1, 31, 0, 1, 0, 0, time.UTC))
	var points []slo.Point
	for m := now - 30*slo.Day - 1; m < now; m++ {
		good := slo.Events(1000)
		if m == now-1 {
			good = 0
		}
		points = append(points, slo.Point{At: m, Count: slo.Count{Good: good, Total: slo.Events(1000)}})
	}

	window, target := slo.Rolling{Length: 30 * slo.Day}, slo.MustDecimal("0.999")
	conditions, _ := slo.DefaultConditions(window, target)
	o := &slo.Objective{Service: "payment-api", Target: target, Window: window, Conditions: conditions}

	st, _ := slo.Evaluate(slo.Input{Objective: o, View: slo.NewSeries(1, now, points), At: now})
	fmt.Println("good", st.Stretch.Good.Float(), "of", st.Stretch.Total.Float(), "sli", *st.SLI)
	fmt.Println("allowed", st.Budget.Allowed, "spent", st.Budget.Spent, "remaining", *st.Budget.Remaining)
	for _, b := range st.Burns {
		fmt.Println("burn", slo.FormatLength(b.Lookback), *b.Rate)
	}
	for _, e := range st.Exhausts {
		fmt.Println("exhausts, as in the last", slo.FormatLength(e.Lookback), "in", e.In.Duration().Seconds(), "s")
	}
	fmt.Println(st.Level == slo.Healthy, st.Flags)
	// Output:
	// good 4.3199e+07 of 4.32e+07 sli 0.9999768518518518
	// allowed 43200 spent 1000 remaining 0.9768518518518519
	// burn 5m 200
	// burn 30m 33.333333333333336
	// burn 1h 16.666666666666668
	// burn 2h 8.333333333333334
	// burn 6h 2.7777777777777777
	// burn 1d 0.6944444444444444
	// burn 3d 0.23148148148148148
	// exhausts, as in the last 1h in 151920 s
	// exhausts, as in the last 6h in 911520 s
	// true [fast_burn]
}
