// Package email tells by mail, over a server of SMTP: the words as text and as
// HTML, the chart in it. It is an adapter of notify.
package email

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
)

// Options are what a host gives.
type Options struct {
	Timeout time.Duration // of the whole; 0: 20 s
	TLS     *tls.Config   // nil: the system's authorities
	Watch   notify.Watch
}

// Target sends mails.
type Target struct {
	server   string // host, for errors
	from, to string
	password string
	opt      Options
	dial     []mail.Option
}

// New returns the target of an address "smtp://USER@HOST:PORT?from=A&to=B,C":
// what is said is encrypted from the start ("smtps", port 465) or before
// anything else is said ("smtp", port 587), except on this very machine. The
// password is for USER; without one nobody signs in.
func New(address, password string, opt Options) (*Target, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return nil, fault.New(fault.Invalid, "mail server", "its address is none", "write smtp://USER@HOST:587?from=A&to=B")
	}
	if opt.Timeout <= 0 {
		opt.Timeout = 20 * time.Second
	}
	q := u.Query()
	t := &Target{server: u.Hostname(), from: q.Get("from"), to: q.Get("to"), password: strings.TrimSpace(password), opt: opt}
	const submissions, submission = 465, 587 // RFC 8314
	port := submission
	policy := mail.WithTLSPolicy(mail.TLSMandatory)
	if notify.Local(u.Hostname()) {
		policy = mail.WithTLSPolicy(mail.TLSOpportunistic)
	}
	t.dial = append(t.dial, mail.WithDialContextFunc(dialBounded))
	if u.Scheme == "smtps" {
		// With a dialer of one's own the library does not know that it is encrypted.
		port, policy, t.dial = submissions, mail.WithSSL(), nil
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, fault.New(fault.Invalid, "mail server "+t.server, "its port is no number", "")
		}
	}
	t.dial = append(t.dial, mail.WithPort(port), policy, mail.WithTimeout(opt.Timeout), mail.WithHELO("nines.invalid"))
	if opt.TLS != nil {
		c := opt.TLS.Clone()
		c.ServerName = u.Hostname()
		t.dial = append(t.dial, mail.WithTLSConfig(c))
	}
	if user := u.User.Username(); user != "" && t.password != "" {
		t.dial = append(t.dial, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(user), mail.WithPassword(t.password))
	}
	if _, err := t.mail(&notify.Message{Title: "x"}); err != nil {
		return nil, err
	}
	return t, nil
}

// Send implements notify.Target.
func (t *Target) Send(ctx context.Context, m notify.Message) error {
	op := "mail by " + t.server
	msg, err := t.mail(&m)
	if err != nil {
		return err
	}
	log := &dialogue{}
	opts := append(slices.Clip(t.dial), mail.WithDebugLog(), mail.WithLogger(log))
	c, err := mail.NewClient(t.server, opts...)
	if err != nil {
		return fault.Wrap(fault.Invalid, op, err, "")
	}
	within, cancel := context.WithTimeout(ctx, t.opt.Timeout)
	defer cancel()
	err = bounded(within, func() error { return c.DialAndSendWithContext(within, msg) })
	if t.opt.Watch != nil {
		var raw bytes.Buffer
		_, _ = msg.WriteTo(&raw)
		got, _ := log.said()
		if said := msg.ServerResponse(); said != "" {
			got += "to the mail: " + said + "\n"
		}
		if err != nil {
			got += err.Error() + "\n"
		}
		t.opt.Watch(notify.Exchange{To: "mail server " + t.server, Sent: raw.String(), Got: got})
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fault.Wrap(fault.Canceled, op, ctx.Err(), "")
	}
	_, no := log.said()
	return t.explain(op, no, err)
}

// dialBounded dials a connection that ends with its context: the library waits
// for ever for a server that takes a call and says nothing.
func dialBounded(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err //nolint:wrapcheck // the library wraps it
	}
	if end, ok := ctx.Deadline(); ok {
		err = c.SetDeadline(end)
	}
	return c, err //nolint:wrapcheck // the library wraps it
}

// bounded is call, or the end of ctx where that comes first.
func bounded(ctx context.Context, call func() error) error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the server takes too long: %w", ctx.Err())
	}
}

// explain classifies an error by the server's code (RFC 5321, 4.2): 421 is a
// server that goes away, other codes of 4xx come and go, 5xx stay. code is the
// first that refused something, which what followed may hide.
func (t *Target) explain(op string, code int, err error) error {
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		code = reply.Code
	}
	if sent, ok := errors.AsType[*mail.SendError](err); ok {
		if sent.Reason == mail.ErrAmbiguous || sent.ErrorCode() == 0 && sent.Reason == mail.ErrSMTPReset {
			return nil // it was taken; only saying goodbye failed
		}
		if sent.ErrorCode() != 0 {
			code = sent.ErrorCode()
		}
	}
	text := err.Error()
	if t.password != "" {
		text = strings.ReplaceAll(text, t.password, "***")
	}
	const away, permanent = 421, 500
	switch {
	case code >= permanent:
		return fault.New(fault.Denied, op, text, "")
	case code > 0 && code != away:
		return fault.New(fault.Throttled, op, text, "")
	case strings.Contains(text, "STARTTLS"), strings.Contains(text, "certificate"):
		return fault.New(fault.Denied, op, text, "nothing is said unencrypted: the server must offer STARTTLS with a certificate that is valid for its name")
	}
	return fault.New(fault.Unavailable, op, text, "")
}

// mail makes the mail.
func (t *Target) mail(m *notify.Message) (*mail.Msg, error) {
	bad := func(what string, err error) (*mail.Msg, error) {
		return nil, fault.Wrap(fault.Invalid, "mail", err, "check "+what+" of the target's address")
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(t.from); err != nil {
		return bad("from", err)
	}
	if err := msg.ToFromString(t.to); err != nil {
		return bad("to", err)
	}
	if len(msg.GetTo()) == 0 {
		return bad("to", errors.New("nobody is named"))
	}
	msg.Subject(subject(m))
	if !m.At.IsZero() {
		msg.SetDateWithValue(m.At)
	}
	// The same message told again has the same ID, an incident is one thread.
	msg.SetMessageIDWithValue(id("m", m.Key+m.At.String()))
	thread := "<" + id("i", m.Incident()) + ">"
	msg.SetGenHeader("References", thread)
	msg.SetGenHeader("In-Reply-To", thread)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answering machine answers
	msg.SetGenHeader("X-Nines-Incident", oneLine(m.Incident()))
	if m.Alert != nil && m.Alert.Severity == notify.Page && !m.Ends() {
		msg.SetImportance(mail.ImportanceHigh)
	}
	msg.SetBodyString(mail.TypeTextPlain, m.Text()+"\n")
	page, err := html(m)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "mail", err, "")
	}
	msg.AddAlternativeString(mail.TypeTextHTML, page)
	if m.Chart != nil && len(m.Chart.PNG) > 0 {
		if err := msg.EmbedReader("chart.png", bytes.NewReader(m.Chart.PNG), mail.WithFileContentType("image/png")); err != nil {
			return nil, fault.Wrap(fault.Internal, "mail", err, "")
		}
	}
	return msg, nil
}

func subject(m *notify.Message) string {
	mark := ""
	if a := m.Alert; a != nil {
		mark = "[" + a.Severity + "] "
		if m.Ends() {
			mark = "[over] "
		}
	}
	return oneLine(mark + m.Title)
}

// oneLine makes a header's text; a line of SMTP has 998 bytes (RFC 5321), and
// what is encoded takes three times the room.
func oneLine(s string) string {
	const most = 250
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) > most {
		return string(r[:most]) + "..."
	}
	return string(r)
}

func id(kind, of string) string {
	sum := sha256.Sum256([]byte(of))
	return kind + "-" + hex.EncodeToString(sum[:16]) + "@nines.invalid"
}
