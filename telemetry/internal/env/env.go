// Package env reads what the environment says about a function: the variables of
// Lambda, those that Powertools for AWS Lambda defined (so that a function moved
// from Python or TypeScript keeps its settings), and OpenTelemetry's.
//
// A value that cannot be understood is a [Settings.Problems] entry and otherwise
// as if it were not set: a typo costs a setting, never the function.
package env

import (
	"cmp"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"
)

// Levels beyond slog's own. Lambda and Powertools know six.
const (
	LevelTrace  = slog.Level(-8)
	LevelFatal  = slog.Level(12) // CRITICAL to Powertools
	LevelSilent = slog.Level(math.MaxInt32)
)

// Settings are what the environment says.
type Settings struct {
	// Service is POWERTOOLS_SERVICE_NAME, or OTEL_SERVICE_NAME, or
	// "service_undefined".
	Service string
	// Version of the service: POWERTOOLS_SERVICE_VERSION, or service.version of
	// OTEL_RESOURCE_ATTRIBUTES; "": not said.
	Version string
	// Environment is deployment.environment(.name) of OTEL_RESOURCE_ATTRIBUTES.
	Environment string

	// Level is the lowest level that is written: POWERTOOLS_LOG_LEVEL or
	// LOG_LEVEL (INFO unless set), and never below AWS_LAMBDA_LOG_LEVEL, because
	// Lambda would drop what is below it.
	Level slog.Level
	// JSONFormat says that Lambda reads our lines (AWS_LAMBDA_LOG_FORMAT=JSON).
	JSONFormat bool
	// SampleRate is the share of invocations whose debug records are written, 0 to
	// 1: POWERTOOLS_LOGGER_SAMPLE_RATE.
	SampleRate float64
	// LogEvent says that each event is logged: POWERTOOLS_LOGGER_LOG_EVENT.
	LogEvent bool
	// Dev asks for lines that a person reads: POWERTOOLS_DEV.
	Dev bool
	// Zone is TZ, UTC unless set. (Lambda sets ":UTC".)
	Zone *time.Location

	// Namespace is POWERTOOLS_METRICS_NAMESPACE; "": not said.
	Namespace string
	// MetricsDisabled is POWERTOOLS_METRICS_DISABLED.
	MetricsDisabled bool
	// MetricsFunction is POWERTOOLS_METRICS_FUNCTION_NAME, the function_name of the
	// cold start metric; "": the function's own.
	MetricsFunction string

	// TraceDisabled is POWERTOOLS_TRACE_DISABLED, POWERTOOLS_TRACE_ENABLED=false,
	// or OTEL_SDK_DISABLED.
	TraceDisabled bool
	// CaptureResponse, CaptureError and CaptureHTTP are
	// POWERTOOLS_TRACER_CAPTURE_{RESPONSE,ERROR,HTTPS_REQUESTS}, true unless set.
	CaptureResponse, CaptureError, CaptureHTTP bool
	// OTLPEndpoint is OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or
	// OTEL_EXPORTER_OTLP_ENDPOINT with /v1/traces behind it; "": not said.
	OTLPEndpoint string
	// OTLPHeaders are OTEL_EXPORTER_OTLP_TRACES_HEADERS or
	// OTEL_EXPORTER_OTLP_HEADERS: "a=b,c=d".
	OTLPHeaders string
	// DaemonAddress is AWS_XRAY_DAEMON_ADDRESS; "": not said.
	DaemonAddress string

	Function Function

	// Problems are values that could not be understood, one sentence each.
	Problems []string
}

// Function is the Lambda function that this process is; zero when it is none.
type Function struct {
	Name, Version, LogGroup, LogStream, Region string
	// Memory in MB.
	Memory int
	// InitType is on-demand, provisioned-concurrency, snap-start or
	// lambda-managed-instances.
	InitType string
	// Concurrency is how many invocations one environment has at a time; 1 unless
	// said.
	Concurrency int
	// RuntimeAPI is the host and port of the Runtime and Extensions API.
	RuntimeAPI string
}

// Lambda says whether the process runs as a function.
func (f Function) Lambda() bool { return f.Name != "" }

// Load reads the settings; get is os.Getenv or a test's map.
func Load(get func(string) string) Settings {
	r := &reader{get: get}
	res := resource(get("OTEL_RESOURCE_ATTRIBUTES"))
	s := Settings{
		Service:     cmp.Or(get("POWERTOOLS_SERVICE_NAME"), get("OTEL_SERVICE_NAME"), res["service.name"], "service_undefined"),
		Version:     cmp.Or(get("POWERTOOLS_SERVICE_VERSION"), res["service.version"]),
		Environment: cmp.Or(res["deployment.environment.name"], res["deployment.environment"]),

		JSONFormat: strings.EqualFold(get("AWS_LAMBDA_LOG_FORMAT"), "JSON"),
		SampleRate: r.rate("POWERTOOLS_LOGGER_SAMPLE_RATE"),
		LogEvent:   r.boolean("POWERTOOLS_LOGGER_LOG_EVENT", false),
		Dev:        r.boolean("POWERTOOLS_DEV", false),
		Zone:       r.zone("TZ"),

		Namespace:       get("POWERTOOLS_METRICS_NAMESPACE"),
		MetricsDisabled: r.boolean("POWERTOOLS_METRICS_DISABLED", false),
		MetricsFunction: get("POWERTOOLS_METRICS_FUNCTION_NAME"),

		TraceDisabled: r.boolean("POWERTOOLS_TRACE_DISABLED", false) || !r.boolean("POWERTOOLS_TRACE_ENABLED", true) ||
			r.boolean("OTEL_SDK_DISABLED", false),
		CaptureResponse: r.boolean("POWERTOOLS_TRACER_CAPTURE_RESPONSE", true),
		CaptureError:    r.boolean("POWERTOOLS_TRACER_CAPTURE_ERROR", true),
		CaptureHTTP:     r.boolean("POWERTOOLS_TRACER_CAPTURE_HTTPS_REQUESTS", true),
		OTLPEndpoint:    otlpEndpoint(get),
		OTLPHeaders:     cmp.Or(get("OTEL_EXPORTER_OTLP_TRACES_HEADERS"), get("OTEL_EXPORTER_OTLP_HEADERS")),
		DaemonAddress:   get("AWS_XRAY_DAEMON_ADDRESS"),
	}
	s.Level = r.level()
	s.Function = r.function()
	s.Problems = r.problems
	return s
}

func otlpEndpoint(get func(string) string) string {
	if e := get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); e != "" {
		return e
	}
	if e := get("OTEL_EXPORTER_OTLP_ENDPOINT"); e != "" {
		return strings.TrimSuffix(e, "/") + "/v1/traces"
	}
	return ""
}

// resource reads "key=value,key=value".
func resource(s string) map[string]string {
	m := map[string]string{}
	for pair := range strings.SplitSeq(s, ",") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			m[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	return m
}

type reader struct {
	get      func(string) string
	problems []string
}

func (r *reader) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

func (r *reader) boolean(name string, unset bool) bool {
	switch v := r.get(name); strings.ToLower(strings.TrimSpace(v)) {
	case "":
		return unset
	case "1", "true", "yes", "on", "y", "t":
		return true
	case "0", "false", "no", "off", "n", "f":
		return false
	default:
		r.problem("%s is %q: want true or false; taken as %t", name, v, unset)
		return unset
	}
}

func (r *reader) rate(name string) float64 {
	v := strings.TrimSpace(r.get(name))
	if v == "" {
		return 0
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || !(f >= 0 && f <= 1) {
		r.problem("%s is %q: want a number from 0 to 1; taken as 0", name, v)
		return 0
	}
	return f
}

func (r *reader) zone(name string) *time.Location {
	v := strings.TrimPrefix(r.get(name), ":")
	if v == "" || v == "UTC" {
		return time.UTC
	}
	loc, err := time.LoadLocation(v)
	if err != nil {
		r.problem("%s is %q: no such time zone here; taken as UTC", name, v)
		return time.UTC
	}
	return loc
}

// level is what the function asks for, and never below what Lambda lets through.
func (r *reader) level() slog.Level {
	asked := slog.LevelInfo
	for _, name := range []string{"POWERTOOLS_LOG_LEVEL", "LOG_LEVEL"} {
		v := r.get(name)
		if v == "" {
			continue
		}
		l, ok := ParseLevel(v)
		if !ok {
			r.problem("%s is %q: want TRACE, DEBUG, INFO, WARN, ERROR, CRITICAL or SILENT; taken as INFO", name, v)
			continue
		}
		asked = l
		break
	}
	v := r.get("AWS_LAMBDA_LOG_LEVEL")
	if v == "" {
		return asked
	}
	lambda, ok := ParseLevel(v)
	if !ok {
		r.problem("AWS_LAMBDA_LOG_LEVEL is %q: not a level of Lambda; ignored", v)
		return asked
	}
	if asked < lambda && (r.get("POWERTOOLS_LOG_LEVEL") != "" || r.get("LOG_LEVEL") != "") {
		r.problem("the log level asked for is below AWS_LAMBDA_LOG_LEVEL=%s, below which Lambda drops records; %s is used", v, v)
	}
	if r.get("POWERTOOLS_LOG_LEVEL") == "" && r.get("LOG_LEVEL") == "" {
		return lambda
	}
	return max(asked, lambda)
}

// ParseLevel reads a level's name, in any case.
func ParseLevel(name string) (slog.Level, bool) {
	switch strings.ToUpper(strings.TrimSpace(name)) {
	case "TRACE":
		return LevelTrace, true
	case "DEBUG":
		return slog.LevelDebug, true
	case "INFO":
		return slog.LevelInfo, true
	case "WARN", "WARNING":
		return slog.LevelWarn, true
	case "ERROR":
		return slog.LevelError, true
	case "FATAL", "CRITICAL":
		return LevelFatal, true
	case "SILENT", "OFF":
		return LevelSilent, true
	default:
		return 0, false
	}
}

func (r *reader) function() Function {
	return Function{
		Name: r.get("AWS_LAMBDA_FUNCTION_NAME"), Version: r.get("AWS_LAMBDA_FUNCTION_VERSION"),
		LogGroup: r.get("AWS_LAMBDA_LOG_GROUP_NAME"), LogStream: r.get("AWS_LAMBDA_LOG_STREAM_NAME"),
		Region: cmp.Or(r.get("AWS_REGION"), r.get("AWS_DEFAULT_REGION")),
		Memory: r.count("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 0), InitType: r.get("AWS_LAMBDA_INITIALIZATION_TYPE"),
		Concurrency: max(1, r.count("AWS_LAMBDA_MAX_CONCURRENCY", 1)), RuntimeAPI: r.get("AWS_LAMBDA_RUNTIME_API"),
	}
}

func (r *reader) count(name string, unset int) int {
	v := strings.TrimSpace(r.get(name))
	if v == "" {
		return unset
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		r.problem("%s is %q: want a whole number; taken as %d", name, v, unset)
		return unset
	}
	return n
}
