// Package slack tells a channel of Slack by its incoming webhook. It is an
// adapter of notify.
package slack

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/webpost"
)

// What one message may be. (Slack, "Reference: blocks"; "Retrieving messages".)
const (
	maxHeader  = 150
	maxSection = 3000
	maxAlt     = 2000
	maxText    = 4000 // recommended; 40000 are cut
	maxURL     = 3000
)

// Target posts to a webhook's address, which is a secret.
type Target struct{ post *webpost.Poster }

// New returns the target. client should have a timeout.
func New(address string, client *http.Client) (*Target, error) {
	post, err := webpost.New(address, client)
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	return &Target{post}, nil
}

// payload is a message as an incoming webhook takes it: text is what a
// notification shows and what stands where blocks cannot be shown.
type payload struct {
	Text        string       `json:"text"`
	UnfurlLinks bool         `json:"unfurl_links"`
	Attachments []attachment `json:"attachments"`
}

// attachment is blocks with a bar of a colour beside them. Fallback is for old
// clients.
type attachment struct {
	Color  string  `json:"color"`
	Blocks []block `json:"blocks"`
}

type block struct {
	Type     string `json:"type"`
	Text     *text  `json:"text,omitempty"`
	ImageURL string `json:"image_url,omitempty"`
	AltText  string `json:"alt_text,omitempty"`
}

type text struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// Send implements notify.Target.
func (t *Target) Send(ctx context.Context, m notify.Message) error {
	body, err := json.Marshal(payloadOf(&m))
	if err != nil {
		return fault.Wrap(fault.Internal, t.post.Op(), err, "")
	}
	_, err = t.post.Post(ctx, webpost.Call{Body: body, Key: m.Key})
	return err //nolint:wrapcheck // says all there is to say
}

func payloadOf(m *notify.Message) payload {
	lines := make([]string, 0, len(m.Lines)+1)
	for _, line := range m.Lines {
		lines = append(lines, "• "+escape(line))
	}
	if m.URL != "" {
		lines = append(lines, escape(m.URL))
	}
	blocks := []block{{Type: "header", Text: &text{"plain_text", clip(or(m.Title, "(no title)"), maxHeader)}}}
	if body := clip(strings.Join(lines, "\n"), maxSection); body != "" {
		blocks = append(blocks, block{Type: "section", Text: &text{"mrkdwn", body}})
	}
	if c := m.Chart; c != nil && strings.HasPrefix(c.URL, "https://") && len(c.URL) <= maxURL {
		blocks = append(blocks, block{Type: "image", ImageURL: c.URL, AltText: clip(or(c.Alt, "a chart"), maxAlt)})
	}
	all := append([]string{"*" + escape(m.Title) + "*"}, lines...)
	return payload{Text: clip(strings.Join(all, "\n"), maxText), Attachments: []attachment{{color(m), blocks}}}
}

func color(m *notify.Message) string {
	switch {
	case m.Ends():
		return "#2e7d32"
	case m.Alert != nil && m.Alert.Severity == notify.Page && m.Alert.Status == notify.Firing:
		return "#c62828"
	}
	return "#b26a00"
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// escape takes their meaning from Slack's three special letters, so that text of
// others mentions nobody (<!channel>) and links nothing.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// clip cuts to so many letters.
func clip(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-3]) + "..."
}
