// Package notify holds what is told to people elsewhere (Slack, a webhook, a
// topic, an issue) and the port by which it is told.
package notify

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Event is what happened.
type Event string

// The events.
const (
	Halt     Event = "halt"     // a deployment is held
	Override Event = "override" // somebody let one through
	Unproven Event = "unproven" // a rollback went that no record could vouch for
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
	Verdict     string    `json:"verdict"`
	Decision    string    `json:"decision,omitempty"` // ID in the ledger
	URL         string    `json:"url,omitempty"`      // where more can be read
	At          time.Time `json:"at"`
	// Key is the same for the same thing told again.
	Key string `json:"key"`
}

// Text is the message as plain text: the title, the lines, the address.
func (m *Message) Text() string {
	parts := append([]string{m.Title}, m.Lines...)
	if m.URL != "" {
		parts = append(parts, m.URL)
	}
	return strings.Join(parts, "\n")
}

// Target is where messages go. Implementations pass the suite in notifytest.
// Errors are of package fault: those that Retry may be tried again, and a
// message told twice is told twice.
type Target interface {
	Send(ctx context.Context, m Message) error
}

// Kind is a kind of target.
type Kind string

// The kinds.
const (
	Webhook     Kind = "webhook"
	Slack       Kind = "slack"
	SNS         Kind = "sns"
	GitLabIssue Kind = "gitlab-issue"
)

// Address is a target as documents write it, read.
type Address struct {
	Kind Kind
	// Value is a web address or the name of a topic (ARN).
	Value string
	// Variable names the variable that holds the address, which is a secret
	// there; then Value is empty.
	Variable string
}

// Parse reads an address:
//
//	https://example.com/hook             a webhook
//	slack://hooks.slack.com/services/... a Slack webhook
//	webhook:$NAME, slack:$NAME           one whose address a variable holds
//	sns:arn:aws:sns:REGION:ACCOUNT:NAME  a topic
//	gitlab-issue                         an issue in the project
//
// The error is of kind Invalid and does not repeat what may be a secret.
func Parse(s string) (Address, error) {
	scheme, rest, _ := strings.Cut(s, ":")
	bad := fault.New(fault.Invalid, "notify "+scheme, "it is not an address that can be told anything",
		"write https://..., slack://..., webhook:$NAME, slack:$NAME, sns:arn:... or gitlab-issue")
	if s == string(GitLabIssue) {
		return Address{Kind: GitLabIssue}, nil
	}
	if name, ok := strings.CutPrefix(rest, "$"); ok {
		if !slices.Contains([]Kind{Webhook, Slack}, Kind(scheme)) || !variable().MatchString(name) {
			return Address{}, bad
		}
		return Address{Kind: Kind(scheme), Variable: name}, nil
	}
	switch scheme {
	case "https":
		return web(Webhook, s, bad)
	case "slack":
		return web(Slack, "https:"+rest, bad)
	case "sns":
		if !topic().MatchString(rest) {
			return Address{}, bad
		}
		return Address{Kind: SNS, Value: rest}, nil
	}
	return Address{}, bad
}

func variable() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) }

func topic() *regexp.Regexp {
	return regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$`)
}

// web checks a web address; nothing is told unencrypted.
func web(kind Kind, address string, bad error) (Address, error) {
	if err := CheckWeb(address); err != nil {
		return Address{}, bad
	}
	return Address{Kind: kind, Value: address}, nil
}

// CheckWeb says whether something may be sent to an address: https, or this
// very machine.
func CheckWeb(address string) error {
	u, err := url.Parse(address)
	local := err == nil && u.Scheme == "http" && (u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127."))
	if err != nil || u.Host == "" || (u.Scheme != "https" && !local) {
		return fault.New(fault.Invalid, "notify", "its address is no https address", "")
	}
	return nil
}

// String names an address without what may be a secret in it.
func (a Address) String() string {
	switch {
	case a.Variable != "":
		return fmt.Sprintf("%s:$%s", a.Kind, a.Variable)
	case a.Kind == Webhook || a.Kind == Slack:
		if u, err := url.Parse(a.Value); err == nil {
			return fmt.Sprintf("%s at %s", a.Kind, u.Host)
		}
		return string(a.Kind)
	case a.Value != "":
		return fmt.Sprintf("%s:%s", a.Kind, a.Value)
	}
	return string(a.Kind)
}
