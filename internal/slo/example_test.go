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

// Events and time slices are different budgets. 1,000 requests per five minutes
// by day, 2 by night, a target of 99.9 % over thirty days: an hour at 50 %
// errors by day, and an hour of total outage by night.
func Example_dayAndNight() {
	now := slo.MinuteOf(time.Date(2025, 1, 31, 0, 0, 0, 0, time.UTC))
	events := &slo.Objective{Target: slo.MustDecimal("0.999"), Window: slo.Rolling{Length: 30 * slo.Day}}
	sliced := &slo.Objective{
		Target: events.Target, Window: events.Window,
		Budgeting: slo.Timeslices, Slice: 5, SliceTarget: slo.MustDecimal("0.95"),
	}
	remaining := func(o *slo.Objective, hour slo.Minute, failed int64) float64 {
		var points []slo.Point
		for m := now - 30*slo.Day; m < now; m += 5 {
			n := slo.Events(2)
			if m%slo.Day >= 12*slo.Hour {
				n = slo.Events(1000)
			}
			c := slo.Count{Good: n, Total: n}
			if hour <= m && m < hour+slo.Hour {
				c.Good -= n * slo.Amount(failed) / 100
			}
			if o.Budgeting == slo.Timeslices {
				c, _ = slo.SliceOf(o, slo.SliceEvidence{Stretch: slo.Stretch{Count: c, Measured: 5, Expected: 5}, Width: 5})
			}
			points = append(points, slo.Point{At: m, Count: c})
		}
		// A point of events covers five minutes here; only the slices need to know.
		st, _ := slo.Evaluate(slo.Input{Objective: o, View: slo.NewSeries(5, now, points), At: now})
		return *st.Budget.Remaining
	}
	day, night := now-6*slo.Hour, now-18*slo.Hour
	fmt.Printf("half of a day-hour's requests: %.1f %% of the events\n", 100*(1-remaining(events, day, 50)))
	fmt.Printf("all of a night-hour's: %.2f %% of the events\n", 100*(1-remaining(events, night, 100)))
	fmt.Printf("the same: %.1f %% of the slices\n", 100*(1-remaining(sliced, night, 100)))
	// Output:
	// half of a day-hour's requests: 138.6 % of the events
	// all of a night-hour's: 0.55 % of the events
	// the same: 138.9 % of the slices
}

// A calendar month lasts as long as its clocks say.
func ExampleCalendar() {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		fmt.Println(err)
		return
	}
	month := slo.Calendar{N: 1, Unit: slo.CalendarMonth, Start: time.Date(2025, 1, 1, 0, 0, 0, 0, paris), Location: paris}
	for _, day := range []time.Time{
		time.Date(2025, 2, 14, 0, 0, 0, 0, paris), time.Date(2025, 3, 14, 0, 0, 0, 0, paris), time.Date(2025, 10, 14, 0, 0, 0, 0, paris),
	} {
		p := month.Period(slo.MinuteOf(day))
		fmt.Println(p.From.Time().In(paris).Format(time.DateOnly), p.Len()/slo.Hour, "hours")
	}
	// Output:
	// 2025-02-01 672 hours
	// 2025-03-01 743 hours
	// 2025-10-01 745 hours
}

// Half an hour of maintenance leaves the sums and what is expected.
func ExampleExclude() {
	var points []slo.Point
	for m := range slo.Minute(60) {
		points = append(points, slo.Point{At: m, Count: slo.Count{Good: slo.Events(9), Total: slo.Events(10)}})
	}
	v := slo.Exclude(slo.NewSeries(1, 60, points), []slo.Span{{From: 10, To: 30}, {From: 20, To: 40}}, 1)
	s := v.Sum(slo.Span{From: 0, To: 60})
	fmt.Println(s.Total.Float(), s.Bad().Float(), s.Measured, "of", s.Expected)
	// Output: 300 30 30 of 30
}

// At 90 % no error ratio burns 14.4 times as fast as allowed.
func ExampleDefaultConditions() {
	conditions, leftOut := slo.DefaultConditions(slo.Rolling{Length: 28 * slo.Day}, slo.MustDecimal("0.9"))
	for _, c := range conditions {
		fmt.Println(c.Name, c.Severity, slo.FormatLength(c.Long), slo.FormatLength(c.Short), c.Threshold)
	}
	fmt.Println("left out:", leftOut)
	// Output:
	// page-slow page 6h 30m 5.6
	// ticket-fast ticket 1d 2h 2.8
	// ticket-slow ticket 3d 6h 1
	// left out: [page-fast]
}
