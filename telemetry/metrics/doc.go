// Package metrics writes metrics as CloudWatch reads them from logs: the embedded
// metric format, one JSON document a line, on standard output. No call to
// CloudWatch is made and nothing waits for one.
//
// Metrics and dimensions are registered once, and checked then: what CloudWatch
// would drop in silence is an error at start-up that says what to do.
//
//	m := metrics.New(metrics.WithNamespace("PaymentAPI"))
//	orders := m.MustMetric("Orders", metrics.Count)
//	latency := m.MustMetric("Latency", metrics.Milliseconds, metrics.HighResolution())
//	route := m.MustDimensions("route")
//
//	orders.Add(ctx, 1)
//	latency.With(route.Of("POST /process")).Add(ctx, 12.5)
//	m.Flush(ctx) // telemetry.Wrap does it at the end of each invocation
//
// What only shows at run time (a value that is no number, a dimension value that
// CloudWatch refuses, a full standard output) is dropped and counted with its
// reason; see [Registry.Flush] and [Registry.Dropped]. A line is whole and valid,
// or is not written. Nothing here panics ([Registry.MustMetric] and
// [Registry.MustDimensions] excepted, which say so in their names), returns an
// error on a hot path, or allocates there.
//
// Values are kept apart by invocation, which the context names. Without one, as in
// a daemon, they belong to the process. Values of one metric that have different
// dimensions are never in one document.
//
// The settings of Powertools for AWS Lambda hold: POWERTOOLS_METRICS_NAMESPACE,
// POWERTOOLS_SERVICE_NAME, POWERTOOLS_METRICS_DISABLED,
// POWERTOOLS_METRICS_FUNCTION_NAME, POWERTOOLS_DEV.
package metrics
