package trace

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/env"
)

// Option configures a [Tracer].
type Option func(*config)

type config struct {
	get      func(string) string
	clock    func() time.Time
	make     func(*config) (Exporter, error)
	makers   int
	service  string
	resource []slog.Attr
	rate     *float64
	room     int
	interval *time.Duration
	settings env.Settings
}

// XRay sends spans to X-Ray's own OTLP endpoint of a region, signed. "": the
// region of the environment. (X-Ray takes them when Transaction Search is on.)
func XRay(region string, opts ...SendOption) Option {
	return exporter(func(c *config) (Exporter, error) {
		return NewXRay(region, append([]SendOption{c.send}, opts...)...)
	})
}

// OTLP sends spans to an endpoint of OpenTelemetry over HTTP, a URL with its path:
// http://localhost:4318/v1/traces.
func OTLP(endpoint string, opts ...SendOption) Option {
	return exporter(func(c *config) (Exporter, error) {
		return NewOTLP(endpoint, append([]SendOption{c.send}, opts...)...)
	})
}

// Daemon sends segment documents to X-Ray's daemon over UDP. "":
// AWS_XRAY_DAEMON_ADDRESS, or 127.0.0.1:2000.
func Daemon(address string) Option {
	return exporter(func(c *config) (Exporter, error) {
		if address == "" {
			address = c.settings.DaemonAddress
		}
		d, err := NewDaemon(address)
		if err != nil {
			return nil, err
		}
		d.lambda, d.now = c.settings.Function.Lambda(), c.clock
		return d, nil
	})
}

// ToExporter sends spans to an exporter of the caller's.
func ToExporter(e Exporter) Option {
	return exporter(func(*config) (Exporter, error) { return e, nil })
}

func exporter(build func(*config) (Exporter, error)) Option {
	return func(c *config) { c.make = build; c.makers++ }
}

// WithService names the service; POWERTOOLS_SERVICE_NAME or OTEL_SERVICE_NAME
// unless said.
func WithService(name string) Option { return func(c *config) { c.service = name } }

// WithRate keeps a share of the traces that no header decides about, 0 to 1.
// Unless said: OTEL_TRACES_SAMPLER, or else X-Ray's own rule, the first of each
// second and 5 % of the rest.
func WithRate(share float64) Option { return func(c *config) { c.rate = &share } }

// WithResource adds to what is said about the process, by OpenTelemetry's names.
func WithResource(attrs ...slog.Attr) Option {
	return func(c *config) { c.resource = append(c.resource, attrs...) }
}

// WithQueue sets how many spans wait at most; 2048 unless said.
func WithQueue(spans int) Option { return func(c *config) { c.room = spans } }

// WithInterval sets how long a span waits for company before it is sent in the
// background; 5 s unless said, and 0, which means until Flush or until a batch is
// full, in a Lambda function.
func WithInterval(d time.Duration) Option { return func(c *config) { c.interval = &d } }

// WithClock replaces the clock.
func WithClock(now func() time.Time) Option { return func(c *config) { c.clock = now } }

// WithEnvironment replaces os.Getenv.
func WithEnvironment(get func(string) string) Option { return func(c *config) { c.get = get } }

// New makes a tracer. The exporter is the one that an option names, or else the one
// that the environment does: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT (signed when it is
// X-Ray's), then AWS_XRAY_DAEMON_ADDRESS. POWERTOOLS_TRACE_DISABLED or
// OTEL_SDK_DISABLED turn recording off.
//
// Nothing is opened or asked yet. With an error comes a tracer that passes headers
// on and records nothing, so that a typo costs the traces and not the function.
func New(opts ...Option) (*Tracer, error) {
	c := &config{get: os.Getenv, clock: time.Now, room: 2048}
	for _, opt := range opts {
		opt(c)
	}
	c.settings = env.Load(c.get)
	t := &Tracer{clock: c.clock, resource: c.describe()}
	bad := t.rule.configure(c)
	t.queue.configure(t, c)
	if c.settings.TraceDisabled {
		return t, bad
	}
	e, err := c.exporter()
	if err = errors.Join(bad, err); err != nil {
		return t, err
	}
	t.exporter = e
	return t, nil
}

func (c *config) exporter() (Exporter, error) { //nolint:ireturn // it is one of several
	if c.makers > 1 {
		return nil, errors.New("trace: two exporters are asked for; give one of XRay, OTLP, Daemon and ToExporter")
	}
	if c.make != nil {
		return c.make(c)
	}
	if e := c.settings.OTLPEndpoint; e != "" {
		if region, ok := xrayRegion(e); ok {
			return NewXRay(region, c.send, Endpoint(e))
		}
		return NewOTLP(e, c.send)
	}
	if c.settings.DaemonAddress != "" {
		Daemon("")(c)
		return c.make(c)
	}
	return nil, nil //nolint:nilnil // none is asked for
}

// xrayRegion finds the region in an address of X-Ray's own endpoint.
func xrayRegion(endpoint string) (string, bool) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", false
	}
	host := u.Hostname()
	rest, ok := strings.CutPrefix(host, "xray.")
	if !ok {
		return "", false
	}
	region, domain, _ := strings.Cut(rest, ".")
	return region, domain == "amazonaws.com" || domain == "amazonaws.com.cn" || domain == "api.aws"
}

// describe is the process as OpenTelemetry describes it.
func (c *config) describe() (attrs []slog.Attr) {
	add := func(key, value string) {
		if value != "" {
			attrs, _ = set(attrs, slog.String(key, value), maxAttributes)
		}
	}
	for pair := range strings.SplitSeq(c.get("OTEL_RESOURCE_ATTRIBUTES"), ",") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			if plain, err := url.PathUnescape(strings.TrimSpace(v)); err == nil {
				add(strings.TrimSpace(k), plain)
			}
		}
	}
	s := &c.settings
	service := c.service
	if service == "" {
		service = s.Service
	}
	add("service.name", service)
	add("service.version", s.Version)
	add("deployment.environment.name", s.Environment)
	if f := &s.Function; f.Lambda() {
		add("cloud.provider", "aws")
		add("cloud.platform", "aws_lambda")
		add("cloud.region", f.Region)
		add("faas.name", f.Name)
		add("faas.version", f.Version)
		add("faas.instance", f.LogStream)
		add("aws.log.group.names", f.LogGroup)
		if f.Memory > 0 {
			attrs, _ = set(attrs, slog.Int("faas.max_memory", f.Memory<<20), maxAttributes)
		}
	}
	add("telemetry.sdk.name", "nines")
	add("telemetry.sdk.language", "go")
	for _, a := range c.resource {
		attrs, _ = set(attrs, a, maxAttributes)
	}
	return attrs
}

// configure reads what share of traces is kept.
func (r *rule) configure(c *config) error {
	r.rate, r.reservoir = 0.05, true
	if c.rate != nil {
		return r.share(*c.rate, "trace: WithRate")
	}
	sampler := strings.TrimPrefix(c.get("OTEL_TRACES_SAMPLER"), "parentbased_")
	switch sampler {
	case "always_on":
		return r.share(1, sampler)
	case "always_off":
		return r.share(0, sampler)
	case "traceidratio":
		v := c.get("OTEL_TRACES_SAMPLER_ARG")
		if v == "" {
			v = "1"
		}
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			f = -1
		}
		return r.share(f, "OTEL_TRACES_SAMPLER_ARG="+v)
	default:
		return nil // xray asks a service for rules; without it, its default rule
	}
}

func (r *rule) share(f float64, whence string) error {
	if !(f >= 0 && f <= 1) {
		return fmt.Errorf("%s: want a share from 0 to 1, got %v", whence, f)
	}
	r.rate, r.reservoir = f, false
	return nil
}
