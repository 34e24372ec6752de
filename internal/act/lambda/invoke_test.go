package lambda_test

import (
	"context"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/act/lambda"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/lambdad"
)

// TestInvoke asks functions over the wire: what they answered, that they failed, and
// what came of an attempt that reached none; each attempt is one request.
func TestInvoke(t *testing.T) {
	b := start(t, lambdad.Config{Invoke: func(in lambdad.Invocation) lambdad.Answer {
		switch text := string(in.Payload); {
		case strings.Contains(text, "fail"):
			return lambdad.Answer{Payload: []byte(`{"errorMessage":"no"}`), Error: "Unhandled"}
		default:
			return lambdad.Answer{Payload: []byte(in.Version + " " + text)}
		}
	}})
	for key, value := range map[string]string{
		"AWS_ENDPOINT_URL_LAMBDA": b.url, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(key, value)
	}
	invoke, err := lambda.OpenInvoker(t.Context(), lambda.Options{Region: "eu-west-1", Client: b.http})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		function, event, answer string
		failed                  bool
		trouble                 *lambdad.Trouble
		kind                    fault.Kind
	}{
		{function: "pay", event: `{"a":1}`, answer: `$LATEST {"a":1}`},
		{function: "pay:2", event: "2", answer: "2 2"},
		{function: "pay:live", event: "3", answer: "1 3"},
		{function: "pay", event: `"fail"`, answer: `{"errorMessage":"no"}`, failed: true},
		{function: "cart", event: "{}", kind: fault.NotFound},
		{function: "pay", event: "{}", trouble: new(lambdad.Throttle("Invoke", 1)), kind: fault.Throttled},
		{function: "pay", event: "{}", trouble: new(lambdad.Deny("Invoke", 1)), kind: fault.Denied},
		{function: "pay", event: "{}", trouble: new(lambdad.Break("Invoke", 1)), kind: fault.Unavailable},
		{function: "pay", event: "{}", trouble: &lambdad.Trouble{Op: "Invoke", Times: 1, LostAnswer: true}, kind: fault.Unavailable},
	} {
		if c.trouble != nil {
			b.server.Fail(*c.trouble)
		}
		before := len(b.server.Requests())
		answer, failed, err := invoke(t.Context(), c.function, []byte(c.event))
		if n := len(b.server.Requests()) - before; n != 1 {
			t.Errorf("%s %s: %d requests: an attempt is what is counted", c.function, c.event, n)
		}
		if (c.kind == fault.Internal) != (err == nil) || err != nil && fault.KindOf(err) != c.kind || string(answer) != c.answer || failed != c.failed {
			t.Errorf("%s %s: %q, %v, %v (%s), want %q, %v, %s", c.function, c.event, answer, failed, err, fault.KindOf(err), c.answer, c.failed, c.kind)
		}
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	if _, _, err := invoke(ended, "pay", nil); err == nil {
		t.Error("a call that was given up has no error")
	}
	b.http.CloseIdleConnections()
}
