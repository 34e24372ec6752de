package backtest

import (
	"fmt"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Recommended is the policy that Nines recommends for a window and a target:
// its pages, and its tickets too if asked for.
func Recommended(w slo.Window, target slo.Decimal, tickets bool) Policy {
	conditions, minBad, _ := slo.Recommended(w, target)
	return Policy{Name: "recommended", MinBad: minBad, Rules: rulesOf(conditions, tickets)}
}

// Default is the policy of an objective that names none: the book's pairs of
// burn rates.
func Default(w slo.Window, target slo.Decimal, tickets bool) Policy {
	conditions, _ := slo.DefaultConditions(w, target)
	return Policy{Name: "default", Rules: rulesOf(conditions, tickets)}
}

func rulesOf(conditions []slo.Condition, tickets bool) []Rule {
	var out []Rule
	for _, c := range conditions {
		if tickets || c.Severity == slo.Page {
			out = append(out, Rule{Condition: c})
		}
	}
	return out
}

// Peers are what others ship for thirty days, from their published windows,
// as pages, and the six approaches of the SRE Workbook, chapter 5 (A1 to A6).
// What they raise as tickets is left out.
func Peers() []Policy {
	const h = slo.Hour
	return []Policy{
		peer("A1 10m 1x", pair{10, 10, "1", 0}),
		peer("A2 36h 1x", pair{36 * h, 36 * h, "1", 0}),
		peer("A3 1m 1x for 1h", pair{1, 1, "1", h}),
		peer("A4 1h 36x", pair{h, h, "36", 0}),
		peer("A5 1h 14.4x, 6h 6x", pair{h, h, "14.4", 0}, pair{6 * h, 6 * h, "6", 0}),
		peer("A6 1h/5m 14.4x, 6h/30m 6x", pair{h, 5, "14.4", 0}, pair{6 * h, 30, "6", 0}),
		peer("sloth 30d pages", pair{h, 5, "14.4", 0}, pair{6 * h, 30, "6", 0}),
		// W/672, W/112 with 14x and 7x; for 2m and 15m at 28 days, scaled.
		peer("pyrra 30d critical", pair{64, 5, "14", 2}, pair{386, 32, "7", 16}),
		// One rule of four windows, each of which notifies.
		peer("elastic 30d rule", pair{h, 5, "14.4", 0}, pair{6 * h, 30, "6", 0}, pair{24 * h, 2 * h, "3", 0}, pair{72 * h, 6 * h, "1", 0}),
		peer("datadog 30d presets", pair{h, 5, "14.4", 0}, pair{6 * h, 30, "6", 0}, pair{24 * h, 2 * h, "3", 0}),
		peer("nobl9 fast burn 20x 5m", pair{5, 5, "20", 0}),
		peer("A6 and 5 bad", pair{h, 5, "14.4", 0}, pair{6 * h, 30, "6", 0}).least(5),
	}
}

// pair is two look-backs, a threshold and a delay.
type pair struct {
	long, short slo.Minute
	threshold   string
	after       slo.Minute
}

func peer(name string, pairs ...pair) Policy {
	p := Policy{Name: name}
	for i, x := range pairs {
		p.Rules = append(p.Rules, Rule{
			Condition: slo.Condition{Name: fmt.Sprintf("page-%d", i+1), Long: x.long, Short: x.short, Threshold: slo.MustDecimal(x.threshold)},
			After:     x.after,
		})
	}
	return p
}

// least is the policy with a least number of bad events.
func (p Policy) least(events int64) Policy {
	p.MinBad = slo.Events(events)
	return p
}
