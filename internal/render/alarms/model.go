package alarms

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strings"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Objective is what a maker of alarms and rules needs to know of an objective.
type Objective struct {
	slo.Objective
	// Type is that of its data source, as metricSource.type spells it; "" for a
	// composite.
	Type string
	// Measured is what is measured; nil for a composite.
	Measured slo.Indicator
	// Details are the connectionDetails of its data source.
	Details slo.Spec
	// Period is the step of its data, in minutes; 0: the source's own.
	Period slo.Minute
	// After, NoData and Quiet are what its alert policies ask for: to wait that
	// many minutes, to tell of missing data, to tell nobody when it is over.
	After         slo.Minute
	NoData, Quiet bool
}

// Note is a difference between an objective and what a backend does with it.
type Note struct {
	Objective string `json:"objective"`           // service/slo/objective
	Condition string `json:"condition,omitempty"` // "": all of them
	Text      string `json:"text"`                // what cannot be said there
	Instead   string `json:"instead,omitempty"`   // what was done; "": it was left out
}

// String says the note in a line.
func (n Note) String() string {
	out := n.Objective
	if n.Condition != "" {
		out += " " + n.Condition
	}
	if out += ": " + n.Text; n.Instead != "" {
		return out + "; instead, " + n.Instead
	}
	return out + "; left out"
}

// Fraction is a decimal as a quotient of whole numbers in lowest terms, as they
// are written in an expression: 0.0005 is 1 and 2000.
func Fraction(d slo.Decimal) (num, den *big.Int) {
	r := d.Rat()
	return r.Num(), r.Denom()
}

// Times is a burn rate's formula: bad and total in a window, over a budget; with
// no total, bad is a ratio already. All constants are whole numbers and the
// division comes last, so that a burn rate that equals a threshold is not above
// it: "bad * 1000 / total" at 99.9 %.
func Times(bad, total string, budget slo.Decimal) string {
	num, den := Fraction(budget)
	one := big.NewInt(1)
	if den.Cmp(one) != 0 {
		bad += " * " + den.String()
	}
	switch {
	case num.Cmp(one) == 0:
	case total == "":
		total = num.String()
	default:
		total = "(" + total + " * " + num.String() + ")"
	}
	if total == "" {
		return bad
	}
	return bad + " / " + total
}

// Clean writes a name with what every backend takes: other letters become %XX, so
// that names which differ still do.
func Clean(name string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._@:/=+,-"
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + digits[c>>4:c>>4+1] + digits[c&15:c&15+1])
		}
	}
	return b.String()
}

// Token is a name of letters, digits and the separator alone: the words of a key,
// and eight letters of its digest so that no two keys share one.
func Token(key, separator string) string {
	words := strings.FieldsFunc(key, func(r rune) bool {
		return r > 'z' || !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", r)
	})
	if separator == "" {
		for i, w := range words {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	const most = 180
	out := strings.Join(words, separator)
	if len(out) > most {
		out = out[:most]
	}
	sum := sha256.Sum256([]byte(key))
	return out + separator + hex.EncodeToString(sum[:4])
}
