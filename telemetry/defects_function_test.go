package telemetry_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// theirFailure is a function that is not wrapped, and fails.
func theirFailure() {
	lambda.Start(func(context.Context) error { return errors.New("card declined") })
}

// TestDefectUnhandledErrors: aws-lambda-go prints an error that a function returns
// as JSON without a level, which Lambda takes for INFO; with a level of ERROR the
// one line that matters is dropped.
func TestDefectUnhandledErrors(t *testing.T) {
	t.Parallel()
	logging := []string{"AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=ERROR"}
	t.Run("theirs", func(t *testing.T) {
		t.Parallel()
		res := invoke(t, "their failure", logging)
		if len(res.Logs) == 0 || len(lambdatest.Kept(logging, res.Logs)) != 0 {
			t.Errorf("the error passes a level of ERROR now: %q", res.Logs)
		}
	})
}

// invoke runs a program of this test as a function, once.
func invoke(t *testing.T, program string, env []string) lambdatest.Result {
	t.Helper()
	e := lambdatest.Start(lambdatest.Function{Command: lambdatest.Self(program), Env: env})
	defer e.Close()
	res, err := e.Invoke(t.Context(), lambdatest.Invocation{Payload: []byte("{}"), TraceID: "Root=1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810;Parent=53995c3f42cd8ad8;Sampled=1"})
	if err != nil {
		t.Fatal(err)
	}
	return res
}
