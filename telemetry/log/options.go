package log

import (
	"io"
	"log/slog"
	"os"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/env"
	"gitlab.com/nines-sre/nines/telemetry/internal/line"
)

// DefaultBuffer is how many bytes of debug records an invocation holds unless
// [WithBuffer] says otherwise: as many as Powertools.
const DefaultBuffer = 20480

// Option says how a logger is to be; what no option says comes from the
// environment.
type Option func(*config)

type config struct {
	get      func(string) string
	out      io.Writer
	service  string
	level    slog.Leveler
	rate     *float64
	buffer   int
	redact   []string
	source   bool
	critical bool
	dev      *bool
	zone     *time.Location
	clock    func() time.Time
	attrs    []slog.Attr
}

// WithWriter sends records to w instead of the standard output. Each record is one
// call of Write, whole, with its newline. A writer that fails costs the record,
// which is counted; see [Handler.Lost].
func WithWriter(w io.Writer) Option { return func(c *config) { c.out = w } }

// WithService names the service instead of POWERTOOLS_SERVICE_NAME.
func WithService(name string) Option { return func(c *config) { c.service = name } }

// WithLevel sets the lowest level that is written, instead of POWERTOOLS_LOG_LEVEL,
// LOG_LEVEL and AWS_LAMBDA_LOG_LEVEL. A *slog.LevelVar can change it later.
func WithLevel(l slog.Leveler) Option { return func(c *config) { c.level = l } }

// WithSampleRate sets the share of invocations, 0 to 1, whose debug records are
// written although the level is above them, instead of
// POWERTOOLS_LOGGER_SAMPLE_RATE. All functions of a trace that have the same rate
// decide alike. Anything else than a number from 0 to 1 is a problem, and 0.
func WithSampleRate(rate float64) Option { return func(c *config) { c.rate = &rate } }

// WithBuffer holds records that are not written (debug and below, and what is
// below the level) until the invocation logs an error; then they are written, in
// their order and with their time. An invocation holds the latest maxBytes of
// them, [DefaultBuffer] when maxBytes is not positive; what it had to let go is
// counted, and a warning says so at the flush. Outside of an invocation nothing is
// held.
func WithBuffer(maxBytes int) Option {
	if maxBytes <= 0 {
		maxBytes = DefaultBuffer
	}
	return func(c *config) { c.buffer = maxBytes }
}

// WithRedact hides the values of these keys, at any depth: of attributes, of
// groups, and of maps and structs that are logged as a whole. Letters' case does
// not matter. It looks at keys, not into texts: a secret inside of a message or of
// an error's text stays.
func WithRedact(keys ...string) Option {
	return func(c *config) { c.redact = append(c.redact, keys...) }
}

// WithSource adds the key location: where the record was made, "pay/charge.go:88".
func WithSource() Option { return func(c *config) { c.source = true } }

// WithCritical writes the highest level as CRITICAL, the name that Powertools has
// for it, instead of FATAL. Lambda does not know CRITICAL.
func WithCritical() Option { return func(c *config) { c.critical = true } }

// WithDev writes lines for a person instead of JSON, or does not, instead of
// POWERTOOLS_DEV.
func WithDev(on bool) Option { return func(c *config) { c.dev = &on } }

// WithZone writes timestamps in this zone instead of that of TZ.
func WithZone(zone *time.Location) Option { return func(c *config) { c.zone = zone } }

// WithClock makes now the time of every record: for tests.
func WithClock(now func() time.Time) Option { return func(c *config) { c.clock = now } }

// WithEnvironment reads settings through get instead of os.Getenv: for tests.
func WithEnvironment(get func(string) string) Option { return func(c *config) { c.get = get } }

// WithAttrs are keys of every record.
func WithAttrs(attrs ...slog.Attr) Option {
	return func(c *config) { c.attrs = append(c.attrs, attrs...) }
}

// New makes the handler; slog.New(log.New()) is the logger. It never fails: a
// setting that cannot be understood is as if it were not set, and one of
// [Handler.Problems].
func New(opts ...Option) *Handler {
	cfg := config{get: os.Getenv}
	for _, o := range opts {
		if o != nil {
			o(&cfg)
		}
	}
	s := env.Load(cfg.get)
	c := newCore(cfg, s)
	h := &Handler{core: c}
	if len(cfg.attrs) > 0 {
		return h.with(cfg.attrs)
	}
	return h
}

func newCore(cfg config, s env.Settings) *core {
	c := &core{
		out: stream(cfg.out), fixed: s.Level, level: cfg.level, rate: s.SampleRate, buffer: cfg.buffer, redacted: cfg.redact,
		source: cfg.source, dev: s.Dev, zone: s.Zone, clock: cfg.clock, problems: s.Problems,
		heads: levelHeads(cfg.critical), function: s.Function,
	}
	if fixed, ok := cfg.level.(slog.Level); ok {
		c.fixed, c.level = fixed, nil
	}
	if cfg.rate != nil {
		c.rate = *cfg.rate
	}
	if !(c.rate >= 0 && c.rate <= 1) {
		c.problem("the sample rate is %v: want a number from 0 to 1; taken as 0", c.rate)
		c.rate = 0
	}
	if cfg.dev != nil {
		c.dev = *cfg.dev
	}
	if cfg.zone != nil {
		c.zone = cfg.zone
	}
	service := cfg.service
	if service == "" {
		service = s.Service
	}
	c.encodeService(service)
	c.checkLambdaLevel(cfg.get("AWS_LAMBDA_LOG_LEVEL"))
	c.pool.New = func() any { return &encoder{core: c} }
	return c
}

func stream(out io.Writer) *line.Writer {
	switch w := out.(type) {
	case nil:
		return line.Stdout()
	case *line.Writer:
		return w
	default:
		return line.New(w)
	}
}

// checkLambdaLevel finds settings that cannot work together: Lambda drops what is
// below its own level, also what was sampled or held.
func (c *core) checkLambdaLevel(value string) {
	lambda, ok := env.ParseLevel(value)
	if !ok || lambda <= slog.LevelDebug {
		return
	}
	if c.rate > 0 {
		c.problem("AWS_LAMBDA_LOG_LEVEL is %s, so Lambda drops the debug records that the sample rate %v lets through", value, c.rate)
	}
	if c.buffer > 0 {
		c.problem("AWS_LAMBDA_LOG_LEVEL is %s, so Lambda drops the debug records that are written when an error flushes the buffer", value)
	}
}
