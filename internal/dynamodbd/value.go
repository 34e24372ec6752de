package dynamodbd

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"unicode/utf8"
)

// value is one attribute's value: a string, a number (as text) or bytes.
type value struct {
	kind byte // 'S', 'N' or 'B'
	text string
	raw  []byte
}

// item is a row: its attributes by name.
type item map[string]value

var errValue = errors.New("supplied AttributeValue is not of a type this service double keeps (S, N, B)")

// UnmarshalJSON reads {"S": "text"}, {"N": "1"} or {"B": "base64"}.
func (v *value) UnmarshalJSON(b []byte) error {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	if len(in) != 1 {
		return errors.New("supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	for kind, data := range in {
		switch kind {
		case "S", "N":
			v.kind = kind[0]
			if err := json.Unmarshal(data, &v.text); err != nil {
				return err
			}
			if v.kind == 'N' {
				return v.number()
			}
		case "B":
			v.kind, v.raw = 'B', []byte{}
			return json.Unmarshal(data, &v.raw)
		default:
			return errValue
		}
	}
	return nil
}

// number checks a number and writes it as the service does.
func (v *value) number() error {
	r, ok := new(big.Rat).SetString(v.text)
	if !ok || strings.ContainsAny(v.text, "/_xXpP") {
		return errors.New("The parameter cannot be converted to a numeric value: " + v.text)
	}
	if r.IsInt() {
		v.text = r.Num().String()
	}
	if len(digits(v.text)) > 38 {
		return errors.New("Attempting to store more than 38 significant digits in a Number") //nolint:staticcheck // the service's own words
	}
	return nil
}

// digits are a number's significant digits.
func digits(s string) string {
	s = strings.TrimPrefix(s, "-")
	whole, _, _ := strings.Cut(strings.ToLower(s), "e")
	return strings.Trim(strings.Replace(whole, ".", "", 1), "0")
}

// MarshalJSON writes what UnmarshalJSON reads.
func (v value) MarshalJSON() ([]byte, error) {
	if v.kind == 'B' {
		return json.Marshal(map[string][]byte{"B": v.raw})
	}
	return json.Marshal(map[string]string{string(v.kind): v.text})
}

// size is what a value counts in an item.
func (v value) size() int {
	switch v.kind {
	case 'B':
		return len(v.raw)
	case 'N':
		return numberSize(v.text)
	}
	return len(v.text)
}

// numberSize is a byte, one for each two digits, counted from the decimal point,
// and one for a sign.
func numberSize(text string) int {
	n := len(digits(text))
	if n == 0 {
		return 1
	}
	size := 1 + (n+1)/2
	whole, _, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if whole = strings.TrimLeft(whole, "0"); n%2 == 0 && len(whole)%2 == 1 {
		size++
	}
	if strings.HasPrefix(text, "-") {
		size++
	}
	return size
}

// size is an item's: its attributes' names and values.
func (it item) size() int {
	n := 0
	for name, v := range it {
		n += len(name) + v.size()
	}
	return n
}

// compare orders two values of one kind; ok is false for different kinds.
func (v value) compare(o value) (order int, ok bool) {
	if v.kind != o.kind {
		return 0, false
	}
	switch v.kind {
	case 'B':
		return strings.Compare(string(v.raw), string(o.raw)), true
	case 'N':
		a, _ := new(big.Rat).SetString(v.text)
		b, _ := new(big.Rat).SetString(o.text)
		return a.Cmp(b), true
	}
	return strings.Compare(v.text, o.text), true
}

// validText says whether every string is UTF-8; JSON decoding has replaced what
// was not, so this only guards the double itself.
func (it item) validText() bool {
	for _, v := range it {
		if !utf8.ValidString(v.text) {
			return false
		}
	}
	return true
}
