package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/env"
	"gitlab.com/nines-sre/nines/telemetry/internal/line"
	"gitlab.com/nines-sre/nines/telemetry/log"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// Telemetry is what a process writes its logs, metrics and traces with. Its fields
// are set by [New] and not changed after; all of it may be used from any number of
// goroutines.
type Telemetry struct {
	// Log writes records; it is Handler's logger.
	Log *slog.Logger
	// Handler is for slog.SetDefault, for the direct path, and for the buffer.
	Handler *log.Handler
	// Metrics registers and writes metrics.
	Metrics *metrics.Registry
	// Trace makes spans.
	Trace *trace.Tracer

	set      env.Settings
	opt      config
	out      *line.Writer
	ext      *extension
	initTime time.Duration // from the start of the process until the handler was wrapped
	attached sync.Once
	faults   atomic.Uint64 // panics of our own, caught
}

// started is when this package was initialised: as near to the start of the
// process as a library gets.
//
//nolint:gochecknoglobals // written once, before main
var started = time.Now()

// New makes a Telemetry from the environment and the options. It does not fail: a
// setting that makes no sense is said in a record of level WARN and otherwise not
// there, because a typo in a variable must not keep a function from running.
func New(opts ...Option) *Telemetry {
	t := &Telemetry{opt: defaults()}
	for _, o := range opts {
		o(&t.opt)
	}
	t.set = env.Load(t.opt.getenv)
	t.opt.apply(&t.set)
	t.out = line.Stdout()
	if t.opt.out != nil {
		t.out = line.New(t.opt.out)
	}
	t.Handler = log.New(t.opt.logOptions(t.out)...)
	t.Log = slog.New(t.Handler)
	t.Metrics = metrics.New(t.opt.metricsOptions(t.out)...)
	var err error
	if t.Trace, err = trace.New(t.opt.traceOptions(t.set)...); err != nil {
		t.set.Problems = append(t.set.Problems, "no traces are sent: "+err.Error())
	}
	t.set.Problems = distinct(t.set.Problems, t.Handler.Problems(), t.Metrics.Problems())
	for _, p := range t.set.Problems {
		t.problem(p)
	}
	t.ext = &extension{t: t}
	return t
}

// attach prepares for invocations, once.
func (t *Telemetry) attach() {
	t.attached.Do(func() {
		t.initTime = time.Since(started)
		if err := t.ext.register(); err != nil {
			t.problem("spans are sent before the answer, not after it: " + err.Error())
		}
	})
}

// version is the service's: said, or the function's when it is a published one, or
// the commit it was built from.
func (t *Telemetry) version() string {
	if v := t.set.Version; v != "" {
		return v
	}
	if v := t.set.Function.Version; v != "" && v != "$LATEST" {
		return v
	}
	return commit()
}

// commit is the revision that the binary was built from, short; "": not known.
//
//nolint:gochecknoglobals // computed once, at first use
var commit = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return ""
})

// Problems are the settings that could not be used, and whatever else went wrong
// without the function noticing.
func (t *Telemetry) Problems() []string { return slices.Clone(t.set.Problems) }

// problem says what is wrong with the telemetry itself.
func (t *Telemetry) problem(what string) {
	t.write(context.Background(), slog.LevelWarn, "telemetry", []slog.Attr{slog.String("problem", what)})
}

// write writes a record past every sampling and source location.
func (t *Telemetry) write(ctx context.Context, level slog.Level, message string, attrs []slog.Attr) {
	if !t.Handler.Enabled(ctx, level) {
		return
	}
	r := slog.NewRecord(t.opt.now(), level, message, 0)
	r.AddAttrs(attrs...)
	_ = t.Handler.Handle(ctx, r)
}

// distinct are all of them once, in their order.
func distinct(lists ...[]string) (out []string) {
	for _, s := range slices.Concat(lists...) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// guard keeps a defect of ours from becoming the function's: it is counted and
// said, and the function goes on.
func (t *Telemetry) guard() {
	if p := recover(); p != nil {
		if t.faults.Add(1) == 1 {
			t.out.WriteLine(fmt.Appendf(nil, `{"level":"WARN","message":"telemetry","problem":%q}`+"\n", fmt.Sprint("a panic was caught: ", p)))
		}
	}
}

// lost is how many lines, values and spans have not got out so far.
func (t *Telemetry) lost() uint64 {
	n := t.out.Lost().Lines + t.faults.Load()
	for _, d := range t.Metrics.Dropped() {
		if d.Reason != metrics.LineLost { // the writer has counted the line
			n += d.Count
		}
	}
	for _, l := range t.Trace.Lost() {
		if l.Reason.Span() {
			n += l.Count
		}
	}
	return n
}

// flushMetrics writes the metrics of ctx's invocation, and says what could not be.
func (t *Telemetry) flushMetrics(ctx context.Context) {
	drops := t.Metrics.Flush(ctx)
	if len(drops) == 0 {
		return
	}
	attrs := make([]slog.Attr, 0, len(drops)+1)
	attrs = append(attrs, slog.String("problem", "metrics were dropped"))
	for _, d := range drops {
		attrs = append(attrs, slog.GroupAttrs(string(d.Reason), slog.Uint64("count", d.Count), slog.String("first", d.First)))
	}
	t.write(ctx, slog.LevelWarn, "telemetry", attrs)
}

// flushTraces sends what is queued, within a bound.
func (t *Telemetry) flushTraces(ctx context.Context, within time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	_ = t.Trace.Flush(ctx) // what could not be sent is counted
}
