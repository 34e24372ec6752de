// Package lambdatest runs a Lambda function's own binary the way Lambda does: as
// a process that asks a Runtime API for invocations and answers them, beside
// extensions that ask for theirs. It needs neither Docker nor an account, and
// knows nothing about what a function does.
//
//	env := lambdatest.Start(lambdatest.Function{Command: lambdatest.Build(t, "./cmd/pay")})
//	defer env.Close()
//	res, err := env.Invoke(ctx, lambdatest.Invocation{Payload: []byte(`{}`)})
//
// [Build] builds the binary; with [Main] and [Self] the test executable is the
// function, and nothing is built.
//
// # What is here
//
// The names in quotes are chapters of the AWS Lambda developer guide.
//
//   - "Using the Lambda runtime API for custom runtimes" (2018-06-01): next,
//     response, error, init error; streamed responses with error trailers; X-Ray
//     header, client context, Cognito identity, tenant; deadlines; the limits of
//     "Lambda quotas" for events and responses.
//   - "Using the Lambda Extensions API to create extensions" (2020-01-01):
//     external extensions as processes that register before the function starts,
//     internal ones in the function's process; INVOKE and SHUTDOWN; init error and
//     exit error. An invocation is over when the runtime and every extension asked
//     for the next one; its caller has the response before.
//   - "Lambda Telemetry API" (2022-07-01, schemas up to 2025-01-29): subscriptions
//     with buffering, platform events, lines of the function and of extensions.
//   - "Understanding the Lambda execution environment lifecycle": cold starts, the
//     freeze between invocations, SIGTERM and SIGKILL with their times, several
//     environments at once.
//   - "Understanding the Lambda Managed Instances execution environment": several
//     invocations at once in one environment (AWS_LAMBDA_MAX_CONCURRENCY).
//   - "Log-level filtering": [Kept] tells which lines CloudWatch Logs would get.
//
// What the guide does not say is taken from Lambda's own open runtime interface
// emulator (aws/aws-lambda-runtime-interface-emulator): states, error types, that
// a runtime which asks again without an answer gets the same event again, that an
// answer after the timeout of a managed instance is refused with 410 (which ends
// a process of aws-lambda-go 1.55.1).
//
// # What is not here
//
//   - Isolation: processes run on this machine, with its files, network and
//     memory. Memory is told, not enforced. A telemetry listener must listen on
//     127.0.0.1 or on all addresses: sandbox.localdomain is only known to
//     subscriptions.
//   - The second try of a start that failed (it is an invocation's result here),
//     SnapStart and its restore hooks, provisioned concurrency.
//   - Credentials, X-Ray's daemon, the Logs API (superseded by the Telemetry API),
//     telemetry by TCP, platform.restore events.
//   - Queues, retries and destinations of asynchronous invocations.
//   - With Concurrency an invocation waits for a free worker; Lambda refuses it.
//   - Filtering by level of what the Telemetry API delivers: the guide says
//     nothing of it, so everything is delivered.
//   - Freezing and SIGTERM outside of Unix. Only an environment's own processes
//     are stopped and killed, not what those start.
package lambdatest
