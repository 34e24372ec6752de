package pagerduty_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/notify/notifytest"
	"gitlab.com/nines-sre/nines/internal/notify/pagerduty"
)

const key = "0123456789abcdef0123456789s3cret"

type event struct {
	Action   string `json:"event_action"`
	DedupKey string `json:"dedup_key"`
	Payload  struct {
		Summary, Severity, Source string
		Details                   struct{ Lines []string } `json:"custom_details"`
	}
}

func read(t *testing.T, body string) (e event) {
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Error(err)
	}
	return e
}

func TestSuite(t *testing.T) {
	valid := notifytest.Schema(t, "testdata/event.schema.json")
	notifytest.Run(t, func(t *testing.T) notifytest.World {
		r := notifytest.NewReceiver(t)
		r.Answer = `{"status":"invalid event","message":"Event object is invalid","errors":["routing_key ` + key + ` is wrong"]}`
		target, err := pagerduty.New(r.URL+"/v2/enqueue", key, r.Client())
		if err != nil {
			t.Fatal(err)
		}
		return r.World(target, key, func(body string) string {
			valid(body)
			e := read(t, body)
			return e.Payload.Summary + "\n" + strings.Join(e.Payload.Details.Lines, "\n")
		})
	})
}

// TestLife checks that what is over closes what was opened, and wakes nobody.
func TestLife(t *testing.T) {
	r := notifytest.NewReceiver(t)
	target, err := pagerduty.New(r.URL, key, r.Client())
	if err != nil {
		t.Fatal(err)
	}
	long := notifytest.Alert(notify.Firing)
	long.Alert.Incident = strings.Repeat("a", 300)
	other := notifytest.Alert(notify.Resolved)
	other.Alert.Incident = strings.Repeat("a", 301)
	ticket := notifytest.Alert(notify.Firing)
	ticket.Alert.Severity = notify.Ticket
	for _, m := range []notify.Message{notifytest.Alert(notify.Firing), notifytest.Alert(notify.Resolved), long, other, ticket, notifytest.Message()} {
		if err := target.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	var got []event
	for _, b := range r.Bodies() {
		got = append(got, read(t, b))
	}
	if got[0].Action != "trigger" || got[1].Action != "resolve" || got[0].DedupKey != got[1].DedupKey || got[0].Payload.Severity != "critical" {
		t.Errorf("%+v", got[:2])
	}
	if got[2].DedupKey == got[3].DedupKey {
		t.Error("two incidents with long names are one")
	}
	if got[4].Payload.Severity != "warning" || got[5].Payload.Severity != "warning" {
		t.Errorf("%+v", got[4:])
	}
}

func TestKeys(t *testing.T) {
	for _, bad := range []string{"", "short", key + "x"} {
		if _, err := pagerduty.New("", bad, http.DefaultClient); fault.KindOf(err) != fault.Invalid || (bad != "" && strings.Contains(err.Error(), bad)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := pagerduty.New("", key+"\n", http.DefaultClient); err != nil {
		t.Error(err)
	}
	if _, err := pagerduty.New("http://example.com", key, http.DefaultClient); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}

func TestFaults(t *testing.T) {
	notifytest.Faults(t, func(url string, c *http.Client) (notify.Target, error) { return pagerduty.New(url, key, c) })
}
