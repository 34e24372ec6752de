package lambdahost

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/publish"
)

// RuntimeAPI is the variable by which a process knows that Lambda started it.
const RuntimeAPI = "AWS_LAMBDA_RUNTIME_API"

// Wiring is what the composition root gives to the function.
type Wiring struct {
	host.Wiring
	// Lines is a sink that writes metrics as lines of a log.
	Lines func(out io.Writer, namespace string) publish.Sink
}

// Main serves invocations until Lambda ends the process.
func Main(w Wiring) {
	lambda.Start(New(w, Process{Getenv: os.Getenv, Now: time.Now, Out: os.Stdout}).Handle)
}

// Process is what the function knows of its surroundings.
type Process struct {
	Getenv func(string) string
	Now    func() time.Time
	Out    io.Writer // the log
}

// Function answers invocations, one at a time.
type Function struct {
	Process
	w   Wiring
	log *slog.Logger

	mu    sync.Mutex
	warm  bool
	state *state // what is kept between invocations; nil: nothing
}

// New returns a function that has read nothing yet: the first invocation does,
// so that starting is quick and what is wrong with documents is an answer.
func New(w Wiring, p Process) *Function {
	return &Function{Process: p, w: w, log: newLogger(p.Out, p.Getenv)}
}

// Handle answers one event. The error is one that trying again may mend, or a
// defect; everything else is in the answer. It never panics.
func (f *Function) Handle(ctx context.Context, raw json.RawMessage) (*Answer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	began := f.Now()
	log := f.log.With(slog.Bool("cold_start", !f.warm))
	f.warm = true
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		log = log.With(slog.String("requestId", lc.AwsRequestID)) //nolint:sloglint // as Lambda's own lines name it
	}
	answer, err := f.guarded(ctx, log, raw, began)
	took := slog.Int64("duration_ms", f.Now().Sub(began).Milliseconds())
	if err == nil {
		log.LogAttrs(ctx, slog.LevelInfo, "done", append(answer.attrs(), took)...)
		return answer, nil
	}
	kind := fault.KindOf(err)
	log.LogAttrs(ctx, slog.LevelError, "failed", slog.String("do", answer.Do), slog.String("kind", kind.String()),
		slog.String("error", err.Error()), slog.String("hint", fault.HintOf(err)), slog.Bool("try_again", again(err)), took)
	if broken(kind, answer) {
		f.forget(ctx)
	}
	if again(err) {
		return nil, functionError(err)
	}
	answer.OK, answer.ExitCode, answer.Error = false, kind.ExitCode(), failureOf(err)
	return answer, nil
}

// broken says whether what is open may be what failed. A source that failed says
// nothing against the store, and forgetting the pace would make a throttled one
// be asked more.
func broken(kind fault.Kind, a *Answer) bool {
	if a.Measure != nil && len(a.Measure.Failed) > 0 {
		return false
	}
	return kind == fault.Internal || kind == fault.Unavailable || kind == fault.Corrupt || kind == fault.Denied
}

// guarded answers, and makes an error of a panic: the process would die of it,
// and with it what it keeps. The answer is never nil.
func (f *Function) guarded(ctx context.Context, log *slog.Logger, raw []byte, now time.Time) (answer *Answer, err error) {
	answer = &Answer{OK: true, At: now.UTC()}
	defer func() {
		if r := recover(); r != nil {
			err = fault.New(fault.Internal, "answer the event", fmt.Sprintf("panic: %v", r), "this is a defect of Nines: report it with this log")
			log.LogAttrs(ctx, slog.LevelError, "panic", slog.String("panic", fmt.Sprint(r)), slog.String("stack", string(debug.Stack())))
		}
	}()
	ev, err := parseEvent(raw)
	answer.Do = ev.Do
	if err != nil {
		return answer, err
	}
	at, err := ev.instant(now)
	if err != nil {
		return answer, err
	}
	if ev.Do == doMeasure && !at.IsZero() {
		now = at // measuring at an instant is measuring as if it were now
		answer.At = at.UTC()
	}
	st, err := f.open(ctx, log, now)
	if err != nil && ev.Do != doGate {
		return answer, err
	}
	switch ev.Do {
	case doStatus:
		return answer, f.status(ctx, st, ev, at, answer)
	case doGate:
		return answer, f.gate(ctx, st, err, ev, at, answer)
	default:
		return answer, f.measure(ctx, log, st, ev, answer)
	}
}

// attrs are what the log says of an answer.
func (a *Answer) attrs() []slog.Attr {
	out := []slog.Attr{slog.String("do", a.Do), slog.Time("at", a.At), slog.Int("exit_code", a.ExitCode)}
	if m := a.Measure; m != nil {
		out = append(out, slog.Int("objectives", m.Objectives), slog.Int("watched", m.Watched), slog.Int("fast", m.Fast),
			slog.Int64("requests", m.Requests), slog.Int64("metrics", m.Metrics), slog.Float64("usd", m.USD),
			slog.Int64("filled", m.Filled), slog.Int64("replaced", m.Replaced), slog.Time("frontier", m.Frontier),
			slog.Int("failed", len(m.Failed)), slog.Bool("unfinished", m.Unfinished))
	}
	if a.Status != nil {
		out = append(out, slog.Int("objectives", len(a.Status.Objectives)))
	}
	if a.Gate != nil {
		out = append(out, slog.String("verdict", a.Gate.Verdict.String()), slog.String("decision", a.Gate.ID))
	}
	return out
}

// newLogger returns a logger whose lines are as Lambda's JSON log mode wants
// them, at the level of AWS_LAMBDA_LOG_LEVEL. (Developer guide, "Advanced
// logging controls".)
func newLogger(out io.Writer, getenv func(string) string) *slog.Logger {
	level := slog.LevelInfo
	if err := level.UnmarshalText([]byte(getenv("AWS_LAMBDA_LOG_LEVEL"))); err != nil {
		level = slog.LevelInfo
	}
	rename := func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			return a
		}
		switch a.Key {
		case slog.TimeKey:
			return slog.String("timestamp", a.Value.Time().UTC().Format("2006-01-02T15:04:05.000Z"))
		case slog.MessageKey:
			a.Key = "message"
		}
		return a
	}
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: rename})).With(
		slog.String("service", "nines"), slog.String("function_name", getenv("AWS_LAMBDA_FUNCTION_NAME")),
		slog.String("function_version", getenv("AWS_LAMBDA_FUNCTION_VERSION")))
}
