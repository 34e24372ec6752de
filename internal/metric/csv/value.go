package csv

import (
	"errors"
	"math"
	"strconv"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// The ways in which a field is no value.
var (
	errEmpty    = errors.New("is empty")
	errNoNumber = errors.New("is not a number")
	errTooLarge = errors.New("is too large (9.2e12 at most)")
)

// fraction is how many decimal places an Amount keeps.
const fraction = 6

// parseAmount reads a decimal number ("12", "-0.5", "1.5e3") exactly; what is
// finer than a millionth is rounded half to even. NaN, infinities, hexadecimal
// numbers and digit separators are no numbers.
func parseAmount(s []byte) (slo.Amount, error) {
	if len(s) == 0 {
		return 0, errEmpty
	}
	negative := s[0] == '-'
	if negative || s[0] == '+' {
		s = s[1:]
	}
	var buf [48]byte
	digits, exp, err := significand(s, buf[:0])
	if err != nil {
		return 0, err
	}
	v, err := scale(digits, exp+fraction)
	if err != nil {
		return 0, err
	}
	if negative {
		v = -v
	}
	return v, nil
}

// significand splits a number without sign into its digits, leading zeros
// gone, and a power of ten.
func significand(s, digits []byte) ([]byte, int, error) {
	exp, point, seen := 0, false, false
	for i, c := range s {
		switch {
		case '0' <= c && c <= '9':
			seen = true
			if c != '0' || len(digits) > 0 {
				digits = append(digits, c)
			}
			if point {
				exp--
			}
		case c == '.' && !point:
			point = true
		case (c == 'e' || c == 'E') && seen:
			e, err := strconv.Atoi(string(s[i+1:]))
			if err != nil {
				return nil, 0, errNoNumber
			}
			// Beyond any digits a line can hold, more zeros change nothing.
			return digits, exp + min(max(e, -1<<20), 1<<20), nil
		default:
			return nil, 0, errNoNumber
		}
	}
	if !seen {
		return nil, 0, errNoNumber
	}
	return digits, exp, nil
}

// scale returns digits times ten to the shift, rounded half to even.
func scale(digits []byte, shift int) (slo.Amount, error) {
	if len(digits) == 0 {
		return 0, nil
	}
	keep := len(digits) + shift // digits left of the last place kept
	if keep > 19 {
		return 0, errTooLarge
	}
	if keep < 0 {
		return 0, nil
	}
	var v uint64
	for i := range keep {
		v *= 10
		if i < len(digits) {
			v += uint64(digits[i] - '0')
		}
	}
	if keep < len(digits) && roundsUp(digits[keep:], v%2 == 1) {
		v++
	}
	if v >= math.MaxInt64 { // the largest amount means saturated
		return 0, errTooLarge
	}
	return slo.Amount(v), nil
}

// roundsUp says whether dropping rest rounds away from zero.
func roundsUp(rest []byte, odd bool) bool {
	if rest[0] != '5' {
		return rest[0] > '5'
	}
	for _, c := range rest[1:] {
		if c != '0' {
			return true
		}
	}
	return odd
}
