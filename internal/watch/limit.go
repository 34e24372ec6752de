package watch

import (
	"math"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// The kinds of limits.
const (
	LimitLatency = "latency" // the 99th percentile, in milliseconds
	LimitErrors  = "errors"  // bad requests a minute
	LimitRate    = "rate"    // the share of bad requests, 0 to 1
)

// Highest is the most a limit may say; beyond it somebody mistyped.
const highest = 1e9

// ParseLimit reads a limit as --alert-threshold takes it: "200ms" or "1.5s" (the
// 99th percentile of the duration), "50errors" (bad requests a minute), "0.5%" (the
// share of bad requests). A bare number is milliseconds of the 99th percentile.
// The error is of kind Invalid.
func ParseLimit(text string) (Limit, error) {
	l := Limit{Text: strings.TrimSpace(text)}
	end := strings.IndexFunc(l.Text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end < 0 {
		end = len(l.Text)
	}
	value, err := strconv.ParseFloat(l.Text[:end], 64)
	if err != nil {
		return Limit{}, badLimit(text, "it does not begin with a number")
	}
	switch strings.TrimSpace(l.Text[end:]) {
	case "", "ms":
		l.Kind, l.Value = LimitLatency, value
	case "s":
		l.Kind, l.Value = LimitLatency, value*1000
	case "error", "errors":
		l.Kind, l.Value = LimitErrors, value
	case "%":
		l.Kind, l.Value = LimitRate, value/100
	default:
		return Limit{}, badLimit(text, "its unit is not known")
	}
	return l, l.check()
}

// check finds a limit that cannot be held, or that nothing can go beyond.
func (l Limit) check() error {
	switch {
	case math.IsNaN(l.Value) || l.Value < 0 || l.Value > highest:
		return badLimit(l.Text, "that is no limit")
	case l.Kind == LimitLatency && l.Value == 0:
		return badLimit(l.Text, "every request takes longer than that")
	case l.Kind == LimitRate && l.Value >= 1:
		return badLimit(l.Text, "nothing can go beyond it")
	}
	switch l.Kind {
	case LimitLatency, LimitErrors, LimitRate:
		return nil
	}
	return badLimit(l.Text, "its kind "+strconv.Quote(l.Kind)+" is not known")
}

func badLimit(text, why string) error {
	return fault.New(fault.Invalid, "limit "+strconv.Quote(text), why, `write "200ms" (the 99th percentile; a bare number means the same), "50errors" (a minute) or "0.5%" (of the requests)`)
}

// String is the limit in words: "the 99th percentile above 200 ms".
func (l Limit) String() string {
	n := strconv.FormatFloat(l.Value, 'g', 6, 64)
	switch l.Kind {
	case LimitErrors:
		return "more than " + n + " bad requests a minute"
	case LimitRate:
		return "more than " + percent(l.Value) + " of the requests bad"
	}
	return "the 99th percentile above " + n + " ms"
}

// percent writes a share: "0.12 %".
func percent(share float64) string {
	return strconv.FormatFloat(100*share, 'g', 3, 64) + " %"
}
