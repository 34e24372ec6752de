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

func open(t *testing.T, opt webhook.Options) (*notifytest.Receiver, *webhook.Target) {
	r := notifytest.NewReceiver(t)
	target, err := webhook.New(r.URL+"/services/"+secret, r.Client(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return r, target
}

func TestSuite(t *testing.T) {
	notifytest.Run(t, func(t *testing.T) notifytest.World {
		r, target := open(t, webhook.Options{})
		return r.World(target, secret, func(body string) string {
			var m notify.Message
			if err := json.Unmarshal([]byte(body), &m); err != nil {
				t.Error(err)
			}
			return m.Text()
		})
	})
}

func TestSuiteWithTemplate(t *testing.T) {
	notifytest.Run(t, func(t *testing.T) notifytest.World {
		r, target := open(t, webhook.Options{
			Template: `{"summary": {{json .Title}}, "text": {{json (join "\n" .Lines)}}{{with .Alert}}, "left": {{json (percent .Remaining)}}{{end}}}`,
			Header:   http.Header{"Authorization": {"Bearer " + secret}},
		})
		return r.World(target, secret, func(body string) string {
			var m struct{ Summary, Text, Left string }
			if err := json.Unmarshal([]byte(body), &m); err != nil {
				t.Error(err)
			}
			if got := r.Last.Get("Authorization"); got != "Bearer "+secret {
				t.Errorf("authorization %q", got)
			}
			return m.Summary + "\n" + m.Text
		})
	})
}

// TestSecretAddress checks that an address that may be a secret is in no error,
// wherever that comes from, and is sent nowhere else.
func TestSecretAddress(t *testing.T) {
	hits := 0
	r := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		hits++
		switch {
		case strings.HasSuffix(req.URL.Path, "/elsewhere"):
			t.Error("it follows a redirect")
		case hits == 1:
			http.Redirect(w, req, "/elsewhere", http.StatusFound)
		default:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, "no such path: "+req.URL.Path+"\x1b[31m")
		}
	}))
	t.Cleanup(r.Close)
	target, err := webhook.New(r.URL+"/"+secret, r.Client(), webhook.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Send(t.Context(), notifytest.Message()); fault.KindOf(err) != fault.Denied {
		t.Errorf("a redirect: %v", err)
	}
	err = target.Send(t.Context(), notifytest.Message())
	if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "\x1b") || !strings.Contains(err.Error(), "no such path") {
		t.Errorf("what the other side says: %v", err)
	}
	r.Close()
	if err := target.Send(t.Context(), notifytest.Message()); fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), secret) {
		t.Errorf("away: %v", err)
	}
	for _, bad := range []string{"", "http://example.com/" + secret, "https://", "ftp://example.com"} {
		if _, err := webhook.New(bad, http.DefaultClient, webhook.Options{}); fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := webhook.New(r.URL, http.DefaultClient, webhook.Options{Template: "{{"}); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}

// TestFaults is a network on a bad day.
func TestFaults(t *testing.T) {
	notifytest.Faults(t, func(url string, c *http.Client) (notify.Target, error) {
		return webhook.New(url, c, webhook.Options{})
	})
}
