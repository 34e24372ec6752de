package e2e_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The day/night service: 1,000 requests a 5-minute slot by day, 2 at night,
// 99.9 % over 30 days. By hand: 144 day slots and 144 night slots a day make
// 30 x (144 x 1000 + 144 x 2) = 4,328,640 events and a budget of 4,328.64.
const (
	dayEvents     = 30 * (144*1000 + 144*2)
	daySlotBudget = 30 * 288 * 0.001 // 8.64 slots
)

const dayNightDoc = `---
apiVersion: openslo/v1
kind: SLI
metadata: {name: %[1]s}
spec:
  ratioMetric:
    counter: false
    good: {metricSource: {type: csv, spec: {path: %[1]s.csv, column: good}}}
    total: {metricSource: {type: csv, spec: {path: %[1]s.csv, column: total}}}
`

// slots writes a month of five-minute slots; lost says how many of the 1,000 or
// 2 requests of a slot fail.
func slots(lost func(day, slot, total int) int) string {
	var b strings.Builder
	b.WriteString("timestamp,good,total\n")
	for i := range 30 * 288 {
		day, slot := i/288, i%288
		total := 2
		if slot >= 96 && slot < 240 { // 08:00 to 20:00
			total = 1000
		}
		fmt.Fprintf(&b, "%s,%d,%d\n", base().Add(time.Duration(i)*5*time.Minute).Format(time.RFC3339), total-lost(day, slot, total), total)
	}
	return b.String()
}

func TestDayNight(t *testing.T) {
	dir := t.TempDir()
	var docs strings.Builder
	docs.WriteString("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: swing}\n")
	series := map[string]func(day, slot, total int) int{
		"day": func(day, slot, total int) int { // half of the requests of one day-hour
			if day == 20 && slot >= 144 && slot < 156 {
				return total / 2
			}
			return 0
		},
		"night": func(day, slot, total int) int { // one night-hour wholly dead
			if day == 20 && slot >= 24 && slot < 36 {
				return total
			}
			return 0
		},
	}
	for name, lost := range series {
		write(t, filepath.Join(dir, name+".csv"), slots(lost))
		fmt.Fprintf(&docs, dayNightDoc, name)
		for _, method := range []string{"Occurrences", "Timeslices"} {
			slice := ""
			if method == "Timeslices" {
				slice = ", timeSliceTarget: 0.999, timeSliceWindow: 5m"
			}
			fmt.Fprintf(&docs, `---
apiVersion: openslo/v1
kind: SLO
metadata: {name: %s-%s}
spec:
  service: swing
  indicatorRef: %s
  budgetingMethod: %s
  objectives: [{displayName: ok, target: 0.999%s}]
  timeWindow: [{duration: 30d, isRolling: true}]
`, name, strings.ToLower(method), name, method, slice)
		}
	}
	write(t, filepath.Join(dir, "slo.yaml"), docs.String())
	nines(t, dir, 0, "measure", "--quiet")
	want := map[string]float64{ // share of the budget spent
		"day-occurrences":   6000.0 / (dayEvents * 0.001), // 138.6 %
		"night-occurrences": 24.0 / (dayEvents * 0.001),   // 0.55 %
		"night-timeslices":  12 / daySlotBudget,           // 138.9 %
		"day-timeslices":    12 / daySlotBudget,
	}
	got := map[string]float64{}
	for _, o := range status(t, dir, "--offline", "--at", "2025-01-31T00:00:00Z") {
		if o.Budget.Remaining == nil {
			t.Fatalf("%s: no budget", o.SLO)
		}
		got[o.SLO] = 1 - *o.Budget.Remaining
	}
	for slo, share := range want {
		if math.Abs(got[slo]-share) > 1e-9 {
			t.Errorf("%s spent %.4f %% of its budget, want %.4f %%", slo, 100*got[slo], 100*share)
		}
	}
	t.Logf("day-hour at 50 %%: %.1f %% of events; night-hour dead: %.2f %% of events, %.1f %% of slices",
		100*got["day-occurrences"], 100*got["night-occurrences"], 100*got["night-timeslices"])
}
