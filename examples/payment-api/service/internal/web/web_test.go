package web_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/fault"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/payment"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/web"
)

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }
func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.now = c.now.Add(d)
	return ctx.Err()
}

// network takes 40 ms.
type network struct{ clock *clock }

func (n network) Authorize(ctx context.Context, r payment.Request) (payment.Approval, error) {
	return payment.Approval{Approved: r.Card != "tok_declined", Code: "00"}, n.clock.Sleep(ctx, 40*time.Millisecond)
}

type recorder struct{ got []web.Done }

func (r *recorder) Done(_ context.Context, d web.Done) { r.got = append(r.got, d) }

func TestHandler(t *testing.T) {
	const good = `{"amount":1,"currency":"EUR","card":"tok_1","idempotency_key":"k"}`
	for _, tc := range []struct {
		method, path, body, key string
		status                  int
		said                    string
		recorded                bool
	}{
		{"POST", "/process", good, "", 201, `"approved"`, true},
		{"POST", "/process", `{"amount":1,"currency":"EUR","card":"tok_1"}`, "k", 201, `"approved"`, true},
		{"POST", "/process", `{"amount":1,"currency":"EUR","card":"tok_declined"}`, "k", 402, `"declined"`, true},
		{"POST", "/process", `{"amount":1}`, "k", 400, "currency is", true},
		{"POST", "/process", strings.Repeat(" ", payment.MaxBody+1) + good, "k", 413, "too long", true},
		{"GET", "/process", "", "", 405, "", false},
		{"GET", "/health", "", "", 200, `"version":"1.2.3"`, false},
		{"POST", "/health", "", "", 405, "", false},
		{"GET", "/", "", "", 404, "", false},
	} {
		c, to := &clock{time.Unix(0, 0)}, &recorder{}
		s := &payment.Service{Network: network{c}, Faults: &fault.Switch{}, Clock: c, Draw: func() float64 { return 0.5 }, Version: "1.2.3", Memory: payment.NewMemory(10, time.Hour)}
		r, w := httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, strings.NewReader(tc.body)), httptest.NewRecorder()
		if tc.key != "" {
			r.Header.Set("Idempotency-Key", tc.key)
		}
		web.Handler(s, to).ServeHTTP(w, r)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.said) || len(to.got) == 1 != tc.recorded {
			t.Errorf("%s %s %.80s: %d %s, recorded %v", tc.method, tc.path, tc.body, w.Code, w.Body, to.got)
		}
		if tc.said != "" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("no JSON: %s", w.Body)
		}
		if tc.status == 201 && (to.got[0].Took != 40*time.Millisecond || to.got[0].Route != "POST /process" || to.got[0].Status != 201) {
			t.Errorf("recorded %+v", to.got[0])
		}
	}
}

func TestAdmin(t *testing.T) {
	var faults fault.Switch
	server := httptest.NewServer(web.Admin(&faults))
	t.Cleanup(server.Close)
	for _, tc := range []struct {
		method, body string
		status       int
		said, now    string
	}{
		{"GET", "", 200, `"none"`, "none"},
		{"PUT", "errors:0.5", 200, `"errors:0.5"`, "errors:0.5"},
		{"GET", "", 200, `"errors:0.5"`, "errors:0.5"},
		{"PUT", "chaos", 400, "no fault", "errors:0.5"},
		{"PUT", strings.Repeat("e", 2000), 400, "too large", "errors:0.5"},
		{"POST", "errors", 405, "", "errors:0.5"},
		{"PUT", "none", 200, `"none"`, "none"},
		{"PUT", "latency-tail", 200, "1.2s", "latency-tail:0.25:1.2s"},
		{"DELETE", "", 200, `"none"`, "none"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tc.method, server.URL+"/fault", strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != tc.status || !strings.Contains(string(text), tc.said) || faults.Plan().String() != tc.now {
			t.Errorf("%s %.20s: %d %s, now %v", tc.method, tc.body, res.StatusCode, text, faults.Plan())
		}
	}
}
