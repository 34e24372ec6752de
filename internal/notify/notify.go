// Package notify holds what is told to people elsewhere (a pager, Slack, a
// webhook, a topic, an issue, mail), the words it is told in, and the port by
// which it is told.
package notify

import (
	"context"
	"strings"
	"time"
)

// Event is what happened.
type Event string

// The events.
const (
	Halt     Event = "halt"     // a deployment is held
	Override Event = "override" // somebody let one through
	Unproven Event = "unproven" // a rollback went that no record could vouch for
	Alerting Event = "alert"    // budget is being lost, or no longer: see Message.Alert
	Test     Event = "test"     // nothing happened: somebody tries a target
)

// Message is one thing to tell. Its fields are plain words; each target shows
// them in its own way.
type Message struct {
	Event       Event     `json:"event"`
	Title       string    `json:"title"` // one line
	Lines       []string  `json:"lines"` // what matters most, first
	Service     string    `json:"service"`
	Environment string    `json:"environment,omitempty"`
	Version     string    `json:"version,omitempty"`
	Actor       string    `json:"actor,omitempty"`
	Verdict     string    `json:"verdict,omitempty"`
	Decision    string    `json:"decision,omitempty"` // ID in the ledger
	URL         string    `json:"url,omitempty"`      // where more can be read
	At          time.Time `json:"at"`
	// Key is the same for the same thing told again.
	Key string `json:"key"`
	// Alert is what an alert is about; nil for everything else. [OfAlert] makes the
	// message of one.
	Alert *Alert `json:"alert,omitempty"`
	// Chart is the one picture that goes with it; nil: none.
	Chart *Chart `json:"chart,omitempty"`
}

// Chart is a picture, in the forms that targets can show.
type Chart struct {
	Alt string `json:"alt"`           // what it shows, in words
	URL string `json:"url,omitempty"` // where it can be seen; "": nowhere yet
	PNG []byte `json:"png,omitempty"`
	SVG []byte `json:"svg,omitempty"`
}

// Text is the message as plain text: the title, the lines, the address.
func (m *Message) Text() string {
	parts := append([]string{m.Title}, m.Lines...)
	if m.URL != "" {
		parts = append(parts, m.URL)
	}
	return strings.Join(parts, "\n")
}

// Incident is what targets that keep state know a thing by: an alert's incident,
// else the key.
func (m *Message) Incident() string {
	if m.Alert != nil && m.Alert.Incident != "" {
		return m.Alert.Incident
	}
	return m.Key
}

// Ends says whether the message says that something is over.
func (m *Message) Ends() bool {
	return m.Alert != nil && (m.Alert.Status == Resolved || m.Alert.Status == DataBack)
}

// Target is where messages go. Implementations pass the suite in notifytest.
// Errors are of package fault: those that Retry may be tried again, not before
// what [RetryAfter] says, and a message told twice is told twice.
type Target interface {
	Send(ctx context.Context, m Message) error
}

// Exchange is one thing that went over the wire and what came back, as text.
// Headers and words that authenticate are left out; other secrets are the
// reader's to mask.
type Exchange struct {
	To   string `json:"to"`
	Sent string `json:"sent"`
	Got  string `json:"got"`
}

// Watch is told of every exchange; nil: nobody looks.
type Watch func(Exchange)
