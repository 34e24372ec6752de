package email_test

import (
	"bytes"
	"context"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/notify/email"
	"gitlab.com/nines-sre/nines/internal/notify/notifytest"
	"gitlab.com/nines-sre/nines/internal/testkit/smtpd"
)

const (
	password = "mail-s3cret"
	people   = "?from=nines@example.com&to=a@example.com,%22B%22%20%3Cb@example.com%3E"
)

// parts are the parts of a mail by content type.
func parts(t *testing.T, header mail.Header, kind string, body io.Reader, into map[string]string) {
	t.Helper()
	media, params, err := mime.ParseMediaType(kind)
	if err != nil {
		t.Fatalf("%q: %v", kind, err)
	}
	if !strings.HasPrefix(media, "multipart/") {
		if strings.EqualFold(header.Get("Content-Transfer-Encoding"), "quoted-printable") {
			body = quotedprintable.NewReader(body)
		}
		data, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		into[media] = strings.ReplaceAll(string(data), "\r\n", "\n")
		return
	}
	for r := multipart.NewReader(body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		parts(t, mail.Header(p.Header), p.Header.Get("Content-Type"), p, into)
	}
}

func read(t *testing.T, m smtpd.Mail) (mail.Header, map[string]string) {
	t.Helper()
	got, err := mail.ReadMessage(bytes.NewReader(m.Data))
	if err != nil {
		t.Fatal(err)
	}
	into := map[string]string{}
	parts(t, got.Header, got.Header.Get("Content-Type"), got.Body, into)
	return got.Header, into
}

// counted counts what was taken: a mail is seen a moment later.
type counted struct {
	notify.Target
	n int
}

func (c *counted) Send(ctx context.Context, m notify.Message) error {
	err := c.Target.Send(ctx, m)
	if err == nil {
		c.n++
	}
	return err
}

func TestSuite(t *testing.T) {
	s := smtpd.Start(t, smtpd.StartTLS, "nines", password)
	notifytest.Run(t, func(t *testing.T) notifytest.World {
		before := len(s.Mails(0))
		target, err := email.New("smtp://nines@"+s.Addr+people, password, email.Options{TLS: s.TLS, Timeout: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		sent := &counted{Target: target}
		return notifytest.World{
			Target: sent, Secret: password,
			Got: func() (out []string) {
				for _, m := range s.Mails(before + sent.n)[before:] {
					header, p := read(t, m)
					subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
					if err != nil || !m.TLS || m.User != "nines" || len(m.To) != 2 {
						t.Errorf("%v %+v", err, m)
					}
					if strings.Contains(p["text/html"], "<!channel>") {
						t.Errorf("foreign text is HTML: %s", p["text/html"])
					}
					out = append(out, subject+"\n"+p["text/plain"])
				}
				return out
			},
			Fail: func(kind fault.Kind) {
				s.Answer(map[fault.Kind]string{fault.Unavailable: "421 closing", fault.Throttled: "451 not now", fault.Denied: "554 no"}[kind])
			},
		}
	})
}

// TestMail checks what makes a mail a good one: a thread an incident, the same
// ID when it is told again, the chart in it, importance for pages alone.
func TestMail(t *testing.T) {
	s := smtpd.Start(t, smtpd.TLS, "", "")
	var seen []notify.Exchange
	target, err := email.New("smtps://"+s.Addr+people, "", email.Options{TLS: s.TLS, Watch: func(x notify.Exchange) { seen = append(seen, x) }})
	if err != nil {
		t.Fatal(err)
	}
	firing, over := notifytest.Alert(notify.Firing), notifytest.Alert(notify.Resolved)
	for _, m := range []notify.Message{firing, firing, over} {
		if err := target.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	var h []mail.Header
	for _, m := range s.Mails(3) {
		header, p := read(t, m)
		h = append(h, header)
		if !strings.HasPrefix(p["text/plain"], "TEST, nothing happened") || !strings.Contains(p["text/html"], `src="cid:chart.png"`) || p["image/png"] == "" {
			t.Errorf("%q", p)
		}
	}
	if h[0].Get("Message-ID") != h[1].Get("Message-ID") || h[0].Get("Message-ID") == h[2].Get("Message-ID") || h[0].Get("References") != h[2].Get("References") {
		t.Errorf("%v", h)
	}
	if h[0].Get("Importance") != "high" || h[2].Get("Importance") != "" || h[0].Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("%v", h)
	}
	if len(seen) != 3 || !strings.Contains(seen[0].Sent, "Subject:") || !strings.Contains(seen[0].Got, "taken") || !strings.Contains(seen[0].Got, "RCPT TO") {
		for _, x := range seen {
			t.Errorf("%s", x.Got)
		}
	}
}

// TestNothingUnencrypted checks that a server without TLS, with a certificate of
// nobody, or with another password is told nothing, and no password.
func TestNothingUnencrypted(t *testing.T) {
	plain := smtpd.Start(t, smtpd.Plain, "", "")
	_, port, _ := net.SplitHostPort(plain.Addr)
	// Any other name than this machine's wants TLS; this one leads here all the same.
	far, err := email.New("smtp://ip6-localhost.localdomain.invalid:"+port+people, "", email.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := far.Send(t.Context(), notifytest.Message()); err == nil {
		t.Error("a name that leads nowhere took it")
	}
	near, err := email.New("smtp://"+plain.Addr+people, "", email.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := near.Send(t.Context(), notifytest.Message()); err != nil {
		t.Errorf("this very machine: %v", err)
	}
	secure := smtpd.Start(t, smtpd.StartTLS, "nines", password)
	stranger, err := email.New("smtp://nines@"+secure.Addr+people, password, email.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Send(t.Context(), notifytest.Message()); fault.KindOf(err) != fault.Denied {
		t.Errorf("a certificate of nobody: %v", err)
	}
	wrong, err := email.New("smtp://nines@"+secure.Addr+people, "wr0ng-s3cret", email.Options{TLS: secure.TLS, Timeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := wrong.Send(t.Context(), notifytest.Message()); fault.KindOf(err) != fault.Denied || strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("another password: %v", err)
	}
	if n := len(secure.Mails(0)); n != 0 {
		t.Errorf("%d mails arrived", n)
	}
}

// TestFaults is a mail server on a bad day.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name, raw string
		kind      fault.Kind
	}{
		{"it goes away", "421 too busy\r\n", fault.Unavailable},
		{"it closes at once", "", fault.Unavailable},
		{"it closes half-way", "220 here\r\n250-here\r\n", fault.Unavailable},
		{"it is no mail server", "HTTP/1.1 400 Bad Request\r\n\r\n", fault.Unavailable},
		{"it hangs", "hang", fault.Unavailable},
		{"it wants nobody", "554 no service\r\n", fault.Denied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ended := make(chan struct{})
			defer close(ended)
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				if tt.raw == "hang" {
					<-ended
					return
				}
				_, _ = io.WriteString(c, tt.raw)
			}()
			timeout := 2 * time.Second
			if tt.raw == "hang" {
				timeout = 100 * time.Millisecond
			}
			target, err := email.New("smtp://"+l.Addr().String()+people, "", email.Options{Timeout: timeout})
			if err != nil {
				t.Fatal(err)
			}
			if err := target.Send(t.Context(), notifytest.Message()); fault.KindOf(err) != tt.kind {
				t.Errorf("%v: %v, want %v", err, fault.KindOf(err), tt.kind)
			}
		})
	}
	for _, bad := range []string{"", "smtp://", "https://example.com" + people, "smtp://h?from=x&to=a@b.c", "smtp://h?from=a@b.c&to=", "smtp://h:x?from=a@b.c&to=a@b.c"} {
		if _, err := email.New(bad, "", email.Options{}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
