package lambdahost

import (
	"cmp"
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

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/publish"
	"gitlab.com/nines-sre/nines/telemetry"
	"gitlab.com/nines-sre/nines/telemetry/log"
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
	lambda.Start(New(w, Process{Getenv: os.Getenv, Now: time.Now, Out: os.Stdout}).Handler())
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
	tel *telemetry.Telemetry
	log *slog.Logger // tel's: what the invocation is comes with the context

	mu    sync.Mutex
	state *state // what is kept between invocations; nil: nothing
}

// New returns a function that has read nothing yet: the first invocation does,
// so that starting is quick and what is wrong with documents is an answer.
func New(w Wiring, p Process) *Function {
	tel := telemetry.New(options(w.Version, p)...)
	return &Function{Process: p, w: w, tel: tel, log: tel.Log}
}

func options(version string, p Process) []telemetry.Option {
	out := []telemetry.Option{
		telemetry.WithService(cmp.Or(p.Getenv("POWERTOOLS_SERVICE_NAME"), "nines")),
		telemetry.WithVersion(version), telemetry.WithEnvironment(p.Getenv),
	}
	if p.Out != os.Stdout { // its own way there cannot hold the function up
		out = append(out, telemetry.WithWriter(p.Out))
	}
	return out
}

// Handler is Handle for lambda.Start, with a span and one wide record for each
// invocation.
func (f *Function) Handler() any { return f.tel.Wrap(f.Handle) }

// Handle answers one event. The error is one that trying again may mend, or a
// defect; everything else is in the answer. It never panics.
func (f *Function) Handle(ctx context.Context, raw json.RawMessage) (*Answer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer, err := f.guarded(ctx, raw, f.Now())
	if err == nil {
		telemetry.Add(ctx, answer.attrs(false)...)
		return answer, nil
	}
	kind := fault.KindOf(err)
	if broken(kind, answer) {
		f.forget(ctx)
	}
	answer.OK, answer.ExitCode, answer.Error = false, kind.ExitCode(), failureOf(err)
	telemetry.Add(ctx, answer.attrs(again(err))...)
	// The invocation's own record is an error's only where the function fails.
	f.log.LogAttrs(ctx, slog.LevelError, "failed", log.Err(err))
	if again(err) {
		return nil, functionError(err)
	}
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
func (f *Function) guarded(ctx context.Context, raw []byte, now time.Time) (answer *Answer, err error) {
	answer = &Answer{OK: true, At: now.UTC()}
	defer func() {
		if r := recover(); r != nil {
			err = fault.New(fault.Internal, "answer the event", fmt.Sprintf("panic: %v", r), "this is a defect of Nines: report it with this log")
			f.log.LogAttrs(ctx, slog.LevelError, "panic", slog.String("panic", fmt.Sprint(r)), slog.String("stack", string(debug.Stack())))
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
	st, err := f.open(ctx, now)
	if err != nil && ev.Do != doGate {
		return answer, err
	}
	switch ev.Do {
	case doStatus:
		return answer, f.status(ctx, st, ev, at, answer)
	case doGate:
		return answer, f.gate(ctx, st, err, ev, at, answer)
	default:
		return answer, f.measure(ctx, st, ev, answer)
	}
}

// attrs are what the invocation's record says of an answer, or of an error that
// will be tried again.
func (a *Answer) attrs(again bool) []slog.Attr {
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
	if e := a.Error; e != nil {
		out = append(out, slog.String("kind", e.Kind), slog.String("hint", e.Hint), slog.Bool("try_again", again))
	}
	if a.Gate != nil {
		out = append(out, slog.String("verdict", a.Gate.Verdict.String()), slog.String("decision", a.Gate.ID))
	}
	return out
}
