package alertmanager_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/notify/alertmanager"
	"gitlab.com/nines-sre/nines/internal/notify/notifytest"
	"gitlab.com/nines-sre/nines/internal/testkit/alertmanagerd"
)

type alert struct {
	Labels, Annotations map[string]string
	StartsAt, EndsAt    string
}

func TestSuite(t *testing.T) {
	valid := notifytest.Schema(t, "testdata/alerts.schema.json")
	notifytest.Run(t, func(t *testing.T) notifytest.World {
		r := notifytest.NewReceiver(t)
		target, err := alertmanager.New(r.URL+"/", "bearer-s3cret", r.Client())
		if err != nil {
			t.Fatal(err)
		}
		return r.World(target, "bearer-s3cret", func(body string) string {
			valid(body)
			if got := r.Last.Get("Authorization"); got != "Bearer bearer-s3cret" {
				t.Errorf("authorization %q", got)
			}
			var a []alert
			if err := json.Unmarshal([]byte(body), &a); err != nil || len(a) != 1 {
				t.Fatalf("%v %s", err, body)
			}
			return a[0].Annotations["summary"] + "\n" + a[0].Annotations["description"]
		})
	})
}

func TestFaults(t *testing.T) {
	notifytest.Faults(t, func(url string, c *http.Client) (notify.Target, error) { return alertmanager.New(url, "", c) })
}

// TestReal holds the target against a real Alertmanager: an alert fires there
// once, and is over when we say so.
func TestReal(t *testing.T) {
	type notice struct{ Status string }
	notices := make(chan notice, 8)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n notice
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Error(err)
		}
		notices <- n
	}))
	t.Cleanup(hook.Close)
	target, err := alertmanager.New(alertmanagerd.Start(t, hook.URL), "", &http.Client{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	// Its clock is the real one: what began in 2026 and lasts three days is over
	// by then, unless the alert is of now.
	now := time.Now()
	for _, status := range []notify.Status{notify.Firing, notify.Resolved} {
		m := notify.Sample(status, notify.Page, now)
		m.Chart = notifytest.Alert(status).Chart
		if err := target.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		select {
		case n := <-notices:
			if n.Status != string(status) {
				t.Errorf("it says %s, want %s", n.Status, status)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("it says nothing of %s", status)
		}
	}
	empty := notify.Message{Event: notify.Halt, At: now, Key: "k"}
	if err := target.Send(t.Context(), empty); err != nil {
		t.Errorf("a message with nothing in it: %v", err)
	}
}
