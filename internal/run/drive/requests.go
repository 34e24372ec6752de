package drive

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Request is a request that is made again and again.
type Request struct {
	Method  string            `json:"method,omitempty"` // "": GET, or POST where there is a body
	Path    string            `json:"path,omitempty"`   // with its query, from the address of a side on; "": /
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
	// Event is what a function is invoked with; none: the request as an API Gateway
	// hands it on.
	Event json.RawMessage `json:"event,omitempty"`
}

// How much a file of requests may hold.
const (
	mostRequests = 10_000
	mostLine     = 1 << 20
	mostBytes    = 64 << 20
)

// Parse reads requests: one JSON object a line. Empty lines and those that begin
// with # are left out. The error is of kind Invalid and names the line.
func Parse(name string, r io.Reader) ([]Request, error) {
	in := bufio.NewScanner(io.LimitReader(r, mostBytes+1))
	in.Buffer(nil, mostLine)
	var out []Request
	bad := func(n int, format string, args ...any) error {
		return fault.New(fault.Invalid, fmt.Sprintf("%s:%d", name, n), fmt.Sprintf(format, args...),
			`write one object a line: {"method": "POST", "path": "/payments", "headers": {...}, "body": "..."}`)
	}
	n, size := 0, 0
	for in.Scan() {
		n++
		line := bytes.TrimSpace(in.Bytes())
		if size += len(line); size > mostBytes || len(out) == mostRequests {
			return nil, bad(n, "more than %d requests or %d MB", mostRequests, mostBytes>>20)
		}
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		q, err := parse(line)
		if err != nil {
			return nil, bad(n, "it is no request: %v", err)
		}
		out = append(out, q)
	}
	switch err := in.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, bad(n+1, "the line is longer than %d KB", mostLine>>10)
	case err != nil:
		return nil, fault.Wrap(fault.Unavailable, "read "+name, err, "")
	case len(out) == 0:
		return nil, bad(n, "there is no request in it")
	}
	return out, nil
}

// parse reads one request and completes it.
func parse(line []byte) (Request, error) {
	var q Request
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&q); err != nil {
		return q, err
	}
	if dec.More() {
		return q, errors.New("there is more behind the object") //nolint:err113 // a sentence for people
	}
	q.Path = cmp.Or(q.Path, "/")
	if q.Method == "" {
		q.Method = http.MethodGet
		if q.Body != "" {
			q.Method = http.MethodPost
		}
	}
	_, err := q.to("http://localhost")
	return q, err
}

// to makes the request to an address.
func (q *Request) to(base string) (*http.Request, error) {
	if !strings.HasPrefix(q.Path, "/") || strings.HasPrefix(q.Path, "//") {
		return nil, fmt.Errorf("the path %q does not begin with one /", q.Path) //nolint:err113 // a sentence for people
	}
	out, err := http.NewRequest(q.Method, strings.TrimSuffix(base, "/")+q.Path, strings.NewReader(q.Body)) //nolint:noctx // it gets one where it is sent
	if err != nil {
		return nil, err
	}
	for k, v := range q.Headers {
		if strings.ContainsAny(k+v, "\r\n\x00") || k == "" {
			return nil, fmt.Errorf("the header %q cannot be sent", k) //nolint:err113 // a sentence for people
		}
		out.Header.Set(k, v)
		if strings.EqualFold(k, "host") {
			out.Host = v
		}
	}
	return out, nil
}

// mostAnswer is how much of an answer is read before it is let go.
const mostAnswer = 1 << 20

// HTTP returns what sends to addresses: an answer below 500 is a good one.
func HTTP(client *http.Client) func(ctx context.Context, side string, q Request) bool {
	return func(ctx context.Context, side string, q Request) bool {
		req, err := q.to(side)
		if err != nil {
			return false
		}
		resp, err := client.Do(req.WithContext(ctx))
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, mostAnswer))
		return err == nil && resp.StatusCode < http.StatusInternalServerError
	}
}

// Invoke invokes a function and returns what it answered; failed says that the
// function itself ended with an error.
type Invoke func(ctx context.Context, function string, event []byte) (answer []byte, failed bool, err error)

// Functions returns what sends to functions: one that fails, or answers with a
// status of 500 or more, is not good.
func Functions(invoke Invoke) func(ctx context.Context, side string, q Request) bool {
	return func(ctx context.Context, side string, q Request) bool {
		event := []byte(q.Event)
		if len(event) == 0 {
			var err error
			if event, err = q.event(); err != nil {
				return false
			}
		}
		answer, failed, err := invoke(ctx, side, event)
		if err != nil || failed {
			return false
		}
		var status struct {
			StatusCode int `json:"statusCode"`
		}
		_ = json.Unmarshal(answer, &status) // an answer of another shape is a good one
		return status.StatusCode < http.StatusInternalServerError
	}
}

// event is the request as an API Gateway hands it on (payload format 2.0).
func (q *Request) event() ([]byte, error) {
	path, query, _ := strings.Cut(q.Path, "?")
	return json.Marshal(map[string]any{
		"version": "2.0", "rawPath": path, "rawQueryString": query, "headers": q.Headers, "body": q.Body, "isBase64Encoded": false,
		"requestContext": map[string]any{"http": map[string]any{"method": q.Method, "path": path}},
	})
}
