package stat

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is a family of statistics.
type Kind uint8

// The kinds. From Percentile on they need the values themselves.
const (
	SampleCount Kind = iota
	Sum
	Average
	Minimum
	Maximum
	Percentile
	TrimmedMean
	WinsorizedMean
	TrimmedCount
	TrimmedSum
	PercentileRank
)

// whole is 100 % in the unit of [Bound.Share]: percentages have up to ten
// decimals, and rank arithmetic must be exact.
const whole = 100 * unit

const (
	decimals = 10
	unit     = 10_000_000_000
)

// Bound is one end of a statistic's range.
type Bound struct {
	Set     bool    // false: this end is open
	Percent bool    // Share counts; else Value does
	Share   int64   // percent times 1e10
	Value   float64 // in the metric's unit
}

// Statistic is a parsed statistic.
type Statistic struct {
	Name string // as written
	Kind Kind
	Lo   Bound // lower end, exclusive
	Hi   Bound // upper end, inclusive; of a percentile, its rank
}

// NeedsValues says whether the statistic belongs to the percentile family,
// which counts, sums and extremes alone cannot answer.
func (s Statistic) NeedsValues() bool { return s.Kind >= Percentile }

// Parse reads a statistic as GetMetricData takes it: "Average", "p99.9",
// "tm99", "TC(:300)", "PR(100:2000)", "TM(10%:90%)", "IQM". Names are case
// sensitive, as in AWS: one number without parentheses goes with lower case, a
// range with upper case.
func Parse(s string) (Statistic, error) {
	if k, ok := simple(s); ok {
		return Statistic{Name: s, Kind: k}, nil
	}
	if s == "IQM" {
		return Statistic{
			Name: s, Kind: TrimmedMean,
			Lo: Bound{Set: true, Percent: true, Share: 25 * unit},
			Hi: Bound{Set: true, Percent: true, Share: 75 * unit},
		}, nil
	}
	if head, tail, ok := strings.Cut(s, "("); ok {
		return parseRange(s, head, tail)
	}
	for prefix, k := range map[string]Kind{
		"p": Percentile, "tm": TrimmedMean, "wm": WinsorizedMean, "tc": TrimmedCount, "ts": TrimmedSum,
	} {
		digits, ok := strings.CutPrefix(s, prefix)
		if !ok {
			continue
		}
		if share, ok := percent(digits); ok {
			return Statistic{Name: s, Kind: k, Hi: Bound{Set: true, Percent: true, Share: share}}, nil
		}
	}
	return Statistic{}, fmt.Errorf("%q is not a statistic", s)
}

func simple(s string) (Kind, bool) {
	switch s {
	case "SampleCount":
		return SampleCount, true
	case "Sum":
		return Sum, true
	case "Average":
		return Average, true
	case "Minimum":
		return Minimum, true
	case "Maximum":
		return Maximum, true
	}
	return 0, false
}

// parseRange reads the form TC(lo:hi); all is the whole text, for messages.
func parseRange(all, head, tail string) (Statistic, error) {
	st := Statistic{Name: all}
	switch head {
	case "TM":
		st.Kind = TrimmedMean
	case "WM":
		st.Kind = WinsorizedMean
	case "TC":
		st.Kind = TrimmedCount
	case "TS":
		st.Kind = TrimmedSum
	case "PR":
		st.Kind = PercentileRank
	default:
		return st, fmt.Errorf("%q: %q takes no range; TM, WM, TC, TS and PR do", all, head)
	}
	body, ok := strings.CutSuffix(tail, ")")
	if !ok {
		return st, fmt.Errorf("%q: the closing parenthesis is missing", all)
	}
	lo, hi, ok := strings.Cut(body, ":")
	if !ok {
		return st, fmt.Errorf("%q: a range is written (low:high), (low:) or (:high)", all)
	}
	var err error
	if st.Lo, err = bound(lo); err != nil {
		return st, fmt.Errorf("%q: %w", all, err)
	}
	if st.Hi, err = bound(hi); err != nil {
		return st, fmt.Errorf("%q: %w", all, err)
	}
	return st, st.check()
}

// check refuses ranges that cannot mean anything.
func (s Statistic) check() error {
	switch {
	case !s.Lo.Set && !s.Hi.Set:
		return fmt.Errorf("%q bounds nothing", s.Name)
	case s.Lo.Set && s.Hi.Set && s.Lo.Percent != s.Hi.Percent:
		return fmt.Errorf("%q mixes a percentage with a value", s.Name)
	case s.Kind == PercentileRank && (s.Lo.Percent || s.Hi.Percent):
		return fmt.Errorf("%q: a percentile rank is bounded by values, not by percentages", s.Name)
	case !s.Lo.Set || !s.Hi.Set:
		return nil
	case s.Lo.Percent && s.Lo.Share >= s.Hi.Share, !s.Lo.Percent && s.Lo.Value >= s.Hi.Value:
		return fmt.Errorf("%q: the lower bound must be below the upper one", s.Name)
	}
	return nil
}

func bound(s string) (Bound, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Bound{}, nil
	}
	if digits, ok := strings.CutSuffix(s, "%"); ok {
		share, ok := percent(digits)
		if !ok {
			return Bound{}, fmt.Errorf("%q is not a percentage from 0 to 100 with at most ten decimals", s)
		}
		return Bound{Set: true, Percent: true, Share: share}, nil
	}
	if _, _, ok := number(s); !ok {
		return Bound{}, fmt.Errorf("%q is not a number with at most ten decimals", s)
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return Bound{}, fmt.Errorf("%q: %w", s, err)
	}
	return Bound{Set: true, Value: v}, nil
}

// percent reads 0 to 100 exactly, in units of 1e-10.
func percent(s string) (int64, bool) {
	before, after, ok := number(s)
	if !ok || len(before) > 3 {
		return 0, false
	}
	after += strings.Repeat("0", decimals-len(after))
	n, err := strconv.ParseInt(before+after, 10, 64)
	return n, err == nil && n <= whole
}

// number splits plain digits with an optional fraction of at most ten digits.
func number(s string) (before, after string, ok bool) {
	before, after, dot := strings.Cut(s, ".")
	if !digits(before) || dot && (!digits(after) || len(after) > decimals) {
		return "", "", false
	}
	return before, after, true
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
