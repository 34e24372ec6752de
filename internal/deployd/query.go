package deployd

import (
	"bytes"
	"crypto/rand"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Form is a call of the Query protocol: "Parameters.member.1.ParameterKey".
type Form struct{ url.Values }

// Members returns the prefixes of the members of a list: "Parameters.member.1.".
func (f Form) Members(list string) (out []string) {
	for n := 1; ; n++ {
		prefix := list + ".member." + strconv.Itoa(n)
		found := f.Has(prefix)
		for name := range f.Values {
			found = found || len(name) > len(prefix) && name[:len(prefix)+1] == prefix+"."
		}
		if !found {
			return out
		}
		out = append(out, prefix+".")
	}
}

// Query is a service that speaks AWS's Query protocol. It answers one call after
// the other. Make it with NewQuery.
type Query struct {
	namespace string
	now       func() time.Time
	ops       map[string]func(Form) (any, *Failure)
	before    func(time.Time)

	mu    sync.Mutex
	calls []string
}

// NewQuery returns a service: namespace is that of its answers; before is called
// ahead of each call, and lets the states go on to the time it is given. What an
// operation returns is written as its result, in XML.
func NewQuery(namespace string, now func() time.Time, ops map[string]func(Form) (any, *Failure), before func(time.Time)) *Query {
	return &Query{namespace: namespace, now: now, ops: ops, before: before}
}

// Locked runs something while no call is answered, at the present of the
// service's clock.
func (s *Query) Locked(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before(s.now())
	do()
}

// Calls returns the operations that were called, in their order.
func (s *Query) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// ServeHTTP implements http.Handler.
func (s *Query) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return // the caller is gone
	}
	form, err := url.ParseQuery(string(body))
	name := form.Get("Action")
	call, ok := s.ops[name]
	var out any
	var fail *Failure
	switch {
	case err != nil || !ok:
		fail = Fail("InvalidAction", "Could not find operation %s for version %s", name, form.Get("Version"))
	case r.Header.Get("Authorization") == "":
		fail = &Failure{Code: "MissingAuthenticationToken", Message: "Missing Authentication Token", Status: http.StatusForbidden}
	default:
		s.Locked(func() {
			s.calls = append(s.calls, name)
			out, fail = call(Form{form})
		})
	}
	w.Header().Set("Content-Type", "text/xml")
	if fail != nil {
		status := http.StatusBadRequest
		if fail.Status != 0 {
			status = fail.Status
		}
		w.WriteHeader(status)
		_, _ = w.Write(failureXML(fail)) // a caller that is gone has no use for it
		return
	}
	_, _ = w.Write(resultXML(s.namespace, name, out))
}

// resultXML writes <NAMEResponse><NAMEResult>...</NAMEResult></NAMEResponse>.
func resultXML(namespace, name string, out any) []byte {
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	response := xml.StartElement{Name: xml.Name{Local: name + "Response"}, Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespace}}}
	result := xml.StartElement{Name: xml.Name{Local: name + "Result"}}
	_ = e.EncodeToken(response)
	if out == nil {
		out = struct{}{}
	}
	_ = e.EncodeElement(out, result)
	_ = e.EncodeElement(struct{ RequestId string }{rand.Text()}, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}}) //nolint:revive // the wire's name
	_ = e.EncodeToken(response.End())
	_ = e.Flush() // a buffer takes everything
	return b.Bytes()
}

func failureXML(f *Failure) []byte {
	type detail struct{ Type, Code, Message string }
	data, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Error     detail
		RequestId string //nolint:revive // the wire's name
	}{Error: detail{"Sender", f.Code, f.Message}, RequestId: rand.Text()})
	if err != nil {
		return []byte("<ErrorResponse/>") // plain strings always marshal
	}
	return data
}
