package cost_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cost"
)

func prices(t *testing.T) cost.Prices {
	t.Helper()
	p, err := cost.Default()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// near compares money to a tenth of a cent a month.
func near(a, b float64) bool { return math.Abs(a-b) < 1e-3 }

// one and two are objectives with that many metrics, eight windows (four pairs'
// windows, one of them the same twice, and the budget's) and three pairs.
func one() cost.Load { return cost.Of(1, 8, 3) }
func two() cost.Load { return cost.Of(2, 8, 3) }

// The figures are worked by hand: a month has 43,800 minutes, a metric costs
// a thousandth of a cent to ask for.
func TestPublishedFigures(t *testing.T) {
	p := prices(t)
	for name, c := range map[string]struct {
		got, want float64
	}{
		"two metrics each minute":          {p.Monthly(two(), cost.Plan{PollMinutes: 1}).Total, 0.876},
		"one metric, two statistics":       {p.Monthly(one(), cost.Plan{PollMinutes: 1}).Total, 0.438},
		"one metric every five minutes":    {p.Monthly(one(), cost.Plan{PollMinutes: 5}).Total, 0.0876},
		"adaptive with two percent ill":    {p.Monthly(one(), cost.Plan{PollMinutes: 5, Unhealthy: 0.02}).Total, 0.094608},
		"all ill is every minute":          {p.Monthly(one(), cost.Plan{PollMinutes: 5, Unhealthy: 1}).Total, 0.438},
		"eight windows, two metrics":       {named(t, p, two(), "anew").Total, 7.008},
		"a stream of two metrics":          {named(t, p, two(), "stream").Total, 0.2628},
		"alarms: three pairs, one metric":  {named(t, p, one(), "alarms").Total, 2.10},
		"alarms: three pairs, two metrics": {named(t, p, two(), "alarms").Total, 2.70},
		"alarms: one pair, two metrics":    {named(t, p, cost.Of(2, 3, 1), "alarms").Total, 0.90},
	} {
		if !near(c.got, c.want) {
			t.Errorf("%s: %.4f, want %.4f", name, c.got, c.want)
		}
	}
}

// TestPublishedTable is the same for ten, a thousand and ten thousand
// objectives: nothing but the store is cheaper by the dozen.
func TestPublishedTable(t *testing.T) {
	p := prices(t)
	for _, c := range []struct {
		way  string
		of   cost.Load
		want [3]float64
	}{
		{"anew", two(), [3]float64{70.08, 7008, 70_080}},
		{"every minute", two(), [3]float64{8.76, 876, 8760}},
		{"every minute", one(), [3]float64{4.38, 438, 4380}},
		{"every 5 min", one(), [3]float64{0.876, 87.6, 876}},
		{"the burning", one(), [3]float64{0.94608, 94.608, 946.08}},
		{"stream", two(), [3]float64{2.628, 262.8, 2628}},
		{"alarms", two(), [3]float64{27, 2700, 27_000}},
	} {
		for i, n := range []int{10, 1000, 10_000} {
			l := cost.Load{}
			for range n {
				l = l.Add(c.of)
			}
			b := named(t, p, l, c.way)
			if math.Abs(b.Total-c.want[i]) > 1e-3*c.want[i] {
				t.Errorf("%s, %d objectives: %.3f, want %.3f", b.Name, n, b.Total, c.want[i])
			}
			if !near(b.PerObjective, c.want[0]/10) {
				t.Errorf("%s, %d objectives: %.4f each, want %.4f", b.Name, n, b.PerObjective, c.want[0]/10)
			}
		}
	}
}

// named is the first alternative with some words in its name.
func named(t *testing.T, p cost.Prices, l cost.Load, words string) cost.Bill {
	t.Helper()
	for _, b := range p.Alternatives(l) {
		if strings.Contains(b.Name, words) {
			return b
		}
	}
	t.Fatalf("no alternative is called %q", words)
	return cost.Bill{}
}

// TestPackedWritesAreCheap: a write a minute for each of ten thousand objectives
// would be 274 a month; twenty share one.
func TestPackedWritesAreCheap(t *testing.T) {
	p := prices(t)
	l := cost.Load{Objectives: 10_000, Metrics: 10_000, Indicators: 10_000}
	b := p.Monthly(l, cost.Plan{PollMinutes: 5, DynamoDB: true})
	for _, line := range b.Lines {
		if line.Item == cost.WriteUnit && (line.Price < 13 || line.Price > 25) {
			t.Errorf("10,000 objectives write for %.2f a month; packed by twenty it is about 19", line.Price)
		}
	}
}

func TestTotalsAddUp(t *testing.T) {
	p := prices(t)
	l := cost.Load{Objectives: 7, Metrics: 9, Unshared: 14, Reread: 112, Pairs: 28, AlarmMetrics: 112, Indicators: 7}
	bills := append(p.Alternatives(l), p.Monthly(l, cost.Plan{PollMinutes: 5, DynamoDB: true, Lambda: true}), p.Once("first fill", l, 18))
	for _, b := range bills {
		sum := 0.0
		for _, line := range b.Lines {
			sum += line.Price
		}
		if !near(sum, b.Total) || !near(b.PerObjective*7, b.Total) || b.Total <= 0 {
			t.Errorf("%s: lines %.4f, total %.4f, per objective %.4f", b.Name, sum, b.Total, b.PerObjective)
		}
	}
}

func TestNothingToMeasureCostsNothing(t *testing.T) {
	for _, b := range prices(t).Alternatives(cost.Load{}) {
		if b.Total != 0 || math.IsNaN(b.PerObjective) {
			t.Errorf("%s costs %v", b.Name, b.Total)
		}
	}
}

func TestPriceFileIsChecked(t *testing.T) {
	good := cost.Embedded()
	for name, c := range map[string]struct{ from, to, want string }{
		"date":    {`"2026-11-23"`, `"yesterday"`, "date"},
		"missing": {`"lambda_request"`, `"lambda_reqest"`, "lambda_request is missing"},
		"free":    {`"per": 1000, "price": 0.01`, `"per": 0, "price": 0.01`, "no price"},
		"field":   {`"region"`, `"regoin"`, "regoin"},
		"json":    {`{`, `[`, "price file"},
		"more":    {"\n}\n", "\n}\n{}", "follows"},
	} {
		bad := strings.Replace(good, c.from, c.to, 1)
		if _, err := cost.ParsePrices([]byte(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a word about %q", name, err, c.want)
		}
	}
	extra := strings.Replace(good, `"prices": {`, `"prices": {"gold": {"per":1,"price":1},`, 1)
	if _, err := cost.ParsePrices([]byte(extra)); err == nil || !strings.Contains(err.Error(), "gold") {
		t.Errorf("an unknown item passes: %v", err)
	}
}

func TestPricesGrowOld(t *testing.T) {
	p := prices(t)
	for at, want := range map[string]bool{"2026-11-23": false, "2027-11-23": false, "2027-11-25": true} {
		now, err := time.Parse(time.DateOnly, at)
		if err != nil {
			t.Fatal(err)
		}
		if p.Stale(now) != want {
			t.Errorf("at %s prices of %s are stale: %v, want %v", at, p.Date, !want, want)
		}
	}
}

func TestUnverifiedIsSaid(t *testing.T) {
	p, err := cost.ParsePrices([]byte(strings.Replace(cost.Embedded(), `"verified": false`, `"verified": true`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Unverified(); len(got) != 8 || slices.Contains(got, cost.MetricRequested) {
		t.Errorf("unverified: %v", got)
	}
}
