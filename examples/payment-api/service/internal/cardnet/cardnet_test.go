package cardnet_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/cardnet"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/fault"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/payment"
)

type stopwatch struct{ now time.Time }

func (c *stopwatch) Now() time.Time { return c.now }
func (c *stopwatch) Sleep(ctx context.Context, d time.Duration) error {
	c.now = c.now.Add(d)
	return ctx.Err()
}

// An ordinary day: nearly all answers within a quarter of a second, a few cards
// declined, hardly an outage; and a fault is added to that.
func TestNetwork(t *testing.T) {
	dice, clock, faults := rand.New(rand.NewPCG(1, 2)), &stopwatch{}, &fault.Switch{}
	n := &cardnet.Network{Clock: clock, Draw: dice.Float64, Faults: faults}
	ask := func(times int) (declined, outages, slow int) {
		for range times {
			before := clock.now
			a, err := n.Authorize(t.Context(), payment.Request{Card: "tok_1"})
			switch {
			case errors.Is(err, cardnet.ErrOutage):
				outages++
			case err != nil:
				t.Fatal(err)
			case !a.Approved:
				declined++
			}
			if clock.now.Sub(before) > 300*time.Millisecond {
				slow++
			}
		}
		return declined, outages, slow
	}
	if declined, outages, slow := ask(20_000); declined < 300 || declined > 500 || outages > 6 || slow > 40 {
		t.Errorf("of 20,000: %d declined, %d outages, %d slow", declined, outages, slow)
	}
	faults.Set(fault.Plan{{Kind: fault.SlowDependency, Rate: 1, Delay: time.Second}})
	if _, _, slow := ask(100); slow != 100 {
		t.Errorf("%d of 100 are slow", slow)
	}
	for token, code := range map[string]string{"tok_declined": "insufficient_funds", "tok_lost_1": "lost_card"} {
		for {
			a, err := n.Authorize(t.Context(), payment.Request{Card: token})
			if errors.Is(err, cardnet.ErrOutage) {
				continue
			}
			if a.Approved || a.Code != code {
				t.Errorf("%s: %+v", token, a)
			}
			break
		}
	}
}

type answer struct {
	a   payment.Approval
	err error
	ask payment.Request
}

func (n *answer) Authorize(_ context.Context, r payment.Request) (payment.Approval, error) {
	n.ask = r
	return n.a, n.err
}

// What the network says arrives at the other end of the wire.
func TestWire(t *testing.T) {
	n := &answer{a: payment.Approval{Approved: true, Code: "00"}}
	server := httptest.NewServer(cardnet.Handler(n))
	t.Cleanup(server.Close)
	client, err := cardnet.Dial(server.URL, http.DefaultTransport, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	asked := payment.Request{Amount: 1999, Currency: "EUR", Card: "tok_1", Key: "k"}
	if a, err := client.Authorize(t.Context(), asked); err != nil || a != n.a || n.ask != asked {
		t.Errorf("%+v %v, asked %+v", a, err, n.ask)
	}
	n.err = cardnet.ErrOutage
	if _, err := client.Authorize(t.Context(), asked); err == nil {
		t.Error("an outage is an answer")
	}
}

// A network that answers nonsense, or not in time, is one that did not answer.
func TestWireTrouble(t *testing.T) {
	hang := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/nonsense/", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })  //nolint:errcheck // as it comes
	mux.HandleFunc("/empty/", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })     //nolint:errcheck // as it comes
	mux.HandleFunc("/long/", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1<<20)) }) //nolint:errcheck // as it comes
	mux.HandleFunc("/hang/", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	for path, late := range map[string]bool{"nonsense": false, "empty": false, "long": false, "gone": false, "hang": true} {
		wait := time.Minute
		if late {
			wait = time.Millisecond
		}
		client, err := cardnet.Dial(server.URL+"/"+path, http.DefaultTransport, wait)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Authorize(t.Context(), payment.Request{}); err == nil || late != errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, url := range []string{"", "cards.example.com", "ftp://cards.example.com", "http://", "::"} {
		if _, err := cardnet.Dial(url, http.DefaultTransport, time.Minute); err == nil {
			t.Errorf("%q is dialled", url)
		}
	}
}
