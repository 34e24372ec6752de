package measure

import (
	"fmt"
	"math"
	"strconv"

	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/render/term"
)

// money is what reading cost, and by which prices.
type money struct {
	Amount   float64 `json:"amount"`
	Currency string  `json:"currency"`
	Prices   string  `json:"prices"` // the date of the price file
}

// moneyOf is what a usage costs; nil for none.
func moneyOf(p cost.Prices, u *metric.Usage) *money {
	if u == nil {
		return nil
	}
	return &money{p.Of(cost.MetricRequested, float64(u.Metrics)), p.Currency, p.Date}
}

// told says what was asked and what it cost.
func (m *money) told(u metric.Usage) string {
	return fmt.Sprintf("%s requested in %s, %s datapoints: %s (prices of %s)",
		plural(u.Metrics, "metric"), plural(u.Requests, "call"), term.Count(float64(u.Datapoints)), m, m.Prices)
}

// String writes an amount with as many digits as it takes to see it: two behind
// the point, and of less than a cent two that are not zero.
func (m *money) String() string {
	digits := 2
	if m.Amount > 0 && m.Amount < 0.01 {
		digits = min(9, 1-int(math.Floor(math.Log10(m.Amount))))
	}
	text := strconv.FormatFloat(m.Amount, 'f', digits, 64)
	for digits > 2 && text[len(text)-1] == '0' {
		text = text[:len(text)-1]
		digits--
	}
	if m.Currency == "USD" {
		return "$" + text
	}
	return text + " " + m.Currency
}

func plural(n int64, word string) string {
	text := term.Count(float64(n)) + " " + word
	if n != 1 {
		text += "s"
	}
	return text
}
