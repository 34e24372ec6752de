// Package deployd is what the local doubles of AWS's deployment services share:
// how a call is read and answered, a journal of the calls, and trouble on the
// way. The doubles themselves are in the folders below. They are no AWS: they
// do what the documentation says about the calls that Nines makes, refuse what
// it says is refused, and go through their states as their clock goes on.
package deployd

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Failure is an error as a service names it.
type Failure struct {
	Code, Message string
	// Status is the HTTP status; 0 is 400.
	Status int
}

// Fail returns a failure.
func Fail(code, format string, args ...any) *Failure {
	return &Failure{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Operation is one call of a service, with its body as it arrived.
type Operation func(body []byte) (any, *Failure)

// With reads a call's body into a type of its own.
func With[T any](call func(*T) (any, *Failure)) Operation {
	return func(body []byte) (any, *Failure) {
		var in T
		if len(body) > 0 {
			if err := json.Unmarshal(body, &in); err != nil {
				return nil, &Failure{Code: "SerializationException", Message: err.Error()}
			}
		}
		return call(&in)
	}
}

// maxBody is the most that is read of a call.
const maxBody = 1 << 20

// JSON is a service that speaks AWS's JSON protocol 1.1. It answers one call
// after the other. Make it with NewJSON.
type JSON struct {
	target string
	now    func() time.Time
	ops    map[string]Operation
	before func(time.Time)

	mu    sync.Mutex
	calls []string
}

// NewJSON returns a service: target is what stands before the operation in the
// header X-Amz-Target, without the dot. Before is called ahead of each call, and
// lets the states go on to the time it is given.
func NewJSON(target string, now func() time.Time, ops map[string]Operation, before func(time.Time)) *JSON {
	return &JSON{target: target, now: now, ops: ops, before: before}
}

// Locked runs something while no call is answered, at the present of the
// service's clock.
func (s *JSON) Locked(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before(s.now())
	do()
}

// Calls returns the operations that were called, in their order.
func (s *JSON) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// ServeHTTP implements http.Handler.
func (s *JSON) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return // the caller is gone
	}
	name, ours := strings.CutPrefix(r.Header.Get("X-Amz-Target"), s.target+".")
	call, ok := s.ops[name]
	var out any
	var fail *Failure
	switch {
	case !ours || !ok:
		fail = Fail("UnknownOperationException", "there is no operation %s here", name)
	case r.Header.Get("Authorization") == "":
		fail = Fail("MissingAuthenticationTokenException", "Missing Authentication Token")
	default:
		s.Locked(func() {
			s.calls = append(s.calls, name)
			out, fail = call(body)
		})
	}
	answerJSON(w, out, fail)
}

func answerJSON(w http.ResponseWriter, out any, fail *Failure) {
	status := http.StatusOK
	if fail != nil {
		status = http.StatusBadRequest
		if fail.Status != 0 {
			status = fail.Status
		}
		out = map[string]any{"__type": fail.Code, "message": fail.Message}
	}
	data, err := json.Marshal(out)
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{"__type":"ServerException"}`)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", rand.Text())
	w.WriteHeader(status)
	_, _ = w.Write(data) // a caller that is gone has no use for it
}

// Epoch is an instant as the JSON protocol writes it: seconds since 1970.
func Epoch(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return float64(t.UnixMilli()) / 1000
}

// Object is a JSON object that is written.
type Object = map[string]any
