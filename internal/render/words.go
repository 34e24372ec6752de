package render

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/judge"
)

// Rate is a version's rate of bad requests, or the mean of a value, with its
// unit: "1.25 %", "212 ms"; "-" where nothing was counted.
func Rate(f *judge.Finding, t judge.Tally, unit string) string {
	if t.Rate == nil {
		return "-"
	}
	if f.EffectUnit == "rate" || t.Total > 0 && unit == "" {
		return percent(*t.Rate)
	}
	return strings.TrimSpace(digits(*t.Rate) + " " + unit)
}

// Effect is how much worse the canary is, with the interval that holds it:
// "+0.31 points (0.05 to 0.6)".
func Effect(f *judge.Finding) string {
	if f.Effect == nil {
		return "-"
	}
	scale, unit, sign := 1.0, " "+f.EffectUnit, "+"
	switch f.EffectUnit {
	case "rate":
		scale, unit = 100, " points"
	case "ratio":
		unit, sign = " x", ""
	}
	if *f.Effect <= 0 || math.Abs(*f.Effect) < dust {
		sign = ""
	}
	out := sign + digits(*f.Effect*scale) + unit
	if f.Low != nil && f.High != nil {
		out += " (" + digits(*f.Low*scale) + " to " + digits(*f.High*scale) + ")"
	}
	return out
}

// Evidence says what the counts are worth: "very strong that it is worse
// (54 : 1)".
func Evidence(f *judge.Finding) string {
	switch {
	case f.Missing > 0:
		return Missing(f.Missing)
	case f.LogE <= 0 && f.LogEPass <= 0:
		return "-"
	case f.LogE >= f.LogEPass:
		return strength(f.LogE) + " that it is worse (" + odds(f.LogE) + ")"
	}
	return strength(f.LogEPass) + " that it is not (" + odds(f.LogEPass) + ")"
}

// strength is a word for an e-value, after Jeffreys.
func strength(log float64) string {
	const third, tenth, thirtieth, hundredth = 3, 10, 30, 100
	switch e := math.Exp(log); {
	case e < third:
		return "hardly any"
	case e < tenth:
		return "some"
	case e < thirtieth:
		return "strong"
	case e < hundredth:
		return "very strong"
	}
	return "decisive"
}

func odds(log float64) string {
	const most = 1e6
	if e := math.Exp(log); e < most {
		return digits(e) + " : 1"
	}
	return "over a million : 1"
}

func percent(share float64) string { return digits(100*share) + " %" }

// dust is what calculating leaves of nothing.
const dust = 1e-12

// digits writes a number with three digits that say something.
func digits(v float64) string {
	const figures, whole = 3, 1000
	if math.Abs(v) < dust {
		return "0"
	}
	if math.Abs(v) >= whole {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	out := strconv.FormatFloat(v, 'g', figures, 64)
	if strings.Contains(out, "e") {
		if back, err := strconv.ParseFloat(out, 64); err == nil {
			out = strconv.FormatFloat(back, 'f', -1, 64)
		}
	}
	return out
}

// Missing says how many requests are.
func Missing(n int64) string {
	if n == 1 {
		return "1 request is missing"
	}
	return fmt.Sprintf("%d requests are missing", n)
}
