package analyze

import (
	"math/bits"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Target is a share of good events in parts per million: 999_500 is 99.95 %.
type Target int64

// whole is the target of a service that may never fail; it is nobody's objective.
const whole = 1_000_000

// RoundTargets are the targets people agree on, ascending.
func RoundTargets() []Target {
	return []Target{900_000, 950_000, 980_000, 990_000, 995_000, 998_000, 999_000, 999_500, 999_900, 999_950, 999_990}
}

// Percent prints the target as people say it: "99.95".
func (t Target) Percent() string { return decimal(int64(t), 4) }

// String prints the target as documents write it: "0.9995".
func (t Target) String() string { return decimal(int64(t), 6) }

// Met says whether a count reached the target, exactly. Without events there
// is nothing to miss.
func (t Target) Met(c slo.Count) bool {
	goodHi, goodLo := bits.Mul64(uint64(max(0, c.Good)), uint64(whole))
	needHi, needLo := bits.Mul64(uint64(max(0, c.Total)), uint64(max(0, t)))
	return goodHi > needHi || goodHi == needHi && goodLo >= needLo
}

// Remaining is what a count leaves of the target's error budget: 1 - spent /
// allowed, signed; nil without events.
func (t Target) Remaining(c slo.Count) *float64 {
	if c.Total <= 0 || t >= whole {
		return nil
	}
	allowed := c.Total.Float() * float64(whole-t) / float64(whole)
	return new(1 - c.Bad().Float()/allowed)
}

// decimal prints n / 10^scale without trailing zeros.
func decimal(n int64, scale int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	digits := strconv.FormatInt(n, 10)
	if short := scale + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	at := len(digits) - scale
	frac := strings.TrimRight(digits[at:], "0")
	if frac == "" {
		return sign + digits[:at]
	}
	return sign + digits[:at] + "." + frac
}
