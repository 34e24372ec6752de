// Package webpost posts to a web address that may be a secret: it stands in no
// error, goes nowhere else by a redirect, and what the answer means is said in
// kinds of fault. The targets of notify that speak HTTP share it.
package webpost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
)

// Poster posts to one address.
type Poster struct {
	address string
	host    string
	secrets []string
	client  *http.Client
}

// New returns a poster; client should have a timeout. Further secrets, as keys
// that go along, stand in no error either. Invalid for an address that nothing
// may be sent to.
func New(address string, client *http.Client, secrets ...string) (*Poster, error) {
	if err := notify.CheckWeb(address); err != nil {
		return nil, fault.Wrap(fault.Invalid, "webhook", err, "")
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fault.New(fault.Invalid, "webhook", "its address cannot be read", "")
	}
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	const short = 8 // what is shorter stands in words by chance
	for _, s := range []string{u.Path, strings.TrimPrefix(u.Path, "/"), u.RawQuery} {
		if len(s) >= short {
			secrets = append(secrets, s)
		}
	}
	return &Poster{address, u.Host, slices.DeleteFunc(secrets, func(s string) bool { return s == "" }), &c}, nil
}

// Call is one post.
type Call struct {
	Body   []byte
	Type   string // content type; "" is JSON
	Key    string // the same for the same thing posted again
	Header http.Header
}

// Op names what is done, for errors.
func (p *Poster) Op() string { return "tell " + p.host }

// Post posts, and returns the body of an answer of 2xx, as far as it could be
// read. Other answers are errors: Throttled for 429, Unavailable for 408, 425
// and 5xx, both with what Retry-After says; Full for 413, Denied for the rest.
func (p *Poster) Post(ctx context.Context, c Call) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.address, bytes.NewReader(c.Body))
	if err != nil {
		return nil, fault.New(fault.Invalid, p.Op(), "its address cannot be used", "")
	}
	maps.Copy(req.Header, c.Header)
	if c.Type == "" {
		c.Type = "application/json"
	}
	req.Header.Set("Content-Type", c.Type)
	req.Header.Set("User-Agent", "nines")
	if c.Key != "" {
		req.Header.Set("Idempotency-Key", header(c.Key))
	}
	res, err := p.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fault.Wrap(fault.Canceled, p.Op(), ctx.Err(), "")
		}
		if full, ok := errors.AsType[*url.Error](err); ok {
			err = full.Err // the outer one quotes the address
		}
		return nil, fault.Wrap(fault.Unavailable, p.Op(), err, "")
	}
	defer res.Body.Close() //nolint:errcheck // nothing was written to it
	const most = 64 << 10
	// A connection that ends in the middle of an answer changes nothing about the
	// status, which was there.
	body, _ := io.ReadAll(io.LimitReader(res.Body, most))
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return body, nil
	}
	return nil, p.refused(res, body)
}

func (p *Poster) refused(res *http.Response, body []byte) error {
	kind := fault.Denied
	switch code := res.StatusCode; {
	case code == http.StatusTooManyRequests:
		kind = fault.Throttled
	case code >= 500 || code == http.StatusRequestTimeout || code == http.StatusTooEarly:
		kind = fault.Unavailable
	case code == http.StatusRequestEntityTooLarge:
		kind = fault.Full
	}
	text := fmt.Sprintf("it answers %d", res.StatusCode)
	if said := p.said(body); said != "" {
		text += ": " + said
	}
	var err error = fault.New(kind, p.Op(), text, "")
	if kind.Retry() {
		now := time.Time{}
		if t, terr := http.ParseTime(res.Header.Get("Date")); terr == nil {
			now = t // the other side's clock: its header Retry-After is by that
		}
		if v := res.Header.Get("Retry-After"); v != "" {
			err = notify.Later(err, notify.ParseRetryAfter(v, now))
		}
	}
	return err
}

// said is what the other side says, on one line, without what is secret.
func (p *Poster) said(body []byte) string {
	const most = 200
	text := strings.ToValidUTF8(string(body[:min(len(body), 4*most)]), "")
	if strings.HasPrefix(strings.TrimSpace(text), "<") {
		return "" // a page for browsers
	}
	for _, s := range p.secrets {
		text = strings.ReplaceAll(text, s, "***")
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// header makes something that may stand in a header.
func header(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
