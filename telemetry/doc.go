// Package telemetry gives a function, a server or a daemon structured logs, metrics
// and traces in one line, and never costs it more than it must: what is written
// cannot block the function, fail it, or change its answer.
//
// On Lambda:
//
//	func main() { lambda.Start(telemetry.Wrap(handle)) }
//
// In a server:
//
//	tel, stop := telemetry.Start(ctx)
//	defer stop(context.WithoutCancel(ctx))
//	http.ListenAndServe(addr, tel.Middleware(mux))
//
// Settings come from the environment: those of Lambda (AWS_LAMBDA_LOG_LEVEL), of
// Powertools for AWS Lambda (POWERTOOLS_SERVICE_NAME), and of OpenTelemetry
// (OTEL_EXPORTER_OTLP_ENDPOINT). Options overrule them.
//
// Every invocation ends with one wide record: what was asked, by whom, which
// version answered, how long it took, how it ended, whether the process was new.
// That is what a search for a root cause reads; [Add] puts more into it.
//
// The parts stand alone, too: [gitlab.com/nines-sre/nines/telemetry/log],
// [gitlab.com/nines-sre/nines/telemetry/metrics],
// [gitlab.com/nines-sre/nines/telemetry/trace]. To test a function end to end
// there is [gitlab.com/nines-sre/nines/telemetry/lambdatest].
package telemetry
