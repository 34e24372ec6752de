package slack_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/notify/notifytest"
	"gitlab.com/nines-sre/nines/internal/notify/slack"
)

func TestSuite(t *testing.T) {
	valid := notifytest.Schema(t, "testdata/message.schema.json")
	notifytest.Run(t, func(t *testing.T) notifytest.World {
		r := notifytest.NewReceiver(t)
		const secret = "T00/B00/s3cret"
		target, err := slack.New(r.URL+"/services/"+secret, r.Client())
		if err != nil {
			t.Fatal(err)
		}
		return r.World(target, secret, func(body string) string {
			valid(body)
			var m struct {
				Text        string
				Attachments []struct {
					Color  string
					Blocks []struct {
						Type string
						Text struct{ Text string }
					}
				}
			}
			if err := json.Unmarshal([]byte(body), &m); err != nil {
				t.Error(err)
			}
			if strings.Contains(body, "<!channel>") || strings.Contains(body, `\u003c!channel`) {
				t.Errorf("it calls everybody: %s", body)
			}
			return m.Text
		})
	})
}

func TestColors(t *testing.T) {
	r := notifytest.NewReceiver(t)
	target, err := slack.New(r.URL, r.Client())
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []notify.Status{notify.Firing, notify.Resolved, notify.NoData} {
		if err := target.Send(t.Context(), notifytest.Alert(status)); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"#c62828", "#2e7d32", "#b26a00"} {
		if got := r.Bodies()[i]; !strings.Contains(got, want) || !strings.Contains(got, `"image_url":"https://nines.example.com/c.png"`) {
			t.Errorf("no %s: %s", want, got)
		}
	}
}

func TestFaults(t *testing.T) {
	notifytest.Faults(t, func(url string, c *http.Client) (notify.Target, error) { return slack.New(url, c) })
}
