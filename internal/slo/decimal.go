package slo

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Decimal is an exact decimal number: unscaled / 10^scale, of at most 18
// significant digits. Documents write targets and thresholds as decimals, and
// they stay so: 99.95 % is 9995/10000. The zero value is 0. Values are kept
// without trailing zeros, so == compares numbers.
type Decimal struct {
	unscaled int64
	scale    uint8
}

// maxDigits bounds unscaled and scale: 10^18 is the largest power of ten that
// an int64 holds, so 1 - d never overflows.
const maxDigits = 18

// one is the decimal 1.
func one() Decimal { return Decimal{unscaled: 1} }

// ParseDecimal reads a plain decimal ("0.9995", "14.4", "-3", "1e-3"). It
// refuses everything that is not exact: more than 18 significant digits or
// decimal places, NaN, infinities, hexadecimal, separators and units.
func ParseDecimal(s string) (Decimal, error) {
	n, err := scanNumber(s)
	if err != nil {
		return Decimal{}, err
	}
	if len(n.digits) == 0 {
		return Decimal{}, nil
	}
	if n.exp > 0 {
		if len(n.digits)+n.exp > maxDigits {
			return Decimal{}, fmt.Errorf("%q is too large: at most %d digits are kept", s, maxDigits)
		}
		n.digits += strings.Repeat("0", n.exp)
		n.exp = 0
	}
	if len(n.digits) > maxDigits || -n.exp > maxDigits {
		return Decimal{}, fmt.Errorf("%q has too many digits: at most %d are kept exactly", s, maxDigits)
	}
	u, err := strconv.ParseInt(n.digits, 10, 64)
	if err != nil {
		return Decimal{}, fmt.Errorf("%q is not a decimal number", s)
	}
	if n.negative {
		u = -u
	}
	return normal(u, uint8(-n.exp)), nil
}

// MustDecimal is ParseDecimal for constants; it panics on what cannot be read.
func MustDecimal(s string) Decimal {
	d, err := ParseDecimal(s)
	if err != nil {
		panic("slo: " + err.Error())
	}
	return d
}

// normal strips trailing zeros behind the point.
func normal(u int64, scale uint8) Decimal {
	for scale > 0 && u%10 == 0 {
		u /= 10
		scale--
	}
	return Decimal{u, scale}
}

// String prints the number without an exponent and without trailing zeros.
func (d Decimal) String() string {
	s := strconv.FormatInt(d.unscaled, 10)
	if d.scale == 0 {
		return s
	}
	sign := ""
	if d.unscaled < 0 {
		sign, s = "-", s[1:]
	}
	if pad := int(d.scale) + 1 - len(s); pad > 0 {
		s = strings.Repeat("0", pad) + s
	}
	cut := len(s) - int(d.scale)
	return sign + s[:cut] + "." + s[cut:]
}

// Rat returns the number as a fraction.
func (d Decimal) Rat() *big.Rat {
	return new(big.Rat).SetFrac64(d.unscaled, pow10(d.scale))
}

// Float returns the nearest float64; for printing, never for deciding.
func (d Decimal) Float() float64 { return quotient(d.unscaled, pow10(d.scale)) }

// Sign is -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.unscaled < 0:
		return -1
	case d.unscaled > 0:
		return 1
	}
	return 0
}

// IsZero says whether the number is 0, which is also what an unset one is.
func (d Decimal) IsZero() bool { return d.unscaled == 0 }

// Cmp is -1, 0 or 1 as d is less than, equal to or greater than o, exactly.
func (d Decimal) Cmp(o Decimal) int { return d.Rat().Cmp(o.Rat()) }

// Complement is 1 - d, exactly: the budget that a target leaves.
func (d Decimal) Complement() Decimal {
	// Both are at most 10^18, so the difference fits an int64.
	return normal(pow10(d.scale)-d.unscaled, d.scale)
}

// Shift moves the decimal point n places to the right (left for n < 0): a
// percentage becomes a ratio by Shift(-2).
func (d Decimal) Shift(n int) (Decimal, error) {
	return ParseDecimal(strconv.FormatInt(d.unscaled, 10) + "e" + strconv.Itoa(n-int(d.scale)))
}

// Mul is d x o, or an error where the product has more than 18 digits.
func (d Decimal) Mul(o Decimal) (Decimal, error) {
	p := new(big.Int).Mul(big.NewInt(d.unscaled), big.NewInt(o.unscaled))
	return ParseDecimal(p.String() + "e-" + strconv.Itoa(int(d.scale)+int(o.scale)))
}

// MarshalText implements encoding.TextMarshaler.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Decimal) UnmarshalText(b []byte) error {
	got, err := ParseDecimal(string(b))
	if err != nil {
		return err
	}
	*d = got
	return nil
}

// number is a scanned decimal: digits x 10^exp, digits without zeros at either
// end; no digits mean zero.
type number struct {
	negative bool
	digits   string
	exp      int
}

// maxNumber bounds the text of a number, so that hostile input costs nothing.
const maxNumber = 512

// scanNumber reads sign, digits, point and exponent.
func scanNumber(s string) (number, error) {
	var n number
	bad := func() (number, error) { return number{}, fmt.Errorf("%q is not a decimal number", clip(s)) }
	if len(s) > maxNumber {
		return bad()
	}
	rest := s
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		n.negative = rest[0] == '-'
		rest = rest[1:]
	}
	mantissa, exponent, hasExp := cutExponent(rest)
	if hasExp {
		e, err := strconv.Atoi(exponent)
		if err != nil || e > maxNumber*2 || e < -maxNumber*2 {
			return bad()
		}
		n.exp = e
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	if whole+frac == "" || strings.Trim(whole+frac, "0123456789") != "" {
		return bad()
	}
	n.exp -= len(frac)
	n.digits = strings.TrimLeft(whole+frac, "0")
	trimmed := strings.TrimRight(n.digits, "0")
	n.exp += len(n.digits) - len(trimmed)
	n.digits = trimmed
	if n.digits == "" {
		return number{}, nil
	}
	return n, nil
}

// cutExponent splits at "e" or "E".
func cutExponent(s string) (mantissa, exponent string, found bool) {
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// clip shortens foreign text for a message.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
