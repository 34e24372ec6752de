package payment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// MaxBody is the most bytes that a request may have.
const MaxBody = 16 << 10

// maxAmount is the most that one payment may be, in minor units.
const maxAmount = 1_000_000_00

// Request is a payment that is asked for.
type Request struct {
	Amount   int64  `json:"amount"`   // in the currency's minor unit: 1999 is 19.99 EUR
	Currency string `json:"currency"` // ISO 4217
	Card     string `json:"card"`     // the card's token: no number of a card gets here
	Key      string `json:"idempotency_key"`
}

// InvalidError says everything that is wrong with a request, one sentence each.
type InvalidError struct{ Problems []string }

// Error implements error.
func (e *InvalidError) Error() string {
	return "the request is invalid: " + strings.Join(e.Problems, "; ")
}

var (
	tokenForm = regexp.MustCompile(`^tok_[a-z0-9_]{1,60}$`)
	keyForm   = regexp.MustCompile(`^[!-~]{1,255}$`)
)

func currencies() []string { return []string{"CHF", "EUR", "GBP", "JPY", "USD"} }

// Parse reads a request. key is that of the header Idempotency-Key; the body may
// say it instead. The error is an *[InvalidError].
func Parse(body []byte, key string) (Request, error) {
	var r Request
	if err := decode(body, &r); err != nil {
		return Request{}, &InvalidError{[]string{err.Error()}}
	}
	var p []string
	switch {
	case r.Key == "":
		r.Key = key
	case key != "" && key != r.Key:
		p = append(p, "idempotency_key and the header Idempotency-Key differ")
	}
	if r.Amount <= 0 || r.Amount > maxAmount {
		p = append(p, fmt.Sprintf("amount is %d: want minor units from 1 to %d", r.Amount, maxAmount))
	}
	if !slices.Contains(currencies(), r.Currency) {
		p = append(p, fmt.Sprintf("currency is %.8q: want one of %s", r.Currency, strings.Join(currencies(), ", ")))
	}
	if !tokenForm.MatchString(r.Card) {
		p = append(p, "card is no token: want tok_ and small letters, digits or _") // it may be a card's number: it is not repeated
	}
	if !keyForm.MatchString(r.Key) {
		p = append(p, "an idempotency key is needed: 1 to 255 printable letters without spaces, in idempotency_key or the header Idempotency-Key")
	}
	if len(p) > 0 {
		return Request{}, &InvalidError{p}
	}
	return r, nil
}

// decode reads one JSON object and nothing behind it. Its errors repeat nothing
// of the body, which may hold a card's number.
func decode(body []byte, r *Request) error {
	if len(body) > MaxBody {
		return fmt.Errorf("the body has more than %d bytes", MaxBody)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && t.Field != "" {
			return fmt.Errorf("%s must be a %s", t.Field, map[bool]string{true: "whole number", false: "text"}[t.Field == "amount"])
		}
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return fmt.Errorf("there is no field %.40s", name)
		}
		return errors.New("the body is no JSON object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one JSON object")
	}
	return nil
}
