package payment_test

import (
	"errors"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/payment"
)

func TestParse(t *testing.T) {
	const good = `{"amount":1999,"currency":"EUR","card":"tok_1a","idempotency_key":"k-1"}`
	for _, tc := range []struct{ name, body, key, want string }{
		{"all in the body", good, "", ""},
		{"key in the header", `{"amount":1,"currency":"JPY","card":"tok_1a"}`, "k-1", ""},
		{"the same key twice", good, "k-1", ""},
		{"two keys", good, "k-2", "differ"},
		{"no key", `{"amount":1,"currency":"JPY","card":"tok_1a"}`, "", "an idempotency key is needed"},
		{"a key with a space", `{"amount":1,"currency":"JPY","card":"tok_1a"}`, "a b", "an idempotency key is needed"},
		{"a long key", `{"amount":1,"currency":"JPY","card":"tok_1a"}`, strings.Repeat("k", 256), "an idempotency key is needed"},
		{"nothing to pay", `{"amount":0,"currency":"EUR","card":"tok_1a"}`, "k", "amount is 0"},
		{"less than nothing", `{"amount":-5,"currency":"EUR","card":"tok_1a"}`, "k", "amount is -5"},
		{"too much", `{"amount":100000001,"currency":"EUR","card":"tok_1a"}`, "k", "amount is 100000001"},
		{"parts of a cent", `{"amount":1.5,"currency":"EUR","card":"tok_1a"}`, "k", "amount must be a whole number"},
		{"amount as text", `{"amount":"1","currency":"EUR","card":"tok_1a"}`, "k", "amount must be a whole number"},
		{"currency as number", `{"amount":1,"currency":978,"card":"tok_1a"}`, "k", "currency must be a text"},
		{"another currency", `{"amount":1,"currency":"XXX","card":"tok_1a"}`, "k", `currency is "XXX"`},
		{"another field", `{"amount":1,"cvc":"123"}`, "k", `no field "cvc"`},
		{"no JSON", `amount=1`, "k", "no JSON object"},
		{"null", `null`, "k", "amount is 0"},
		{"a list", `[]`, "k", "no JSON object"},
		{"two objects", good + good, "", "more than one"},
		{"nothing", ``, "k", "no JSON object"},
		{"too long", `{"card":"` + strings.Repeat("x", payment.MaxBody) + `"}`, "k", "more than"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := payment.Parse([]byte(tc.body), tc.key)
			if tc.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if _, ok := errors.AsType[*payment.InvalidError](err); !ok || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}

// A card's number that was sent in place of a token is repeated nowhere.
func TestParseRepeatsNoCard(t *testing.T) {
	const number = "4111111111111111"
	for _, body := range []string{
		`{"amount":1,"currency":"EUR","card":"` + number + `","idempotency_key":"k"}`,
		`{"amount":1,"currency":"EUR","card":` + number + `,"idempotency_key":"k"}`,
		`{"amount":1,"currency":"EUR","card":"` + number,
	} {
		if _, err := payment.Parse([]byte(body), ""); err == nil || strings.Contains(err.Error(), number) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"amount":1999,"currency":"EUR","card":"tok_1a","idempotency_key":"k-1"}`), "")
	f.Add([]byte(`{"amount":1e3}`), "k")
	f.Fuzz(func(t *testing.T, body []byte, key string) {
		r, err := payment.Parse(body, key)
		if err == nil && (r.Amount <= 0 || r.Key == "" || !strings.HasPrefix(r.Card, "tok_")) {
			t.Errorf("%+v is taken", r)
		}
	})
}
