// Package pagerduty tells an integration of PagerDuty by its Events API v2. An
// incident's messages carry the same key, so that PagerDuty keeps them together
// and closes what is over. It is an adapter of notify.
package pagerduty

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/webpost"
)

// Address is where events go; accounts of Europe have another,
// https://events.eu.pagerduty.com/v2/enqueue.
const Address = "https://events.pagerduty.com/v2/enqueue"

// What an event may be. (PagerDuty, "Events API v2 Overview" and "PD-CEF".)
const (
	maxKey     = 255
	maxSummary = 1024
	keyLength  = 32 // of an integration key
)

// Target posts events.
type Target struct {
	post *webpost.Poster
	key  string
}

// New returns the target of an integration key; address "" is [Address].
func New(address, key string, client *http.Client) (*Target, error) {
	if address == "" {
		address = Address
	}
	if key = strings.TrimSpace(key); len(key) != keyLength {
		return nil, fault.New(fault.Invalid, "tell PagerDuty", "its integration key has not 32 letters", "copy the key of an integration of type Events API v2")
	}
	post, err := webpost.New(address, client, key)
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	return &Target{post, key}, nil
}

// event is what is posted.
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"`
	DedupKey   string   `json:"dedup_key"`
	Payload    *payload `json:"payload,omitempty"`
	Client     string   `json:"client,omitempty"`
	ClientURL  string   `json:"client_url,omitempty"`
	Links      []link   `json:"links,omitempty"`
	Images     []image  `json:"images,omitempty"`
}

type payload struct {
	Summary   string         `json:"summary"`
	Source    string         `json:"source"`
	Severity  string         `json:"severity"`
	Timestamp string         `json:"timestamp,omitempty"`
	Component string         `json:"component,omitempty"`
	Group     string         `json:"group,omitempty"`
	Class     string         `json:"class,omitempty"`
	Details   map[string]any `json:"custom_details"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text,omitempty"`
}

type image struct {
	Src  string `json:"src"`
	Href string `json:"href,omitempty"`
	Alt  string `json:"alt,omitempty"`
}

// Send implements notify.Target.
func (t *Target) Send(ctx context.Context, m notify.Message) error {
	body, err := json.Marshal(t.event(&m))
	if err != nil {
		return fault.Wrap(fault.Internal, t.post.Op(), err, "")
	}
	_, err = t.post.Post(ctx, webpost.Call{Body: body, Key: m.Key})
	return err //nolint:wrapcheck // says all there is to say
}

func (t *Target) event(m *notify.Message) event {
	e := event{RoutingKey: t.key, Action: "trigger", DedupKey: dedup(m.Incident())}
	if m.Ends() {
		e.Action = "resolve"
	}
	source := m.Service
	if m.Alert != nil && m.Alert.Objective != "" {
		source = m.Alert.Objective
	}
	if source == "" {
		source = "nines"
	}
	e.Payload = &payload{
		Summary: clip(m.Title), Source: source, Severity: severity(m), Component: m.Service, Class: string(m.Event),
		Details: map[string]any{"lines": m.Lines},
	}
	if e.Payload.Summary == "" {
		e.Payload.Summary = "nines: " + string(m.Event)
	}
	if !m.At.IsZero() {
		e.Payload.Timestamp = m.At.UTC().Format(time.RFC3339)
	}
	if m.Alert != nil {
		e.Payload.Details["alert"], e.Payload.Group = m.Alert, m.Alert.SLO
	}
	if strings.HasPrefix(m.URL, "https://") {
		e.Client, e.ClientURL, e.Links = "Nines", m.URL, []link{{m.URL, "more about it"}}
	}
	if c := m.Chart; c != nil && strings.HasPrefix(c.URL, "https://") { // nothing else is shown
		e.Images = []image{{Src: c.URL, Alt: c.Alt}}
	}
	return e
}

// severity is PagerDuty's word.
func severity(m *notify.Message) string {
	switch {
	case m.Alert != nil && m.Alert.Severity == notify.Page && m.Alert.Status == notify.Firing:
		return "critical"
	case m.Event == notify.Override || m.Event == notify.Test || m.Ends():
		return "info"
	}
	return "warning"
}

// dedup is a key that is not too long, and still the same for the same.
func dedup(key string) string {
	if len(key) <= maxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return strings.ToValidUTF8(key[:maxKey-65], "") + "/" + hex.EncodeToString(sum[:])
}

func clip(s string) string {
	r := []rune(s)
	return string(r[:min(len(r), maxSummary)])
}
