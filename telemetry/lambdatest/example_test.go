package lambdatest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// A function that TestMain names is run without being built.
func Example() {
	env := lambdatest.Start(lambdatest.Function{Command: lambdatest.Self("hello"), Timeout: 10 * time.Second})
	defer env.Close()
	for range 2 {
		res, err := env.Invoke(context.Background(), lambdatest.Invocation{Payload: []byte(`"you"`)})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s cold=%t lines=%d\n", res.Payload, res.Cold, len(res.Logs))
	}
	// Output:
	// "hello you" cold=true lines=1
	// "hello you" cold=false lines=1
}

// A failure of the function is part of the result; the error is the kit's.
func ExampleEnvironment_Invoke() {
	env := lambdatest.Start(lambdatest.Function{Command: lambdatest.Self("hello"), Timeout: 10 * time.Second})
	defer env.Close()
	res, err := env.Invoke(context.Background(), lambdatest.Invocation{Payload: []byte(`7`)})
	fmt.Println(err, res.OK(), res.Error.Type)
	// Output: <nil> false UnmarshalTypeError
}

// What CloudWatch Logs would get of a function's lines is a question of its
// logging configuration.
func ExampleKept() {
	settings := []string{"AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=WARN"}
	for _, e := range lambdatest.Kept(settings, []string{
		`{"level":"warn","timestamp":"2026-11-23T07:00:00Z","message":"kept"}`,
		`{"level":"INFO","timestamp":"2026-11-23T07:00:00Z","message":"dropped"}`,
		`{"level":"ERROR","time":"2026-11-23T07:00:00Z","message":"dropped: Lambda sees no timestamp, and takes it for INFO"}`,
	}) {
		fmt.Println(e.Level, e.Line)
	}
	// Output: WARN {"level":"warn","timestamp":"2026-11-23T07:00:00Z","message":"kept"}
}

// Build makes the binary that would be deployed.
func ExampleBuild() {
	_ = func(t *testing.T) { // a test
		env := lambdatest.Start(lambdatest.Function{Command: lambdatest.Build(t, "./cmd/pay", "-ldflags=-s -w")})
		t.Cleanup(env.Close)
	}
	// Output:
}

// An extension is a process beside the function.
func ExampleExtension() {
	env := lambdatest.Start(lambdatest.Function{
		Command: lambdatest.Self("hello"), Timeout: 10 * time.Second,
		Extensions: []lambdatest.Extension{{Name: "ext", Command: lambdatest.Self("extension")}},
	})
	res, err := env.Invoke(context.Background(), lambdatest.Invocation{Payload: []byte(`"you"`)})
	env.Close() // sends it SHUTDOWN
	fmt.Println(err, res.OK(), len(res.ExtensionLogs))
	// Output: <nil> true 2
}
