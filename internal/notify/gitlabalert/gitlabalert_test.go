package gitlabalert_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/notify/gitlabalert"
	"gitlab.com/nines-sre/nines/internal/notify/notifytest"
)

const key = "authorization-s3cret"

type alert struct {
	Title, Description, Severity, Fingerprint, Details string
	Start                                              string `json:"start_time"`
	End                                                string `json:"end_time"`
}

func read(t *testing.T, body string) (a alert) {
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		t.Error(err)
	}
	return a
}

func TestSuite(t *testing.T) {
	valid := notifytest.Schema(t, "testdata/alert.schema.json")
	notifytest.Run(t, func(t *testing.T) notifytest.World {
		r := notifytest.NewReceiver(t)
		r.Answer = `{"message": "no access with ` + key + `"}`
		target, err := gitlabalert.New(r.URL+"/shop/pay/alerts/notify/nines/1234567890abcdef.json", key, r.Client(), false)
		if err != nil {
			t.Fatal(err)
		}
		return r.World(target, key, func(body string) string {
			valid(body)
			if got := r.Last.Get("Authorization"); got != "Bearer "+key {
				t.Errorf("authorization %q", got)
			}
			a := read(t, body)
			return a.Title + "\n" + a.Description
		})
	})
}

// TestLife checks severities, and that what is over resolves what was opened.
func TestLife(t *testing.T) {
	ticket := notifytest.Alert(notify.Firing)
	ticket.Alert.Severity = notify.Ticket
	override := notifytest.Message()
	override.Event = notify.Override
	messages := []notify.Message{notifytest.Alert(notify.Firing), notifytest.Alert(notify.Resolved), ticket, notifytest.Message(), override}
	for critical, want := range map[bool][]string{
		false: {"high", "high", "medium", "medium", "info"},
		true:  {"critical", "critical", "medium", "medium", "info"},
	} {
		r := notifytest.NewReceiver(t)
		target, err := gitlabalert.New(r.URL, key, r.Client(), critical)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range messages {
			if err := target.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if got := read(t, r.Bodies()[i]); got.Severity != want[i] || (got.End != "") != (i == 1) {
				t.Errorf("critical %v, message %d: %+v", critical, i, got)
			}
		}
		first, second := read(t, r.Bodies()[0]), read(t, r.Bodies()[1])
		if first.Fingerprint != second.Fingerprint || first.Start != "2026-01-02T02:58:05Z" || second.End != "2026-01-02T03:04:05Z" {
			t.Errorf("%+v %+v", first, second)
		}
	}
}

func TestKeys(t *testing.T) {
	if _, err := gitlabalert.New("https://gitlab.example.com", " ", http.DefaultClient, false); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}

func TestFaults(t *testing.T) {
	notifytest.Faults(t, func(url string, c *http.Client) (notify.Target, error) { return gitlabalert.New(url, key, c, false) })
}
