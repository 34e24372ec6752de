// Package observe is what the payment API tells about itself: for each payment
// the metrics Requests, Errors and Latency in CloudWatch's embedded metric format,
// and a record where the service failed. It is the one package here that knows the
// telemetry library.
package observe

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/web"
	"gitlab.com/nines-sre/nines/telemetry/log"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// Settings say what is told, and where to.
type Settings struct {
	Version string
	// Out gets the lines; nil: standard output, which is given up on where nobody
	// reads it.
	Out io.Writer
	// Now tells the time of the lines; nil: the machine's clock.
	Now func() time.Time
	// Getenv reads the environment: POWERTOOLS_* and OTEL_*.
	Getenv func(string) string
}

// usual are the settings that the environment does not say.
func (s Settings) usual(name string) string {
	if v := s.Getenv(name); v != "" {
		return v
	}
	return map[string]string{
		"POWERTOOLS_SERVICE_NAME": "payment-api", "POWERTOOLS_SERVICE_VERSION": s.Version, "POWERTOOLS_METRICS_NAMESPACE": "PaymentAPI",
	}[name]
}

// Observer tells it. It implements web.Recorder.
type Observer struct {
	metrics *metrics.Registry
	log     *slog.Logger
	trace   *trace.Tracer

	requests, errors, latency *metrics.Metric
	process                   metrics.Dimensions
}

// New makes an observer. It never fails: what is wrong with the settings is
// logged, and costs what it is about.
func New(s Settings) *Observer {
	m := []metrics.Option{metrics.WithEnvironment(s.usual), metrics.WithClock(s.Now)}
	l := []log.Option{log.WithEnvironment(s.usual), log.WithClock(s.Now), log.WithRedact("card"), log.WithAttrs(slog.String("version", s.Version))}
	if s.Out != nil {
		m, l = append(m, metrics.WithWriter(s.Out)), append(l, log.WithWriter(s.Out))
	}
	h := log.New(l...)
	o := &Observer{metrics: metrics.New(m...), log: slog.New(h)}
	var err error
	if o.trace, err = trace.New(trace.WithEnvironment(s.usual)); err != nil {
		o.log.Warn("traces", log.Err(err)) //nolint:sloglint // nothing has begun
	}
	o.requests = o.metrics.MustMetric("Requests", metrics.Count)
	o.errors = o.metrics.MustMetric("Errors", metrics.Count)
	o.latency = o.metrics.MustMetric("Latency", metrics.Milliseconds)
	// Objectives are about a route, canaries about a version: each value counts in
	// both sets.
	route := o.metrics.MustDimensions("route").Of(web.RouteProcess)
	version := o.metrics.MustDimensions("version").Of(s.Version)
	if o.process, err = o.metrics.Sets(route, version); err != nil {
		o.process = route
		o.log.Warn("the version is no dimension", log.Err(err)) //nolint:sloglint // nothing has begun
	}
	return o
}

// Done implements web.Recorder.
func (o *Observer) Done(ctx context.Context, d web.Done) {
	failed := 0.0
	if d.Status >= http.StatusInternalServerError {
		failed = 1
		o.log.ErrorContext(ctx, "the payment failed", log.Err(d.Answer.Cause), slog.Int("status", d.Status))
	}
	o.requests.With(o.process).Add(ctx, 1)
	o.errors.With(o.process).Add(ctx, failed)
	o.latency.With(o.process).Add(ctx, float64(d.Took)/float64(time.Millisecond))
	o.metrics.Flush(ctx)
}

// Transport makes a span of each request that goes out by rt, and sends the
// trace's header along.
func (o *Observer) Transport(rt http.RoundTripper) http.RoundTripper { return o.trace.Transport(rt) }
