package env_test

import (
	"log/slog"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/telemetry/internal/env"
)

func load(pairs ...string) env.Settings {
	return env.Load(func(name string) string {
		for _, p := range pairs {
			if v, ok := strings.CutPrefix(p, name+"="); ok {
				return v
			}
		}
		return ""
	})
}

func TestAFunctionMovedFromPythonKeepsItsSettings(t *testing.T) {
	s := load("POWERTOOLS_SERVICE_NAME=payment-service", "POWERTOOLS_METRICS_NAMESPACE=PaymentAPI", "LOG_LEVEL=debug",
		"POWERTOOLS_LOGGER_SAMPLE_RATE=0.25", "POWERTOOLS_LOGGER_LOG_EVENT=true", "POWERTOOLS_TRACE_DISABLED=1", "TZ=:UTC")
	if s.Service != "payment-service" || s.Namespace != "PaymentAPI" || s.Level != slog.LevelDebug || s.SampleRate != 0.25 ||
		!s.LogEvent || !s.TraceDisabled || !s.CaptureError || s.Function.Lambda() || len(s.Problems) != 0 {
		t.Errorf("%+v", s)
	}
	if got := load().Service; got != "service_undefined" {
		t.Errorf("service %q", got)
	}
}

func TestLevels(t *testing.T) {
	for _, c := range []struct {
		env      []string
		want     slog.Level
		problems int
	}{
		{nil, slog.LevelInfo, 0},
		{[]string{"LOG_LEVEL=WARNING"}, slog.LevelWarn, 0},
		{[]string{"LOG_LEVEL=WARN", "POWERTOOLS_LOG_LEVEL=trace"}, env.LevelTrace, 0},
		{[]string{"AWS_LAMBDA_LOG_LEVEL=DEBUG"}, slog.LevelDebug, 0},
		{[]string{"AWS_LAMBDA_LOG_LEVEL=FATAL"}, env.LevelFatal, 0},
		{[]string{"AWS_LAMBDA_LOG_LEVEL=WARN", "LOG_LEVEL=DEBUG"}, slog.LevelWarn, 1},
		{[]string{"AWS_LAMBDA_LOG_LEVEL=WARN", "LOG_LEVEL=ERROR"}, slog.LevelError, 0},
		{[]string{"LOG_LEVEL=loud"}, slog.LevelInfo, 1},
		{[]string{"POWERTOOLS_LOG_LEVEL=CRITICAL"}, env.LevelFatal, 0},
		{[]string{"LOG_LEVEL=SILENT"}, env.LevelSilent, 0},
	} {
		if s := load(c.env...); s.Level != c.want || len(s.Problems) != c.problems {
			t.Errorf("%v: level %v, problems %q; want %v and %d", c.env, s.Level, s.Problems, c.want, c.problems)
		}
	}
}

func TestWhatCannotBeUnderstoodCostsOnlyItself(t *testing.T) {
	s := load("POWERTOOLS_LOGGER_SAMPLE_RATE=NaN", "POWERTOOLS_DEV=perhaps", "TZ=Mars/Olympus", "AWS_LAMBDA_MAX_CONCURRENCY=many",
		"AWS_LAMBDA_FUNCTION_NAME=f")
	if s.SampleRate != 0 || s.Dev || s.Zone.String() != "UTC" || s.Function.Concurrency != 1 || len(s.Problems) != 4 {
		t.Errorf("%+v", s)
	}
}

func TestOTLPEndpoints(t *testing.T) {
	if got, want := load("OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318/").OTLPEndpoint, "http://localhost:4318/v1/traces"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s := load("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://x/t", "OTEL_EXPORTER_OTLP_ENDPOINT=http://y",
		"OTEL_RESOURCE_ATTRIBUTES=service.name=shop, service.version=7,deployment.environment=prod")
	if s.OTLPEndpoint != "http://x/t" || s.Service != "shop" || s.Version != "7" || s.Environment != "prod" {
		t.Errorf("%+v", s)
	}
}
