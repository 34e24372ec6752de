package defects_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // zones are the same on every machine

	"github.com/aws/aws-lambda-go/lambdacontext"

	"gitlab.com/nines-sre/nines/telemetry/internal/oracle"
	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
	"gitlab.com/nines-sre/nines/telemetry/log"
)

// The tests named TestDefect… are defects that were found, and reproduced, in what
// else there is for Lambda. Each shows that ours has not got it; where the other is
// at hand, the official TypeScript library or aws-lambda-go, it also shows that the
// other still has it, so that the claim stays true. doc/reference/telemetry-defects.md
// lists them all, with those that are not about logs, metrics or traces.

// env reads settings from a map.
func env(m map[string]string) func(string) string { return func(k string) string { return m[k] } }

// within says whether hits out of n fit a share: within five standard deviations,
// which chance leaves once in two million tries.
func within(hits, n int, share float64) bool {
	return math.Abs(float64(hits)-float64(n)*share) <= 5*math.Sqrt(float64(n)*share*(1-share))
}

// TestDefectSampling: the official library draws a whole number from 0 to 99 and
// keeps what is at most the rate, so that 0.001 samples 1 % and 0.05 6 %.
func TestDefectSampling(t *testing.T) {
	t.Parallel()
	t.Run("ours", func(t *testing.T) {
		t.Parallel()
		n := 100_000
		if raceDetector {
			n = 20_000
		}
		for _, rate := range []float64{0.001, 0.01, 0.05} {
			h := log.New(log.WithWriter(io.Discard), log.WithEnvironment(env(map[string]string{"POWERTOOLS_LOGGER_SAMPLE_RATE": fmt.Sprint(rate)})))
			other := log.New(log.WithWriter(io.Discard), log.WithEnvironment(env(nil)), log.WithSampleRate(rate))
			hits := 0
			for i := range n {
				s := scope.Start{TraceID: fmt.Sprintf("1-6742f1c0-%024x", i*2654435761), RequestID: fmt.Sprint("a", i), Concurrent: true}
				ctx, inv := scope.Begin(t.Context(), s)
				sampled := h.Enabled(ctx, slog.LevelDebug)
				inv.End()
				if sampled {
					hits++
				}
				if i%100 != 0 {
					continue
				}
				// Another function of the same trace decides alike.
				s.RequestID = fmt.Sprint("b", i)
				ctx, inv = scope.Begin(t.Context(), s)
				if other.Enabled(ctx, slog.LevelDebug) != sampled {
					t.Errorf("rate %v: two functions of trace %s decide differently", rate, s.TraceID)
				}
				inv.End()
			}
			if !within(hits, n, rate) {
				t.Errorf("rate %v: %d of %d", rate, hits, n)
			}
		}
	})
	t.Run("theirs", func(t *testing.T) {
		t.Parallel()
		// One percent where a tenth of it was asked for: far beyond chance.
		const n, rate = 8000, 0.001
		p := oracle.Powertools(t, oracle.Case{Name: "sampled", Utility: "sampling", Loggers: n, Rate: rate})
		t.Logf("a rate of %v samples %.2f %%", rate, 100*float64(p[0].Sampled)/n)
		if within(p[0].Sampled, n, rate) {
			t.Errorf("the official library is exact now: %d of %d", p[0].Sampled, n)
		}
	})
}

// TestDefectTimeZones: the official library rounds the hours of a negative offset
// away from zero and keeps the minutes, so that -03:30 becomes -04:30, an hour off.
func TestDefectTimeZones(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 7, 0, 41, 955e6, time.UTC)
	broken := map[string]bool{"America/St_Johns": true, "Pacific/Marquesas": true}
	zones := []string{"America/St_Johns", "Pacific/Marquesas", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati", "America/New_York", "UTC"}
	var cases []oracle.Case
	for _, zone := range zones {
		cases = append(cases, oracle.Case{
			Name: zone, Now: now.UnixMilli(), Env: map[string]string{"TZ": zone},
			Steps: []oracle.Step{{Do: "log", Level: "info", Message: "now"}},
		})
	}
	for _, c := range cases {
		for _, record := range logLike(t, c) {
			stamp := stampOf(t, record)
			loc, err := time.LoadLocation(c.Name)
			if err != nil {
				t.Fatal(err)
			}
			if want := now.In(loc).Format("2006-01-02T15:04:05.000Z07:00"); stamp != want {
				t.Errorf("%s: %s, want %s", c.Name, stamp, want)
			}
		}
	}
	t.Run("theirs", func(t *testing.T) {
		t.Parallel()
		for i, p := range oracle.Powertools(t, cases...) {
			at, err := time.Parse(time.RFC3339Nano, stampOf(t, p.Records[0]))
			if err != nil {
				t.Fatal(err)
			}
			if off := at.Sub(now); (off != 0) != broken[zones[i]] {
				t.Errorf("%s: the official library is %s off", zones[i], off)
			}
		}
	})
}

func stampOf(t *testing.T, record []byte) string {
	t.Helper()
	var r struct{ Timestamp string }
	if err := json.Unmarshal(record, &r); err != nil {
		t.Fatal(err)
	}
	return r.Timestamp
}

// TestDefectGroupedRequest: the handler of aws-lambda-go adds the request's id to
// the attributes of a record, and so into the group that is open.
func TestDefectGroupedRequest(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ctx, inv := scope.Begin(t.Context(), scope.Start{RequestID: "r-1", Concurrent: true, Function: &scope.Function{ARN: "arn:aws:lambda:eu-west-1:1:function:f", Name: "f", Memory: 128}})
	defer inv.End()
	slog.New(log.New(log.WithWriter(&out), log.WithEnvironment(env(nil)))).WithGroup("order").InfoContext(ctx, "placed", slog.String("id", "o-1"))
	_, ours := keysAndValues(t, out.Bytes())
	if group, _ := ours["order"].(map[string]any); ours["function_request_id"] != "r-1" || len(group) != 1 || group["id"] != "o-1" {
		t.Errorf("%s", out.Bytes())
	}

	_, theirs := keysAndValues(t, awsLambdaGo(t, "their group", "INFO"))
	if group, _ := theirs["order"].(map[string]any); group["requestId"] != "r-1" || theirs["requestId"] != nil {
		t.Errorf("aws-lambda-go writes the request at the top now: %v", theirs)
	}
}

// TestDefectFatalLevel: for the handler of aws-lambda-go Lambda's level FATAL is
// INFO, and a function that asked for the least logs gets nearly all.
func TestDefectFatalLevel(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := slog.New(log.New(log.WithWriter(&out), log.WithEnvironment(env(map[string]string{"AWS_LAMBDA_LOG_LEVEL": "FATAL"}))))
	l.ErrorContext(t.Context(), "error")
	l.Log(t.Context(), log.LevelFatal, "fatal")
	if got := strings.TrimSpace(out.String()); strings.Count(got, "\n") != 0 || !strings.HasPrefix(got, `{"level":"FATAL","message":"fatal"`) {
		t.Errorf("%s", got)
	}
	if theirs := awsLambdaGo(t, "their info", "FATAL"); len(theirs) == 0 {
		t.Error("aws-lambda-go knows FATAL now")
	}
}

// TestDefectCostOfARecord: the handler of aws-lambda-go adds the request's keys to
// each record and allocates for it. Ours has them encoded once an invocation.
func TestDefectCostOfARecord(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	ctx, inv := scope.Begin(t.Context(), scope.Start{RequestID: "r-1", TraceID: "1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810", Concurrent: true, Function: &scope.Function{ARN: "arn:aws:lambda:eu-west-1:1:function:f", Name: "f", Memory: 128}})
	defer inv.End()
	l := slog.New(log.New(log.WithWriter(io.Discard), log.WithEnvironment(env(nil))))
	if n := testing.AllocsPerRun(1000, func() {
		l.LogAttrs(ctx, slog.LevelInfo, "placed", slog.String("id", "o-1"), slog.Int("amount", 42))
	}); n != 0 {
		t.Errorf("ours allocates %v times", n)
	}
	if theirs := awsLambdaGo(t, "their allocations", "INFO"); bytes.Contains(theirs, []byte(`"allocations":0,`)) || len(theirs) == 0 {
		t.Errorf("aws-lambda-go allocates nothing now: %s", theirs)
	}
}

// awsLambdaGo returns the last record that the handler of aws-lambda-go prints when
// it is used as one of the programs does. It reads its settings before main, and so
// needs a process of its own.
func awsLambdaGo(t *testing.T, program, level string) []byte {
	t.Helper()
	cmd := lambdatest.Self(program)()
	cmd.Env = append(cmd.Environ(), "AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL="+level)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	return lines[len(lines)-1]
}

// theirLogger is the logger of aws-lambda-go, in an invocation.
func theirLogger() (context.Context, *slog.Logger) {
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"})
	return ctx, slog.New(lambdacontext.NewLogHandler())
}

func theirGroup() {
	ctx, l := theirLogger()
	l.WithGroup("order").InfoContext(ctx, "placed", slog.String("id", "o-1"))
}

func theirInfo() {
	ctx, l := theirLogger()
	l.InfoContext(ctx, "info")
}

func theirAllocations() {
	ctx, l := theirLogger()
	n := testing.AllocsPerRun(1000, func() {
		l.LogAttrs(ctx, slog.LevelInfo, "placed", slog.String("id", "o-1"), slog.Int("amount", 42))
	})
	l.InfoContext(ctx, "counted", slog.Float64("allocations", n))
}
