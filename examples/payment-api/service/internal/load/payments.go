package load

import (
	"encoding/json"
	"strconv"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/payment"
)

// Payments makes requests, each with a key of its own.
type Payments struct {
	prefix string
	draw   func() float64
	n      int
}

// NewPayments makes requests whose keys begin with prefix.
func NewPayments(prefix string, draw func() float64) *Payments { return &Payments{prefix, draw, 0} }

// Next is the next request's body.
func (p *Payments) Next() []byte {
	p.n++
	currencies := [...]string{"EUR", "EUR", "EUR", "USD", "GBP", "CHF"}
	body, _ := json.Marshal(payment.Request{ // texts and numbers always can be
		Amount: 100 + int64(p.draw()*19_900), Currency: currencies[int(p.draw()*float64(len(currencies)))],
		Card: "tok_" + strconv.FormatInt(int64(p.draw()*1e6), 36), Key: p.prefix + "-" + strconv.Itoa(p.n),
	})
	return body
}
