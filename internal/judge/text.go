package judge

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/decision"
)

// explain writes the sentence of a finding, unless its method has.
func (o *outcome) explain(p *Policy, m *Metric) {
	if o.Text != "" {
		return
	}
	if o.Effect != nil && o.EffectUnit == unitRate && o.Canary.Rate != nil && o.Baseline.Rate != nil {
		o.Text = o.countsText(p, m)
		return
	}
	o.Text = o.valuesText(m)
}

// countsText is the sentence about counts.
func (o *outcome) countsText(p *Policy, m *Metric) string {
	have := fmt.Sprintf("Of the canary's %s %s were bad, of the %s beside it %s",
		plural(o.Canary.Total, "request", "requests"), percent(*o.Canary.Rate), count64(o.Baseline.Total), percent(*o.Baseline.Rate))
	switch o.Verdict {
	case decision.Fail:
		return fmt.Sprintf("%s; that is %s%s, %s.%s", have, o.effectText(), beyondText(p.margin(m)), chance(o.LogE), o.burstText())
	case decision.Pass:
		return fmt.Sprintf("%s; it is no worse by %s or more, %s.", have, slackText(p.slack(m, Margin{Add: defaultSlack})), passChance(o.LogEPass))
	case decision.Warn, decision.Inconclusive:
	}
	out := fmt.Sprintf("%s; that is %s, which is not sure yet.", have, o.effectText())
	if o.Missing > 0 {
		out += fmt.Sprintf(" To pass, %s %s missing.", plural(o.Missing, "more request of the canary", "more requests of the canary"), verb(o.Missing)+" at least")
	}
	if o.Detectable != nil {
		out += fmt.Sprintf(" So many would have shown a canary that is worse by %s.", points(*o.Detectable))
	}
	return out + o.burstText()
}

// burst is from which dispersion on the reader is told.
const burst = 3

func (o *outcome) burstText() string {
	if o.Dispersion == nil || *o.Dispersion < burst {
		return ""
	}
	return fmt.Sprintf(" From minute to minute errors scatter %s times as far as requests that fail one by one: they come in bursts, or as retries, or the rate moves.", number(*o.Dispersion))
}

// effectText is the difference of rates, with its interval.
func (o *outcome) effectText() string {
	word := "worse by " + points(*o.Effect)
	switch {
	case *o.Effect < 0:
		word = "better by " + points(-*o.Effect)
	case *o.Effect == 0:
		word = "no difference"
	}
	if o.Low == nil || o.High == nil {
		return word
	}
	return fmt.Sprintf("%s (%s to %s)", word, bare(*o.Low), bare(*o.High))
}

func (o *outcome) valuesText(m *Metric) string {
	have := "The canary's values and those beside it were compared over " + plural(int64(o.Minutes), "minute", "minutes")
	if o.EffectUnit == "ratio" && o.Effect != nil {
		have = fmt.Sprintf("The canary's 99th percentile is %s times that of the version beside it", number(*o.Effect))
	} else if o.Effect != nil {
		have = fmt.Sprintf("The canary's value is mostly %s that of the version beside it", apart(*o.Effect, m.Unit))
		if o.Low != nil && o.High != nil {
			have += fmt.Sprintf(" (%s to %s)", number(*o.Low), number(*o.High))
		}
	}
	switch o.Verdict {
	case decision.Fail:
		return fmt.Sprintf("%s; that is worse, %s.", have, chance(o.LogE))
	case decision.Pass:
		return fmt.Sprintf("%s; it is no worse, %s.", have, passChance(o.LogEPass))
	case decision.Warn, decision.Inconclusive:
	}
	return have + "; whether it is worse is not sure yet."
}

func apart(x float64, unit string) string {
	if x < 0 {
		return amount(-x, unit) + " below"
	}
	return amount(x, unit) + " above"
}

func beyondText(m Margin) string {
	if m.zero() {
		return ""
	}
	return ", more than the " + slackText(m) + " that are allowed"
}

func slackText(m Margin) string {
	switch {
	case m.Add > 0 && m.Ratio > 0:
		return points(m.Add) + " and " + number(m.Ratio) + " times the rate"
	case m.Ratio > 0:
		return number(m.Ratio) + " times the rate"
	}
	return points(m.Add)
}

// chance says how often evidence of that size comes by chance.
func chance(log float64) string {
	return "by chance that comes once in " + often(log) + " canaries at most"
}

func passChance(log float64) string {
	return "of canaries that are, one in " + often(log) + " at most looks so good"
}

// often is an e-value in words, to two digits, rounded down.
func often(log float64) string {
	if log >= math.Log(1e6) {
		return "a million"
	}
	e := math.Exp(max(log, 0))
	if unit := math.Pow(10, math.Floor(math.Log10(e))-1); unit >= 1 {
		e = math.Floor(e/unit) * unit
	}
	return count64(int64(e))
}

// percent writes a share of 0 to 1: as many digits as tell it from none and all.
func percent(x float64) string {
	digits := 1
	if rest := min(math.Abs(x), math.Abs(1-x)) * 100; rest > 0 && rest < 1 {
		digits = min(int(math.Ceil(-math.Log10(rest)))+1, 6)
	}
	return trim(strconv.FormatFloat(x*100, 'f', digits, 64)) + " %"
}

// points writes a difference of rates in percentage points.
func points(x float64) string {
	n := bare(x)
	if n == "1" {
		return "1 point"
	}
	return n + " points"
}

// bare is points without the word.
func bare(x float64) string {
	x *= 100
	if x == 0 {
		return "0"
	}
	digits := min(max(1-int(math.Floor(math.Log10(math.Abs(x)))), 0), 6)
	return trim(strconv.FormatFloat(x, 'f', digits, 64))
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 3, 64) }

func amount(x float64, unit string) string {
	if unit == "" {
		return number(x)
	}
	return number(x) + " " + unit
}

func trim(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}

// count64 writes a whole number with its thousands apart: 37,000.
func count64(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count64(n) + " " + many
}

func verb(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func are(n int64) string { return count64(n) + " " + verb(n) }
