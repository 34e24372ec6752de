package function_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/function"
)

// echo answers with what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "text/plain")
	http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
	http.SetCookie(w, &http.Cookie{Name: "more", Value: "2"})
	w.WriteHeader(http.StatusTeapot)
	w.WriteHeader(http.StatusOK) // too late
	_, _ = fmt.Fprintf(w, "%s %s?%s %s %q %s", r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Idempotency-Key"), r.Header["X-Two"], body)
}

// decoded reads events as Lambda's runtime does before it calls the handler.
func decoded(h http.HandlerFunc) func(context.Context, json.RawMessage) (any, error) {
	handle := function.Handle(h)
	return func(ctx context.Context, event json.RawMessage) (any, error) {
		var e function.Event
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, err
		}
		return handle(ctx, e)
	}
}

const v1 = `{"resource":"/process","path":"/process","httpMethod":"POST","headers":{"idempotency-key":"k","x-two":"b"},
"multiValueHeaders":{"idempotency-key":["k"],"x-two":["a","b"]},"queryStringParameters":{"q":"2"},"multiValueQueryStringParameters":{"q":["1","2"]},
"requestContext":{"requestId":"id","stage":"live","identity":{"sourceIp":"192.0.2.1"}},"body":"hello","isBase64Encoded":false}`

const v2 = `{"version":"2.0","routeKey":"POST /process","rawPath":"/live/process","rawQueryString":"q=1&q=2","cookies":["a=1","b=2"],
"headers":{"idempotency-key":"k","x-two":"a,b"},"requestContext":{"stage":"live","requestId":"id","http":{"method":"POST","path":"/live/process","sourceIp":"192.0.2.1"}},
"body":"aGVsbG8=","isBase64Encoded":true}`

func TestEvents(t *testing.T) {
	handle := decoded(echo)
	for _, tc := range []struct{ name, event, body, cookies string }{
		{"REST API", v1, `POST /process?q=1&q=2 k ["a" "b"] hello`, `"Set-Cookie":["seen=1","more=2"]`},
		{"HTTP API", v2, `POST /process?q=1&q=2 k ["a,b"] hello`, `"cookies":["seen=1","more=2"]`},
		{"HTTP API, default stage", strings.ReplaceAll(v2, `"stage":"live"`, `"stage":"$default"`), `POST /live/process?q=1&q=2 k ["a,b"] hello`, ""},
		{"REST API, single values", `{"path":"","httpMethod":"GET","headers":{"x-two":"a"},"queryStringParameters":{"q":"2"}}`, `GET /?q=2  ["a"] `, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := handle(t.Context(), json.RawMessage(tc.event))
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			var answer struct {
				Status int    `json:"statusCode"`
				Body   string `json:"body"`
				Coded  bool   `json:"isBase64Encoded"`
			}
			if err := json.Unmarshal(text, &answer); err != nil || answer.Status != http.StatusTeapot || answer.Body != tc.body || answer.Coded || !strings.Contains(string(text), tc.cookies) {
				t.Errorf("%v, %s\nwant %q", err, text, tc.body)
			}
		})
	}
}

// An answer that is no text travels as base64.
func TestBinary(t *testing.T) {
	handle := decoded(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte{0xff, 0}) }) //nolint:errcheck // it cannot fail
	got, err := handle(t.Context(), json.RawMessage(v2))
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(got); !strings.Contains(text, base64.StdEncoding.EncodeToString([]byte{0xff, 0})) || !strings.Contains(text, "true") {
		t.Error(text)
	}
}

func bad() []string {
	return []string{
		``, `null`, `{}`, `[]`, `"POST"`, `{"version":2}`, `{"version":"2.0"`, `{"Records":[]}`, `{"httpMethod":"B A D"}`,
		`{"httpMethod":"POST","body":"%","isBase64Encoded":true}`, `{"version":"2.0","requestContext":[]}`, `{"httpMethod":"GET","path":1}`,
	}
}

func TestNoEvents(t *testing.T) {
	handle := decoded(echo)
	for _, event := range bad() {
		if got, err := handle(t.Context(), json.RawMessage(event)); err == nil {
			t.Errorf("%s is answered: %v", event, got)
		}
	}
}

func FuzzEvent(f *testing.F) {
	for _, event := range append(bad(), v1, v2) {
		f.Add([]byte(event))
	}
	handle := decoded(echo)
	f.Fuzz(func(t *testing.T, event []byte) {
		if got, err := handle(t.Context(), event); err == nil {
			if _, err := json.Marshal(got); err != nil {
				t.Errorf("%s: %v", event, err)
			}
		}
	})
}
