package lambdahost_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/memory"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// outage is a source whose last hour is bad.
func outage(at time.Time) *trouble {
	mem := memory.New(metric.Caps{Period: 1, Lag: 3, Settle: 15, MaxAge: 10})
	for _, name := range []string{"good", "total"} {
		values := make([]slo.Amount, slo.Day+slo.Hour)
		for i := range values {
			values[i] = slo.Events(100)
			if name == "good" && slo.Minute(i) >= slo.Day-30 {
				values[i] = slo.Events(28)
			}
		}
		mem.Line(name, slo.MinuteOf(at)-slo.Day, 1, values...)
	}
	return &trouble{Source: mem}
}

// pager keeps what arrives, and leaves it without an answer while it is slow.
type pager struct {
	mu   sync.Mutex
	slow bool
	got  []string
}

// ServeHTTP implements http.Handler.
func (p *pager) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var m struct {
		Alert struct {
			Status string
			Again  bool
		}
	}
	_ = json.Unmarshal(body, &m)
	p.mu.Lock()
	slow := p.slow
	if m.Alert.Again {
		m.Alert.Status += " again"
	}
	p.got = append(p.got, m.Alert.Status)
	p.mu.Unlock()
	if slow {
		<-r.Context().Done()
	}
}

func (p *pager) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.got, ", ")
}

// paging is a function with an outage and a pager.
func paging(t *testing.T) (*world, *pager) {
	t.Helper()
	w, p := start(t), &pager{}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	w.env["PAGER"] = srv.URL + "/hook"
	w.write(strings.Replace(document, "spec: {publish:", "spec: {alerts: {page: [\"webhook:$PAGER\"]}, publish:", 1))
	w.src = outage(now)
	return w, p
}

// TestAlert: an invocation that measures tells of what burns, once.
func TestAlert(t *testing.T) {
	w, p := paging(t)
	w.must(`{}`)
	w.now = now.Add(time.Minute)
	w.must(`{}`)
	w.fresh()
	w.now = now.Add(2 * time.Minute)
	w.must(`{}`)
	if got := p.said(); got != "firing" {
		t.Errorf("the pager got %q\n%s", got, w.log.String())
	}
	if l := w.lines("alert"); len(l) != 2 || l[0]["kind"] != "opened" || l[1]["kind"] != "held_back" {
		t.Errorf("the log says %v", l)
	}
}

// TestAlertTime: a pager that does not answer costs no invocation its time; it is
// told again, with the word that it may have been before.
func TestAlertTime(t *testing.T) {
	w, p := paging(t)
	p.slow = true
	// The function's clock and the deadline's must agree, as they do on Lambda.
	began := time.Now()
	ctx, cancel := context.WithDeadline(t.Context(), began.Add(6*time.Second))
	defer cancel()
	w.clock = time.Now
	w.src = outage(began)
	a, err := w.handle(ctx, json.RawMessage(`{}`))
	if err != nil || !a.OK || ctx.Err() != nil || len(w.lines("not told")) != 1 || len(w.lines("")) == 0 {
		t.Fatalf("%+v, %v, deadline %v\n%s", a, err, ctx.Err(), w.log.String())
	}
	p.mu.Lock()
	p.slow = false
	p.mu.Unlock()
	w.clock = func() time.Time { return began.Add(2 * time.Minute) }
	w.must(`{}`)
	if got := p.said(); got != "firing, firing again" {
		t.Errorf("the pager got %q\n%s", got, w.log.String())
	}
}
