package telemetry

import (
	"io"
	"log/slog"
	"os"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/env"
	"gitlab.com/nines-sre/nines/telemetry/internal/line"
	"gitlab.com/nines-sre/nines/telemetry/log"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// Option changes what the environment says.
type Option func(*config)

type config struct {
	getenv                      func(string) string
	out                         io.Writer
	now                         func() time.Time
	clock                       bool // now is the caller's
	service, version, namespace string
	margin, flushWithin         time.Duration
	traceEvery                  time.Duration
	coldStart, lives            bool // lives: the process is no function
	correlate                   func(event any) string
	log                         []log.Option
	metrics                     []metrics.Option
	trace                       []trace.Option
}

func defaults() config {
	return config{getenv: os.Getenv, now: time.Now, flushWithin: 500 * time.Millisecond, traceEvery: time.Second}
}

// WithService names the service; otherwise POWERTOOLS_SERVICE_NAME does.
func WithService(name string) Option { return func(c *config) { c.service = name } }

// WithVersion names the version of the service that runs; otherwise
// POWERTOOLS_SERVICE_VERSION does, or the published version of the function, or
// the commit that the binary was built from.
func WithVersion(version string) Option { return func(c *config) { c.version = version } }

// WithNamespace names the metrics' namespace; otherwise
// POWERTOOLS_METRICS_NAMESPACE does.
func WithNamespace(namespace string) Option { return func(c *config) { c.namespace = namespace } }

// WithWriter writes logs and metrics to w instead of standard output.
func WithWriter(w io.Writer) Option { return func(c *config) { c.out = w } }

// WithEnvironment reads variables by get instead of os.Getenv.
func WithEnvironment(get func(name string) string) Option { return func(c *config) { c.getenv = get } }

// WithClock reads the time from now instead of time.Now, for logs, metrics, spans
// and durations alike: for tests and examples. Timers do not go by it.
func WithClock(now func() time.Time) Option {
	return func(c *config) { c.now, c.clock = now, true }
}

// WithTimeoutMargin says how long before an invocation's deadline everything known
// is written and sent. Otherwise it is a twentieth of the time there is, from 10
// to 200 ms.
func WithTimeoutMargin(d time.Duration) Option { return func(c *config) { c.margin = d } }

// WithTraceInterval says how often spans are sent at most, 1 s otherwise. A busy
// function sends many invocations' spans in one request, a quiet one sends each
// after its answer.
func WithTraceInterval(d time.Duration) Option { return func(c *config) { c.traceEvery = d } }

// WithColdStartMetric counts cold starts in a metric ColdStart with the dimensions
// function_name and service.
func WithColdStartMetric() Option { return func(c *config) { c.coldStart = true } }

// WithCorrelation finds the correlation id in an event, typed, before the usual
// places are looked at. E is the event as the handler gets it; for a handler of
// bytes it is []byte.
func WithCorrelation[E any](pick func(event E) string) Option {
	return func(c *config) {
		c.correlate = func(event any) string {
			if e, ok := event.(E); ok {
				return pick(e)
			}
			return ""
		}
	}
}

// WithLog passes options on to [log.New].
func WithLog(opts ...log.Option) Option { return func(c *config) { c.log = append(c.log, opts...) } }

// WithMetrics passes options on to [metrics.New].
func WithMetrics(opts ...metrics.Option) Option {
	return func(c *config) { c.metrics = append(c.metrics, opts...) }
}

// WithTrace passes options on to [trace.New].
func WithTrace(opts ...trace.Option) Option {
	return func(c *config) { c.trace = append(c.trace, opts...) }
}

// apply lets the options overrule the environment.
func (c *config) apply(s *env.Settings) {
	if c.service != "" {
		s.Service = c.service
	}
	if c.version != "" {
		s.Version = c.version
	}
	if c.namespace != "" {
		s.Namespace = c.namespace
	}
}

func (c *config) logOptions(out *line.Writer) []log.Option {
	opts := []log.Option{log.WithEnvironment(c.getenv), log.WithWriter(out)}
	if c.clock {
		opts = append(opts, log.WithClock(c.now))
	}
	if c.service != "" {
		opts = append(opts, log.WithService(c.service))
	}
	return append(opts, c.log...)
}

func (c *config) metricsOptions(out *line.Writer) []metrics.Option {
	opts := []metrics.Option{metrics.WithEnvironment(c.getenv), metrics.WithWriter(out), metrics.WithClock(c.now)}
	if c.service != "" {
		opts = append(opts, metrics.WithService(c.service))
	}
	if c.namespace != "" {
		opts = append(opts, metrics.WithNamespace(c.namespace))
	}
	return append(opts, c.metrics...)
}

func (c *config) traceOptions(s env.Settings) []trace.Option {
	opts := []trace.Option{trace.WithEnvironment(c.getenv), trace.WithService(s.Service), trace.WithClock(c.now)}
	if s.Version != "" {
		opts = append(opts, trace.WithResource(slog.String("service.version", s.Version))) //nolint:sloglint // as OpenTelemetry names it
	}
	if s.Function.Concurrency > 1 {
		opts = append(opts, trace.WithInterval(c.traceEvery))
	}
	return append(opts, c.trace...)
}
