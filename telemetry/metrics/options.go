package metrics

import (
	"io"
	"os"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/line"
)

// Option changes what [New] makes.
type Option func(*options)

type options struct {
	namespace, service, function string
	dimensions                   []dimension
	out                          io.Writer
	now                          func() time.Time
	get                          func(string) string
	limit                        int
	shared                       bool
}

func defaults() options {
	return options{now: time.Now, get: os.Getenv, limit: defaultLimit}
}

// writer is where documents go. Logs and metrics of one process share a
// [line.Writer], so that their lines do not mix.
func (o *options) writer() *line.Writer {
	if o.out == nil {
		return line.Stdout()
	}
	return line.New(o.out)
}

// WithNamespace sets the namespace, before POWERTOOLS_METRICS_NAMESPACE.
func WithNamespace(name string) Option { return func(o *options) { o.namespace = name } }

// WithService sets the default dimension "service", before
// POWERTOOLS_SERVICE_NAME and OTEL_SERVICE_NAME.
func WithService(name string) Option { return func(o *options) { o.service = name } }

// WithDimension adds a default dimension, one that every metric has besides
// "service": environment, region. Of a name given twice the last value counts.
func WithDimension(name, value string) Option {
	return func(o *options) { o.dimensions = append(o.dimensions, dimension{name, value}) }
}

// WithFunctionName sets the function_name of the cold start metric, before
// POWERTOOLS_METRICS_FUNCTION_NAME and the function's own name.
func WithFunctionName(name string) Option { return func(o *options) { o.function = name } }

// WithWriter sets where documents go; standard output unless said. A pipe that
// nobody reads costs lines, which are counted ([LineLost]), not time.
func WithWriter(out io.Writer) Option { return func(o *options) { o.out = out } }

// WithClock sets the clock, for tests.
func WithClock(now func() time.Time) Option {
	return func(o *options) {
		if now != nil {
			o.now = now
		}
	}
}

// WithEnvironment sets where settings are read from: os.Getenv unless said.
func WithEnvironment(get func(string) string) Option {
	return func(o *options) {
		if get != nil {
			o.get = get
		}
	}
}

// WithDocumentLimit sets the greatest length of a document in bytes, from 128 KiB
// to 1 MiB; 256 KiB unless said, which is what every age of CloudWatch Logs takes.
// What would be longer is split into several documents.
func WithDocumentLimit(bytes int) Option {
	return func(o *options) { o.limit = min(max(bytes, leastLimit), mostLimit) }
}

// WithoutInvocations keeps one record for the whole process, whatever the context
// says: a server with many requests a second writes one document at each
// [Registry.Flush] instead of one for each request. Metadata is then the
// process's too.
func WithoutInvocations() Option { return func(o *options) { o.shared = true } }
