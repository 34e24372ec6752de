// Package function lets an http.Handler answer Lambda's events: those of API
// Gateway's REST APIs (payload 1.0), of its HTTP APIs and of function URLs
// (payload 2.0). So a service has one handler, wherever it runs.
package function

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// Handle answers events with h. An event that is none of API Gateway's is an
// error of the invocation.
func Handle(h http.Handler) func(context.Context, Event) (any, error) {
	return func(ctx context.Context, event Event) (any, error) {
		r, second, err := request(ctx, event)
		if err != nil {
			return nil, err
		}
		w := &answer{header: http.Header{}, status: http.StatusOK}
		h.ServeHTTP(w, r)
		if second {
			return w.v2(), nil
		}
		return w.v1(), nil
	}
}

var errNoEvent = errors.New("the event is none of API Gateway's: want payload format 1.0 or 2.0")

// Event is an event of either format: what tells them apart, what telemetry looks
// at, and all of it as it came.
type Event struct {
	Version    string // 2.0
	HTTPMethod string // 1.0
	Resource   string // 1.0: the route
	RouteKey   string // 2.0: the route
	RequestID  string
	raw        json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *Event) UnmarshalJSON(data []byte) error {
	var form struct {
		Version        string `json:"version"`
		HTTPMethod     string `json:"httpMethod"`
		Resource       string `json:"resource"`
		RouteKey       string `json:"routeKey"`
		RequestContext struct {
			RequestID string `json:"requestId"`
		} `json:"requestContext"`
	}
	if err := json.Unmarshal(data, &form); err != nil {
		return fmt.Errorf("%w (%w)", errNoEvent, err)
	}
	*e = Event{form.Version, form.HTTPMethod, form.Resource, form.RouteKey, form.RequestContext.RequestID, bytes.Clone(data)}
	return nil
}

// request reads an event; second says that it is of payload format 2.0.
func request(ctx context.Context, event Event) (r *http.Request, second bool, err error) {
	switch {
	case event.Version == "2.0":
		r, err = fromV2(ctx, event.raw)
		return r, true, err
	case event.HTTPMethod != "":
		r, err = fromV1(ctx, event.raw)
		return r, false, err
	default:
		return nil, false, errNoEvent
	}
}

func fromV1(ctx context.Context, event json.RawMessage) (*http.Request, error) {
	var e events.APIGatewayProxyRequest
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("%w (%w)", errNoEvent, err)
	}
	query := url.Values(e.MultiValueQueryStringParameters)
	if len(query) == 0 {
		query = url.Values{}
		for k, v := range e.QueryStringParameters {
			query.Set(k, v)
		}
	}
	r, err := build(ctx, e.HTTPMethod, &url.URL{Path: e.Path, RawQuery: query.Encode()}, body{e.Body, e.IsBase64Encoded})
	if err != nil {
		return nil, err
	}
	for k, v := range e.Headers {
		r.Header.Set(k, v)
	}
	for k, vs := range e.MultiValueHeaders {
		r.Header[http.CanonicalHeaderKey(k)] = vs
	}
	r.RemoteAddr, r.Host = e.RequestContext.Identity.SourceIP, r.Header.Get("Host")
	return r, nil
}

func fromV2(ctx context.Context, event json.RawMessage) (*http.Request, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("%w (%w)", errNoEvent, err)
	}
	// The path of a stage that is not $default begins with the stage's name.
	path := e.RawPath
	if stage := e.RequestContext.Stage; stage != "" && stage != "$default" {
		if rest, ok := strings.CutPrefix(path, "/"+stage); ok && strings.HasPrefix(rest, "/") {
			path = rest
		}
	}
	r, err := build(ctx, e.RequestContext.HTTP.Method, &url.URL{Path: path, RawQuery: e.RawQueryString}, body{e.Body, e.IsBase64Encoded})
	if err != nil {
		return nil, err
	}
	for k, v := range e.Headers {
		r.Header.Set(k, v)
	}
	for _, c := range e.Cookies {
		r.Header.Add("Cookie", c)
	}
	r.RemoteAddr, r.Host = e.RequestContext.HTTP.SourceIP, r.Header.Get("Host")
	return r, nil
}

// body is a body as events have it.
type body struct {
	text   string
	base64 bool
}

func build(ctx context.Context, method string, u *url.URL, b body) (*http.Request, error) {
	data := []byte(b.text)
	if b.base64 {
		var err error
		if data, err = base64.StdEncoding.DecodeString(b.text); err != nil {
			return nil, fmt.Errorf("%w: its body is no base64", errNoEvent)
		}
	}
	if u.Path == "" {
		u.Path = "/"
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://function/", bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errNoEvent, err)
	}
	r.URL, r.RequestURI = u, u.RequestURI()
	return r, nil
}

// answer is what the handler answers. It implements http.ResponseWriter.
type answer struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if !a.wrote {
		a.wrote, a.status = true, status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.wrote = true
	return a.body.Write(p)
}

// text is the body as an event says it.
func (a *answer) text() (text string, base64ed bool) {
	if utf8.Valid(a.body.Bytes()) {
		return a.body.String(), false
	}
	return base64.StdEncoding.EncodeToString(a.body.Bytes()), true
}

func (a *answer) v1() events.APIGatewayProxyResponse {
	text, coded := a.text()
	return events.APIGatewayProxyResponse{StatusCode: a.status, MultiValueHeaders: a.header, Body: text, IsBase64Encoded: coded}
}

func (a *answer) v2() events.APIGatewayV2HTTPResponse {
	text, coded := a.text()
	out := events.APIGatewayV2HTTPResponse{StatusCode: a.status, Headers: map[string]string{}, Body: text, IsBase64Encoded: coded}
	for k, vs := range a.header {
		if k == "Set-Cookie" {
			out.Cookies = vs
			continue
		}
		out.Headers[k] = strings.Join(vs, ", ")
	}
	return out
}
