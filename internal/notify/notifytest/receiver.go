package notifytest

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
)

// Receiver is the other side of targets that speak HTTP.
type Receiver struct {
	*httptest.Server
	// Status is what it answers, Answer the body of that.
	Status int
	Answer string
	Last   http.Header

	mu     sync.Mutex
	bodies []string
}

// NewReceiver returns one that takes everything and ends with the test.
func NewReceiver(t *testing.T) *Receiver {
	r := &Receiver{Status: http.StatusOK, Answer: "ok"}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.Last = req.Header
		if r.Status < http.StatusMultipleChoices {
			r.bodies = append(r.bodies, string(body))
		}
		w.WriteHeader(r.Status)
		_, _ = io.WriteString(w, r.Answer)
	}))
	t.Cleanup(r.Close)
	return r
}

// Bodies are what was taken, oldest first.
func (r *Receiver) Bodies() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.bodies...)
}

// World is a world with this receiver behind a target; read makes plain text of
// a body.
func (r *Receiver) World(target notify.Target, secret string, read func(body string) string) World {
	return World{
		Target: target, Secret: secret,
		Got: func() (out []string) {
			for _, b := range r.Bodies() {
				out = append(out, read(b))
			}
			return out
		},
		Fail: func(kind fault.Kind) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.Status = map[fault.Kind]int{fault.Unavailable: 503, fault.Throttled: 429, fault.Denied: 404, fault.Internal: 202}[kind]
		},
	}
}

// Faults holds a target that speaks HTTP against a network on a bad day: limits
// with and without a time, servers that fail, hang, close a connection half-way
// or speak something else. open makes a target of an address.
func Faults(t *testing.T, open func(url string, c *http.Client) (notify.Target, error)) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		raw   string // what the server says before it closes; "": it hangs
		kind  fault.Kind
		fine  bool
		after time.Duration
	}{
		{"a limit, in seconds", answer(429, "Retry-After: 7"), fault.Throttled, false, 7 * time.Second},
		{"a limit, until an instant", answer(429, "Date: "+at.Format(http.TimeFormat), "Retry-After: "+at.Add(time.Minute).Format(http.TimeFormat)), fault.Throttled, false, time.Minute},
		{"a limit without a word", answer(429), fault.Throttled, false, 0},
		{"a limit, for ever", answer(429, "Retry-After: 99999999"), fault.Throttled, false, time.Hour},
		{"a limit in nonsense", answer(429, "Retry-After: soon"), fault.Throttled, false, 0},
		{"a failure", answer(500), fault.Unavailable, false, 0},
		{"maintenance", answer(503, "Retry-After: 120"), fault.Unavailable, false, 2 * time.Minute},
		{"too slow for it", answer(408), fault.Unavailable, false, 0},
		{"too large", answer(413), fault.Full, false, 0},
		{"refused", answer(401), fault.Denied, false, 0},
		{"closed at once", "x", fault.Unavailable, false, 0},
		{"closed in the status", "HTTP/1.1 20", fault.Unavailable, false, 0},
		{"another protocol", "220 mail.example.com ESMTP\r\n", fault.Unavailable, false, 0},
		{"closed in the body of a yes", "HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{\"sta", fault.Internal, true, 0},
		{"it hangs", "", fault.Unavailable, false, 0},
	} {
		t.Run("fault/"+tt.name, func(t *testing.T) {
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ended := make(chan struct{})
			go serve(l, tt.raw, ended)
			c := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
			if tt.raw == "" {
				c.Timeout = 50 * time.Millisecond
			}
			target, err := open("http://"+l.Addr().String()+"/s3cret-path", c)
			if err != nil {
				t.Fatal(err)
			}
			err = target.Send(t.Context(), Message())
			close(ended)
			if tt.fine {
				if err != nil {
					t.Errorf("it was taken: %v", err)
				}
				return
			}
			if err == nil || fault.KindOf(err) != tt.kind || notify.RetryAfter(err) != tt.after {
				t.Errorf("%v: kind %v, after %v; want %v, %v", err, fault.KindOf(err), notify.RetryAfter(err), tt.kind, tt.after)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error says what is a secret: %v", err)
			}
		})
	}
}

func answer(status int, headers ...string) string {
	return "HTTP/1.1 " + strconv.Itoa(status) + " x\r\nContent-Length: 0\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n"
}

// serve answers every connection with the same bytes once a request has come.
func serve(l net.Listener, raw string, ended <-chan struct{}) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			buf := make([]byte, 64<<10)
			if _, err := c.Read(buf); err != nil {
				return
			}
			if raw == "" {
				<-ended
				return
			}
			_, _ = io.WriteString(c, raw)
			// A close with unread bytes resets the connection, and the answer is lost.
			late := time.AfterFunc(50*time.Millisecond, func() { _ = c.Close() })
			_, _ = io.Copy(io.Discard, c)
			late.Stop()
		}()
	}
}
