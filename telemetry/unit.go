package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/log"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// unit is one invocation of a function as the wrapper sees it.
type unit struct {
	t     *Telemetry
	ctx   context.Context //nolint:containedctx // lives as long as the call it is made for
	inv   *scope.Invocation
	span  *trace.Span
	timer *time.Timer
	done  func() // tells the extension

	mu            sync.Mutex // the timer looks while the handler runs
	route, method string
	status        int // of an HTTP answer; 0: none
}

// said is what is known of an HTTP request.
func (u *unit) said() (method, route string, status int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.method, u.route, u.status
}

func (u *unit) asked(method, route string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.method, u.route = method, route
}

func (u *unit) answered(status int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.status = status
}

// begin starts the unit of work. Whatever goes wrong in here, the handler runs.
func (t *Telemetry) begin(ctx context.Context) (u *unit) {
	u = &unit{t: t, ctx: ctx, done: func() {}}
	defer t.guard()
	s := scope.Start{At: t.opt.now(), Concurrent: t.set.Function.Concurrency > 1, Function: &scope.Function{
		Name: t.set.Function.Name, Memory: t.set.Function.Memory, Cold: scope.TakeCold() && t.onDemand(),
	}}
	s.Deadline, _ = ctx.Deadline()
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		s.RequestID, s.Function.ARN, s.Tenant = lc.AwsRequestID, lc.InvokedFunctionArn, lc.TenantID
	}
	if h, ok := trace.FromContext(ctx); ok {
		s.TraceID = h.Trace.String()
	}
	u.ctx, u.inv = scope.Begin(ctx, s)
	u.done = t.ext.expect(s.RequestID)
	u.ctx, u.span = t.Trace.Start(u.ctx, "## handler")
	u.span.Annotate("ColdStart", s.Function.Cold)
	u.span.Annotate("Service", t.set.Service)
	if t.opt.coldStart && s.Function.Cold {
		t.Metrics.ColdStart(u.ctx)
	}
	u.watch(s)
	return u
}

// onDemand says whether a first invocation had to wait for the process.
func (t *Telemetry) onDemand() bool {
	return t.set.Function.InitType == "" || t.set.Function.InitType == "on-demand"
}

// watch makes sure that what is known gets out before Lambda ends the process at
// the deadline, which it does without a warning.
func (u *unit) watch(s scope.Start) {
	if s.Deadline.IsZero() {
		return
	}
	left := time.Until(s.Deadline)
	margin := u.t.opt.margin
	if margin == 0 {
		margin = min(max(left/20, 10*time.Millisecond), 200*time.Millisecond)
	}
	if margin < left {
		u.timer = time.AfterFunc(left-margin, u.timeout)
	}
}

func (u *unit) timeout() {
	defer u.t.guard()
	attrs := append(u.wide("timeout", nil), slog.Int64("remaining_ms", u.inv.Deadline.Sub(u.t.opt.now()).Milliseconds()))
	u.t.Handler.FlushBuffer(u.ctx)
	u.t.write(u.ctx, slog.LevelError, "the invocation is about to time out", attrs)
	u.t.flushMetrics(u.ctx)
	u.t.flushTraces(u.ctx, time.Until(u.inv.Deadline)*3/4)
}

// event looks at what the function was asked.
func (u *unit) event(event any) {
	defer u.t.guard()
	if u.inv == nil {
		return
	}
	if u.t.set.LogEvent {
		u.t.write(u.ctx, slog.LevelInfo, "event", []slog.Attr{slog.Any("event", eventValue(event))})
	}
	id := ""
	if u.t.opt.correlate != nil {
		id = u.t.opt.correlate(event)
	}
	if id == "" {
		id = correlationOf(event)
	}
	if id != "" {
		log.SetCorrelation(u.ctx, id)
	}
	u.asked(routeOf(event))
}

// answer looks at the status of an answer to an HTTP request.
func (u *unit) answer(out reflect.Value) {
	defer u.t.guard()
	u.answered(statusOf(out))
}

// end is deferred around the handler. A panic goes on its way, with its value,
// when it has been written down.
func (u *unit) end(err *error) {
	p := recover()
	if p != nil {
		u.finish(&panicked{p, stack()})
		panic(p)
	}
	u.finish(*err)
}

// finish writes the wide record and lets go of everything.
func (u *unit) finish(err error) {
	defer u.done()
	defer u.t.guard()
	if u.inv == nil {
		return
	}
	defer u.inv.End()
	if u.timer != nil {
		u.timer.Stop()
	}
	_, _, status := u.said()
	outcome := u.outcome(status, err)
	level := slog.LevelInfo
	if err != nil || status >= 500 {
		level = slog.LevelError
	}
	u.record(err)
	if status > 0 {
		u.span.SetResponse(status, -1)
	}
	attrs := u.wide(outcome, err)
	if !u.inv.Deadline.IsZero() {
		attrs = append(attrs, slog.Int64("remaining_ms", u.inv.Deadline.Sub(u.t.opt.now()).Milliseconds()))
	}
	u.annotate(attrs)
	u.span.End()
	u.t.write(u.ctx, level, "invocation", attrs)
	u.t.Handler.DiscardBuffer(u.ctx)
	u.t.flushMetrics(u.ctx)
	u.export(err)
}

// record tells the span how it went.
func (u *unit) record(err error) {
	var p *panicked
	switch {
	case errors.As(err, &p):
		u.span.RecordPanic(p.value)
	case err != nil:
		u.span.RecordError(err)
	}
}

// export sends spans now where nobody does it later: before a panic ends the
// process, and without the extension, then not more often than it would. A
// datagram for the daemon costs nothing.
func (u *unit) export(err error) {
	var p *panicked
	switch background := u.t.ext.active() || u.t.set.Function.Concurrency > 1; {
	case errors.As(err, &p):
		u.t.flushTraces(u.ctx, u.t.opt.flushWithin)
	case background:
	case !u.t.Trace.Remote() || u.t.ext.due():
		u.t.flushTraces(u.ctx, u.t.opt.flushWithin)
	}
}

func (u *unit) outcome(status int, err error) string {
	var p *panicked
	switch {
	case errors.As(err, &p):
		return "panic"
	case err != nil && (u.ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded)):
		return "timeout"
	case err != nil || status >= 500:
		return "error"
	case status >= 400:
		return "rejected"
	default:
		return "ok"
	}
}

// wide is everything that is said about the invocation as a whole.
func (u *unit) wide(outcome string, err error) []slog.Attr {
	now := u.t.opt.now()
	attrs := make([]slog.Attr, 0, 24)
	attrs = append(attrs, slog.String("outcome", outcome), slog.Float64("duration_ms", millis(now.Sub(u.inv.At))))
	attrs = appendText(attrs, "version", u.t.version())
	attrs = appendText(attrs, "environment", u.t.set.Environment)
	method, route, status := u.said()
	attrs = appendText(attrs, "route", route)
	attrs = appendText(attrs, "method", method)
	if status > 0 {
		attrs = append(attrs, slog.Int("status", status))
	}
	if f := u.inv.Function; f != nil && f.Cold {
		attrs = append(attrs, slog.Float64("init_ms", millis(u.t.initTime)))
	}
	attrs = append(attrs, slog.Int64("retry_count", u.inv.Retries.Load()))
	if err != nil {
		attrs = append(attrs, slog.String("error_type", errorName(err)), errorAttr(err))
	}
	if n := u.t.lost(); n > 0 {
		attrs = append(attrs, slog.Uint64("telemetry_lost", n))
	}
	return append(attrs, u.inv.Fields()...)
}

// annotate puts the wide record onto the span, where a search for traces sees it.
func (u *unit) annotate(attrs []slog.Attr) {
	for _, a := range attrs {
		switch v := a.Value.Resolve(); v.Kind() {
		case slog.KindString, slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindFloat64:
			u.span.Annotate(a.Key, v.Any())
		case slog.KindDuration:
			u.span.Annotate(a.Key, millis(v.Duration()))
		case slog.KindAny, slog.KindGroup, slog.KindTime, slog.KindLogValuer: // the log has it; an annotation is a scalar
		}
	}
}

func appendText(attrs []slog.Attr, key, value string) []slog.Attr {
	if value == "" {
		return attrs
	}
	return append(attrs, slog.String(key, value))
}

func millis(d time.Duration) float64 { return float64(d.Round(time.Microsecond)) / 1e6 }

// panicked is a panic as an error, for the records.
type panicked struct {
	value any
	stack []string
}

func (p *panicked) Error() string { return fmt.Sprint(p.value) }

// Unwrap gives the panic's value when it is an error.
func (p *panicked) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

// errorName is the type of the first error that says something: what only wraps
// another (fmt's %w, errors.Join of one) says nothing to group by. A handler that
// says what its caller is to be told has said the type itself.
func errorName(err error) string {
	if p, ok := errors.AsType[*panicked](err); ok {
		return fmt.Sprintf("%T", p.value)
	}
	if said, ok := err.(messages.InvokeResponse_Error); ok && said.Type != "" { //nolint:errorlint // as aws-lambda-go asks
		return said.Type
	}
	for {
		name := fmt.Sprintf("%T", err)
		next := errors.Unwrap(err)
		if name != "*fmt.wrapError" || next == nil {
			return name
		}
		err = next
	}
}

// errorAttr is the error as a record shows it; a panic's has its stack.
func errorAttr(err error) slog.Attr {
	var p *panicked
	if !errors.As(err, &p) {
		return log.Err(err)
	}
	return slog.Group("error", slog.String("name", errorName(err)), slog.String("message", p.Error()), slog.Any("stack", p.stack))
}

// stack is where a panic began: the frames below the runtime's own, as
// "function file:line". To be called while the panic is being recovered, when
// those frames still lie on the stack.
func stack() []string {
	pc := make([]uintptr, 64)
	frames := runtime.CallersFrames(pc[:runtime.Callers(1, pc)])
	var out []string
	below := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			below, out = true, nil // the innermost panic's own frames are ours
		case below && len(out) < 32 && !strings.HasPrefix(f.Function, "runtime."):
			out = append(out, fmt.Sprintf("%s %s:%d", f.Function, f.File, f.Line))
		}
		if !more {
			return out
		}
	}
}
