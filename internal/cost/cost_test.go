package cost_test

import (
	"math"
	"strings"
	"testing"

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

// The figures are worked by hand: a month has 43,800 minutes, a metric costs
// a thousandth of a cent to ask for.
func TestPublishedFigures(t *testing.T) {
	p := prices(t)
	two := cost.Load{Objectives: 1, Metrics: 2, Unshared: 2, Windows: 8, Pairs: 3, Indicators: 1}
	one := cost.Load{Objectives: 1, Metrics: 1, Unshared: 1, Windows: 8, Pairs: 3, Indicators: 1}
	for name, c := range map[string]struct {
		got, want float64
	}{
		"two metrics each minute":         {p.Monthly(two, cost.Plan{PollMinutes: 1}).Total, 0.876},
		"one metric, two statistics":      {p.Monthly(one, cost.Plan{PollMinutes: 1}).Total, 0.438},
		"one metric every five minutes":   {p.Monthly(one, cost.Plan{PollMinutes: 5}).Total, 0.0876},
		"adaptive with two percent ill":   {p.Monthly(one, cost.Plan{PollMinutes: 5, Unhealthy: 0.02}).Total, 0.0876*0.98 + 0.438*0.02},
		"eight windows, two metrics":      {last(p.Alternatives(two)).Total, 7.008},
		"a stream of two metrics":         {p.Alternatives(two)[3].Total, 0.2628},
		"alarms: three pairs, one metric": {p.Alternatives(one)[4].Total, 2.10},
	} {
		if !near(c.got, c.want) {
			t.Errorf("%s: %.4f, want %.4f", name, c.got, c.want)
		}
	}
}

func last(bs []cost.Bill) cost.Bill { return bs[len(bs)-1] }

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
	l := cost.Load{Objectives: 7, Metrics: 9, Unshared: 14, Windows: 56, Pairs: 28, Indicators: 7}
	bills := append(p.Alternatives(l), p.Monthly(l, cost.Plan{PollMinutes: 5, DynamoDB: true, Lambda: true}), p.Backfill(l, 2))
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
