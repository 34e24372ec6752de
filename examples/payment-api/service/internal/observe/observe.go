// Package observe is what the payment API tells about itself: for each payment
// the metrics Requests, Errors and Latency in CloudWatch's embedded metric format,
// what became of it in the record of its request, and a record of its own where
// the service failed. It is the one package here that knows the telemetry library.
package observe

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/web"
	"gitlab.com/nines-sre/nines/telemetry"
	"gitlab.com/nines-sre/nines/telemetry/log"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

// The names of the two services.
const (
	PaymentAPI  = "payment-api"
	CardNetwork = "card-network"
)

// Options are the telemetry library's for a service: what the environment says
// wins, and a card's token is in no record.
func Options(service, version string, getenv func(string) string) []telemetry.Option {
	usual := map[string]string{
		"POWERTOOLS_SERVICE_NAME": service, "POWERTOOLS_SERVICE_VERSION": version, "POWERTOOLS_METRICS_NAMESPACE": "PaymentAPI",
	}
	return []telemetry.Option{
		telemetry.WithLog(log.WithRedact("card")),
		telemetry.WithEnvironment(func(name string) string {
			if v := getenv(name); v != "" {
				return v
			}
			return usual[name]
		}),
	}
}

// Simulated are the options of lines that go to w, by another clock.
func Simulated(w io.Writer, now func() time.Time) []telemetry.Option {
	return []telemetry.Option{
		telemetry.WithWriter(w), telemetry.WithMetrics(metrics.WithClock(now)), telemetry.WithLog(log.WithClock(now)),
	}
}

// Observer tells it. It implements web.Recorder.
type Observer struct {
	tel *telemetry.Telemetry

	requests, errors, latency *metrics.Metric
	process                   metrics.Dimensions
}

// New makes an observer of a version. published is the number that Lambda gave it,
// by which an alias moves its traffic; "" outside of Lambda. It never fails: what
// cannot be told costs itself.
func New(t *telemetry.Telemetry, version, published string) *Observer {
	o := &Observer{
		tel:      t,
		requests: t.Metrics.MustMetric("Requests", metrics.Count),
		errors:   t.Metrics.MustMetric("Errors", metrics.Count),
		latency:  t.Metrics.MustMetric("Latency", metrics.Milliseconds),
	}
	// Objectives are about a route, canaries about a version: each value counts in
	// each set.
	route := t.Metrics.MustDimensions("route").Of(web.RouteProcess)
	sets := []metrics.Dimensions{route, t.Metrics.MustDimensions("version").Of(version)}
	if published != "" {
		sets = append(sets, t.Metrics.MustDimensions("function_version").Of(published))
	}
	var err error
	if o.process, err = t.Metrics.Sets(sets...); err != nil {
		o.process = route
		t.Log.Warn("the version is no dimension", log.Err(err))
	}
	return o
}

// Done implements web.Recorder.
func (o *Observer) Done(ctx context.Context, d web.Done) {
	failed := 0.0
	if d.Status >= http.StatusInternalServerError {
		failed = 1
		o.tel.Log.ErrorContext(ctx, "the payment failed", log.Err(d.Answer.Cause), slog.Int("status", d.Status))
	}
	telemetry.Add(ctx, slog.String("payment", d.Answer.Body.Payment), slog.String("payment_status", d.Answer.Body.Status), slog.String("payment_code", d.Answer.Body.Code))
	o.requests.With(o.process).Add(ctx, 1)
	o.errors.With(o.process).Add(ctx, failed)
	o.latency.With(o.process).Add(ctx, float64(d.Took)/float64(time.Millisecond))
}

// Flushed writes the metrics of each payment at once: where nobody else does, as
// in a simulation.
type Flushed struct{ *Observer }

// Done implements web.Recorder.
func (f Flushed) Done(ctx context.Context, d web.Done) {
	f.Observer.Done(ctx, d)
	f.tel.Metrics.Flush(ctx)
}
