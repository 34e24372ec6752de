// Package webhook tells a web address: the message as JSON, or as Slack reads
// it. It is an adapter of notify.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
)

// Target posts to an address, which may be a secret: it stands in no error.
type Target struct {
	address string
	host    string
	client  *http.Client
	body    func(notify.Message) any
}

// New returns a target that gets the message as JSON, all fields of it. client
// should have a timeout.
func New(address string, client *http.Client) (*Target, error) {
	return open(address, client, func(m notify.Message) any { return m })
}

// NewSlack returns a target that gets it as a Slack webhook reads it.
func NewSlack(address string, client *http.Client) (*Target, error) {
	return open(address, client, slack)
}

func open(address string, client *http.Client, body func(notify.Message) any) (*Target, error) {
	if err := notify.CheckWeb(address); err != nil {
		return nil, fault.Wrap(fault.Invalid, "webhook", err, "")
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fault.New(fault.Invalid, "webhook", "its address cannot be read", "")
	}
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Target{address, u.Host, &c, body}, nil
}

// slack puts a message in Slack's words. Its three special letters are escaped,
// so that text of others mentions nobody (<!channel>) and links nothing.
func slack(m notify.Message) any {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	lines := []string{"*" + escape.Replace(m.Title) + "*"}
	for _, line := range m.Lines {
		lines = append(lines, "• "+escape.Replace(line))
	}
	if m.URL != "" {
		lines = append(lines, escape.Replace(m.URL))
	}
	return map[string]any{"text": strings.Join(lines, "\n"), "unfurl_links": false}
}

// Send implements notify.Target.
func (t *Target) Send(ctx context.Context, m notify.Message) error {
	op := "tell " + t.host
	data, err := json.Marshal(t.body(m))
	if err != nil {
		return fault.Wrap(fault.Internal, op, err, "")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.address, bytes.NewReader(data))
	if err != nil {
		return fault.New(fault.Invalid, op, "its address cannot be used", "")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "nines")
	req.Header.Set("Idempotency-Key", m.Key)
	res, err := t.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return fault.Wrap(fault.Canceled, op, ctx.Err(), "")
		}
		if full, ok := errors.AsType[*url.Error](err); ok {
			err = full.Err // the outer one quotes the address
		}
		return fault.Wrap(fault.Unavailable, op, err, "")
	}
	defer res.Body.Close() //nolint:errcheck // nothing was written to it
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	kind := fault.Denied
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return nil
	case res.StatusCode == http.StatusTooManyRequests:
		kind = fault.Throttled
	case res.StatusCode >= 500:
		kind = fault.Unavailable
	}
	return fault.New(kind, op, fmt.Sprintf("it answers %d", res.StatusCode), "")
}
