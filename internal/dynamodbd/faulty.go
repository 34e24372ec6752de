package dynamodbd

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Trouble is what happens to a request on its way.
type Trouble uint8

// The troubles.
const (
	Fine       Trouble = iota
	Throttled          // refused: too much, too fast; nothing was done
	Broken             // the service failed; nothing was done
	LostAnswer         // the service did it, and its answer never arrived
	LostBefore         // the request never arrived
)

// Faulty is an http.RoundTripper that makes trouble for whatever service is
// behind it.
type Faulty struct {
	// Next sends what is let through.
	Next http.RoundTripper
	// Pick decides about each request, by the name of its operation.
	Pick func(operation string) Trouble

	mu   sync.Mutex
	made map[Trouble]int
}

// Made returns how often each trouble was made.
func (f *Faulty) Made(t Trouble) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.made[t]
}

var errLost = errors.New("read: connection reset by peer")

// RoundTrip implements http.RoundTripper.
func (f *Faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	name, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
	f.mu.Lock()
	trouble := f.Pick(name)
	if f.made == nil {
		f.made = make(map[Trouble]int)
	}
	f.made[trouble]++
	f.mu.Unlock()
	switch trouble {
	case Throttled:
		return refuse(r, http.StatusBadRequest, "ProvisionedThroughputExceededException"), nil
	case Broken:
		return refuse(r, http.StatusInternalServerError, "InternalServerError"), nil
	case LostBefore:
		return nil, errLost
	case LostAnswer:
		resp, err := f.Next.RoundTrip(r)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		return nil, errLost
	case Fine:
	}
	return f.Next.RoundTrip(r)
}

func refuse(r *http.Request, status int, code string) *http.Response {
	body := `{"__type":"` + typedAs + code + `","message":"made up by the test"}`
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, ContentLength: int64(len(body)),
		Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: r,
	}
}
