package webhook_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/notify/notifytest"
	"gitlab.com/nines-sre/nines/internal/notify/webhook"
)

const secret = "T00/B00/s3cret"

// receiver is the other side.
type receiver struct {
	*httptest.Server
	status int
	bodies []string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: http.StatusOK}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if r.status == http.StatusOK {
			r.bodies = append(r.bodies, string(body))
		}
		if r.status == http.StatusFound {
			http.Redirect(w, req, "https://example.com/", r.status)
			return
		}
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func world(t *testing.T, open func(string, *http.Client) (*webhook.Target, error), read func(string) string) notifytest.World {
	r := newReceiver(t)
	target, err := open(r.URL+"/services/"+secret, r.Client())
	if err != nil {
		t.Fatal(err)
	}
	return notifytest.World{
		Target: target, Secret: secret,
		Got: func() (out []string) {
			for _, b := range r.bodies {
				out = append(out, read(b))
			}
			return out
		},
		Fail: func(kind fault.Kind) {
			r.status = map[fault.Kind]int{fault.Unavailable: 503, fault.Throttled: 429, fault.Denied: 404, fault.Internal: 200}[kind]
		},
	}
}

func TestWebhook(t *testing.T) {
	notifytest.Run(t, func(t *testing.T) notifytest.World {
		return world(t, webhook.New, func(body string) string {
			var m notify.Message
			if err := json.Unmarshal([]byte(body), &m); err != nil {
				t.Error(err)
			}
			return m.Text()
		})
	})
}

func TestSlack(t *testing.T) {
	notifytest.Run(t, func(t *testing.T) notifytest.World {
		return world(t, webhook.NewSlack, func(body string) string {
			var m struct{ Text string }
			if err := json.Unmarshal([]byte(body), &m); err != nil {
				t.Error(err)
			}
			if strings.Contains(m.Text, "<!channel>") {
				t.Errorf("it calls everybody: %s", m.Text)
			}
			return m.Text
		})
	})
}

// TestSecretAddress checks that an address that may be a secret is in no error,
// wherever that comes from, and is sent nowhere else.
func TestSecretAddress(t *testing.T) {
	r := newReceiver(t)
	target, err := webhook.New(r.URL+"/"+secret, r.Client())
	if err != nil {
		t.Fatal(err)
	}
	r.status = http.StatusFound
	if err := target.Send(t.Context(), notifytest.Message()); fault.KindOf(err) != fault.Denied {
		t.Errorf("a redirect: %v", err)
	}
	r.Close()
	if err := target.Send(t.Context(), notifytest.Message()); fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), secret) {
		t.Errorf("away: %v", err)
	}
	for _, bad := range []string{"", "http://example.com/" + secret, "https://", "ftp://example.com"} {
		if _, err := webhook.New(bad, http.DefaultClient); fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
