// Package log is a handler for log/slog that writes the records of a Lambda
// function, a server or a daemon: one line of JSON each, with the keys that
// Powertools for AWS Lambda gives them, and without allocating.
//
//	logger := slog.New(log.New())
//	logger.InfoContext(ctx, "order placed", "order_id", id)
//
// # Keys
//
// A record has, in this order:
//
//	level          TRACE, DEBUG, INFO, WARN, ERROR or FATAL: Lambda's names; levels
//	               between them have the name of the next lower one
//	message
//	timestamp      RFC 3339 with milliseconds
//	service
//	cold_start, function_arn, function_memory_size, function_name,
//	function_request_id (request_id outside of a function)
//	sampling_rate
//	xray_trace_id, tenant_id, correlation_id
//	location       file and line, with [WithSource]
//	...            keys of the logger (With, WithAttrs), then of the context ([With]),
//	               then of the call
//
// What is not known is left out. No key comes twice: of equal ones the last stays,
// so a call's key takes the place of a logger's, and an attribute may take the
// place of what is known of the invocation. The keys level, message, timestamp,
// service and sampling_rate are the record's own: an attribute with such a name is
// written as attr_level and so on, and counted ([Lost]). At the top, null and ""
// say that a key is to be left out, also one that was said before.
//
// The keys of an invocation come from the context. The wrapper of package telemetry
// puts them there; without it, the context of aws-lambda-go is enough for all but
// cold_start.
//
// # Debug records
//
// With a sample rate, some invocations write their debug records although the
// level is above them: exactly that share, and all functions of a trace alike.
// With a buffer ([WithBuffer]), an invocation holds its debug records and writes
// them when it logs an error.
//
// # Settings
//
// POWERTOOLS_SERVICE_NAME, POWERTOOLS_LOG_LEVEL (or LOG_LEVEL),
// AWS_LAMBDA_LOG_LEVEL, POWERTOOLS_LOGGER_SAMPLE_RATE, POWERTOOLS_DEV (lines for a
// person) and TZ are read from the environment; options overrule them.
//
// # What can go wrong
//
// Nothing that reaches the function. A stream that is full or closed costs lines,
// which are counted; foreign code that panics while a value is encoded costs that
// value; a record that is longer than CloudWatch takes loses its attributes and
// says so in oversize_bytes.
package log
