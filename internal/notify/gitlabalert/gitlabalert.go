// Package gitlabalert tells an alert endpoint of a GitLab project. An incident's
// messages carry the same fingerprint; the last one says when it ended, which
// resolves the alert. It is an adapter of notify.
package gitlabalert

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/webpost"
)

// What GitLab keeps of an alert. (Its model of an alert; "Generic alert JSON
// payloads" of "Instance limits" allows 1 MB of payload.)
const (
	maxTitle       = 200
	maxDescription = 1000
	maxService     = 100
)

// Target posts alerts.
type Target struct {
	post     *webpost.Poster
	key      string
	critical bool
}

// New returns the target of an endpoint and its authorization key. critical lets
// pages be "critical", at which GitLab may roll an environment back by itself.
func New(address, key string, client *http.Client, critical bool) (*Target, error) {
	if key = strings.TrimSpace(key); key == "" {
		return nil, fault.New(fault.Invalid, "tell GitLab", "the endpoint's authorization key is empty", "copy it from the integration's credentials")
	}
	post, err := webpost.New(address, client, key)
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	return &Target{post, key, critical}, nil
}

// alert is what is posted. Fields that GitLab does not know are shown with the
// alert.
type alert struct {
	Title       string         `json:"title"`
	Description string         `json:"description,omitempty"`
	StartTime   string         `json:"start_time,omitempty"`
	EndTime     string         `json:"end_time,omitempty"`
	Service     string         `json:"service,omitempty"`
	Tool        string         `json:"monitoring_tool"`
	Severity    string         `json:"severity"`
	Fingerprint string         `json:"fingerprint"`
	Environment string         `json:"gitlab_environment_name,omitempty"`
	Details     string         `json:"details,omitempty"`
	Alert       map[string]any `json:"nines,omitempty"`
	URL         string         `json:"url,omitempty"`
}

// Send implements notify.Target.
func (t *Target) Send(ctx context.Context, m notify.Message) error {
	a, err := t.alert(&m)
	if err != nil {
		return fault.Wrap(fault.Internal, t.post.Op(), err, "")
	}
	body, err := json.Marshal(a)
	if err != nil {
		return fault.Wrap(fault.Internal, t.post.Op(), err, "")
	}
	_, err = t.post.Post(ctx, webpost.Call{Body: body, Key: m.Key, Header: http.Header{"Authorization": {"Bearer " + t.key}}})
	return err //nolint:wrapcheck // says all there is to say
}

func (t *Target) alert(m *notify.Message) (alert, error) {
	a := alert{
		Title: clip(m.Title, maxTitle), Description: clip(strings.Join(m.Lines, "\n"), maxDescription),
		Service: clip(m.Service, maxService), Tool: "Nines", Severity: t.severity(m), Fingerprint: m.Incident(),
		Environment: m.Environment, URL: m.URL,
	}
	if len([]rune(a.Description)) < len([]rune(strings.Join(m.Lines, "\n"))) {
		a.Details = strings.Join(m.Lines, "\n")
	}
	start := m.At
	if m.Alert != nil {
		if !m.Alert.StartsAt.IsZero() {
			start = m.Alert.StartsAt
		}
		data, err := json.Marshal(m.Alert)
		if err != nil {
			return a, err //nolint:wrapcheck // wrapped by the caller
		}
		if err := json.Unmarshal(data, &a.Alert); err != nil {
			return a, err //nolint:wrapcheck // wrapped by the caller
		}
	}
	a.StartTime = instant(start)
	if m.Ends() {
		a.EndTime = instant(m.At)
		if !m.Alert.EndsAt.IsZero() {
			a.EndTime = instant(m.Alert.EndsAt)
		}
	}
	return a, nil
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// severity is GitLab's word; what is missing or unknown it takes for critical.
func (t *Target) severity(m *notify.Message) string {
	switch {
	case m.Alert != nil && m.Alert.Severity == notify.Page && t.critical:
		return "critical"
	case m.Alert != nil && m.Alert.Severity == notify.Page:
		return "high"
	case m.Alert != nil || m.Event == notify.Halt:
		return "medium"
	}
	return "info"
}

func clip(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-3]) + "..."
}
