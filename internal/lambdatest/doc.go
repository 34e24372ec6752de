// Package lambdatest runs a Lambda function's own binary the way Lambda does: as
// a process that asks a Runtime API for invocations and answers them. It is a
// double of that API (version 2018-06-01) and of what surrounds it: execution
// environments that start cold and stay warm, deadlines at which a process is
// killed, crashes, several environments at once.
//
// It knows nothing about what a function does, and needs neither Docker nor an
// account.
//
//	env := lambdatest.Start(lambdatest.Function{Command: bootstrap})
//	defer env.Close()
//	res, err := env.Invoke(ctx, lambdatest.Invocation{Payload: []byte(`{}`)})
//
// Not here: extensions, the Telemetry API, response streaming, and several
// invocations at once in one environment.
package lambdatest
