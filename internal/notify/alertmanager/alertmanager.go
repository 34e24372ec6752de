// Package alertmanager tells an Alertmanager by its API v2, for those who route
// there. It is an adapter of notify.
package alertmanager

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/webpost"
)

// lasts is for how long Alertmanager takes an alert to fire. It is told once,
// not every minute as Prometheus does, so this must outlast an incident; one
// whose end could not be told ends by itself then.
const lasts = 3 * 24 * time.Hour

// Target posts alerts.
type Target struct {
	post *webpost.Poster
	key  string
}

// New returns the target of an Alertmanager's address, as
// "https://alertmanager.example.com"; key is a bearer token for a proxy before
// it, "" for none.
func New(address, key string, client *http.Client) (*Target, error) {
	key = strings.TrimSpace(key)
	post, err := webpost.New(strings.TrimSuffix(address, "/")+"/api/v2/alerts", client, key)
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	return &Target{post, key}, nil
}

// alert is a postableAlert of the API.
type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     string            `json:"startsAt,omitempty"`
	EndsAt       string            `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// Send implements notify.Target.
func (t *Target) Send(ctx context.Context, m notify.Message) error {
	body, err := json.Marshal([]alert{alertOf(&m)})
	if err != nil {
		return fault.Wrap(fault.Internal, t.post.Op(), err, "")
	}
	h := http.Header{}
	if t.key != "" {
		h.Set("Authorization", "Bearer "+t.key)
	}
	_, err = t.post.Post(ctx, webpost.Call{Body: body, Key: m.Key, Header: h})
	return err //nolint:wrapcheck // says all there is to say
}

// alertOf makes the alert. Its labels are what Alertmanager knows an alert by:
// they must be the same when it is over.
func alertOf(m *notify.Message) alert {
	labels := map[string]string{"alertname": "Nines", "event": string(m.Event)}
	set := func(name, value string) {
		if value != "" { // an empty label is no label
			labels[name] = strings.ToValidUTF8(value, "\uFFFD")
		}
	}
	set("service", m.Service)
	set("environment", m.Environment)
	set("incident", m.Incident())
	at := m.At
	if a := m.Alert; a != nil {
		for name, value := range a.Labels {
			if _, taken := labels[name]; !taken && labelName().MatchString(name) {
				set(name, value)
			}
		}
		set("severity", a.Severity)
		set("slo", a.SLO)
		set("objective", a.Objective)
		if !a.StartsAt.IsZero() {
			at = a.StartsAt
		}
	}
	out := alert{
		Labels:      labels,
		Annotations: map[string]string{"summary": m.Title, "description": strings.Join(m.Lines, "\n")},
		EndsAt:      m.At.Add(lasts).UTC().Format(time.RFC3339),
	}
	if !at.IsZero() {
		out.StartsAt = at.UTC().Format(time.RFC3339)
	}
	if m.Ends() {
		end := m.At
		if !m.Alert.EndsAt.IsZero() {
			end = m.Alert.EndsAt
		}
		out.EndsAt = end.UTC().Format(time.RFC3339)
	}
	if strings.HasPrefix(m.URL, "http") {
		out.GeneratorURL = m.URL
	}
	for name, text := range out.Annotations {
		if text = strings.ToValidUTF8(text, "\uFFFD"); text == "" {
			delete(out.Annotations, name)
		} else {
			out.Annotations[name] = text
		}
	}
	return out
}

func labelName() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`) }
