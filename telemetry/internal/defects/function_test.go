package defects_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"

	"gitlab.com/nines-sre/nines/telemetry"
	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// failing is a handler whose every invocation fails.
func failing(context.Context) error { return errors.New("card declined") }

func theirFailure() { lambda.Start(failing) }
func ourFailure()   { lambda.Start(telemetry.Wrap(failing)) }

func panicking(context.Context) error { panic("no way") }

func theirPanic() { lambda.Start(panicking) }
func ourPanic()   { lambda.Start(telemetry.Wrap(panicking)) }

// TestDefectUnhandledErrors: aws-lambda-go prints an error that a function returns,
// and a panic, as JSON without a level, which Lambda takes for INFO; at a level of
// ERROR the one line that matters is dropped. Ours writes a record of level ERROR
// with the error in it, and Lambda's caller gets what it got before.
func TestDefectUnhandledErrors(t *testing.T) {
	t.Parallel()
	logging := []string{"AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=ERROR"}
	for name, message := range map[string]string{"failure": "card declined", "panic": "no way"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theirs, ours := invoked(t, "their "+name, logging), invoked(t, "our "+name, logging)
			if len(theirs.Logs) == 0 || mention(lambdatest.Kept(logging, theirs.Logs), message) != 0 {
				t.Errorf("what aws-lambda-go prints passes a level of ERROR now: %q", theirs.Logs)
			}
			if kept := lambdatest.Kept(logging, ours.Logs); mention(kept, message) == 0 {
				t.Errorf("the error is not kept: %q of %q", kept, ours.Logs)
			}
			if theirs.Error == nil || ours.Error == nil || theirs.Error.Message != ours.Error.Message || theirs.Error.Type != ours.Error.Type {
				t.Errorf("the caller gets %+v, and %+v without the library", ours.Error, theirs.Error)
			}
		})
	}
}

// mention counts the lines of level ERROR or FATAL that say something.
func mention(lines []lambdatest.LogEvent, something string) (n int) {
	for _, l := range lines {
		if strings.Contains(l.Line, something) && (l.Level == "ERROR" || l.Level == "FATAL") {
			n++
		}
	}
	return n
}

// invoked runs a program of this test as a function, once.
func invoked(t *testing.T, program string, env []string) lambdatest.Result {
	t.Helper()
	e := lambdatest.Start(lambdatest.Function{Command: lambdatest.Self(program), Env: env})
	defer e.Close()
	res, err := e.Invoke(t.Context(), lambdatest.Invocation{Payload: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	return res
}
