package slo

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// AmountOf returns a measured value in millionths, rounded half to even. NaN,
// infinities and values of 9.2e12 or more are errors.
func AmountOf(f float64) (Amount, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, fmt.Errorf("%v is not a finite number", f)
	}
	whole := math.Trunc(f)
	if math.Abs(whole) >= float64(math.MaxInt64/int64(Unit)) {
		return 0, fmt.Errorf("%v is too large: at most 9.2e12 is kept", f)
	}
	// The product is rounded once; FMA gives what that rounding lost, so that a
	// value next to a tie is not taken for one.
	frac := f - whole
	p := frac * float64(Unit)
	lost := math.FMA(frac, float64(Unit), -p)
	r := math.RoundToEven(p)
	switch d := p - r; {
	case d == 0.5 && lost > 0:
		r++
	case d == -0.5 && lost < 0:
		r--
	}
	return Amount(whole)*Unit + Amount(r), nil
}

// ParseAmount reads a decimal number into millionths, rounded half to even.
// What is not a plain finite number, or is 9.2e12 or more, is an error.
func ParseAmount(s string) (Amount, error) {
	n, err := scanNumber(s)
	if err != nil {
		return 0, err
	}
	if n.digits == "" {
		return 0, nil
	}
	const places = 6 // Unit = 10^6
	n.exp += places
	var round int64
	if n.exp < 0 {
		cut := max(0, len(n.digits)+n.exp)
		if len(n.digits)+n.exp < 0 {
			return 0, nil
		}
		head, tail := n.digits[:cut], n.digits[cut:]
		odd := cut > 0 && (head[cut-1]-'0')%2 == 1
		// tail has no trailing zeros, so it is a tie only when it is "5".
		if tail > "5" || (tail == "5" && odd) {
			round = 1
		}
		n.digits, n.exp = head, 0
	}
	if len(n.digits)+n.exp > maxDigits+1 {
		return 0, fmt.Errorf("%q is too large: at most 9.2e12 is kept", clip(s))
	}
	if n.digits == "" {
		n.digits = "0"
	}
	v, err := strconv.ParseInt(n.digits+strings.Repeat("0", n.exp), 10, 64)
	if err != nil || v >= math.MaxInt64-1 {
		return 0, fmt.Errorf("%q is too large: at most 9.2e12 is kept", clip(s))
	}
	v += round
	if n.negative {
		v = -v
	}
	return Amount(v), nil
}

// EventsOf is AmountOf for a count of events, which cannot be negative.
func EventsOf(f float64) (Amount, error) {
	a, err := AmountOf(f)
	if err == nil && a < 0 {
		return 0, fmt.Errorf("%v is negative: a count of events cannot be", f)
	}
	return a, err
}

// ParseEvents is ParseAmount for a count of events, which cannot be negative.
func ParseEvents(s string) (Amount, error) {
	a, err := ParseAmount(s)
	if err == nil && a < 0 {
		return 0, fmt.Errorf("%q is negative: a count of events cannot be", clip(s))
	}
	return a, err
}
