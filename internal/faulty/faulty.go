// Package faulty makes trouble between a client of AWS and whatever service is
// behind it, a double or another: calls are refused, lost, or done without an
// answer. It serves tests, and knows the JSON and the Query protocol.
package faulty

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Trouble is what happens to a call on its way.
type Trouble uint8

// The troubles.
const (
	Fine       Trouble = iota
	Throttled          // refused: too much, too fast; nothing was done
	Broken             // the service failed; nothing was done
	Denied             // the caller may not; nothing was done
	LostAnswer         // the service did it, and its answer never arrived
	LostBefore         // the call never arrived
)

// Net is an http.RoundTripper that makes trouble.
type Net struct {
	// Next sends what is let through.
	Next http.RoundTripper
	// Pick decides about each call, by the name of its operation; nil: all is fine.
	Pick func(operation string) Trouble
	// Codes are a service's own error codes for a refusal, where it has such.
	Codes map[Trouble]string

	mu   sync.Mutex
	made map[Trouble]int
}

// Made returns how often each trouble was made.
func (f *Net) Made(t Trouble) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.made[t]
}

var errLost = errors.New("read: connection reset by peer")

// RoundTrip implements http.RoundTripper.
func (f *Net) RoundTrip(r *http.Request) (*http.Response, error) {
	name := operation(r)
	f.mu.Lock()
	trouble := Fine
	if f.Pick != nil {
		trouble = f.Pick(name)
	}
	if f.made == nil {
		f.made = make(map[Trouble]int)
	}
	f.made[trouble]++
	f.mu.Unlock()
	switch trouble {
	case Throttled:
		return refuse(r, http.StatusBadRequest, cmp.Or(f.Codes[Throttled], "ThrottlingException"), "Rate exceeded"), nil
	case Broken:
		return refuse(r, http.StatusInternalServerError, cmp.Or(f.Codes[Broken], "ServerException"), "made up by the test"), nil
	case Denied:
		return refuse(r, http.StatusForbidden, cmp.Or(f.Codes[Denied], "AccessDeniedException"), "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: "+name), nil
	case LostBefore:
		return nil, errLost
	case LostAnswer:
		res, err := f.Next.RoundTrip(r)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		return nil, errLost
	case Fine:
	}
	return f.Next.RoundTrip(r)
}

// operation is the name of what a call calls.
func operation(r *http.Request) string {
	if _, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return name
	}
	if r.Body == nil {
		return ""
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return ""
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	return form.Get("Action")
}

func refuse(r *http.Request, status int, code, message string) *http.Response {
	kind, body := "application/x-amz-json-1.1", `{"__type":"`+code+`","message":"`+message+`"}`
	if r.Header.Get("X-Amz-Target") == "" {
		kind = "text/xml"
		body = "<ErrorResponse><Error><Type>Sender</Type><Code>" + strings.TrimSuffix(code, "Exception") + "</Code><Message>" + message + "</Message></Error></ErrorResponse>"
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {kind}}, ContentLength: int64(len(body)),
		Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}
}
