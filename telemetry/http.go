package telemetry

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/log"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// Middleware gives each request of next a span, a request id, and a wide record at
// its end. The trace goes on from the request's X-Amzn-Trace-Id (as a load
// balancer or API Gateway sends it) or traceparent header; the answer carries the
// id back. A panic is written down and goes on its way.
func (t *Telemetry) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		u, r := t.beginRequest(w, r)
		defer func() { u.endRequest(recover(), rec, r) }()
		next.ServeHTTP(rec, r)
	})
}

func (t *Telemetry) beginRequest(w http.ResponseWriter, r *http.Request) (u *unit, out *http.Request) {
	u = &unit{t: t, ctx: r.Context(), done: func() {}}
	defer func() {
		if out == nil {
			out = r // a defect of ours: the request is served as it came
		}
	}()
	defer t.guard()
	header, _ := trace.Extract(r.Header)
	id := cmp.Or(r.Header.Get("X-Request-Id"), r.Header.Get("X-Amzn-Requestid"))
	ctx, span := t.Trace.Start(r.Context(), r.Method, trace.WithParent(header), trace.WithKind(trace.Server))
	span.SetRequest(r)
	s := scope.Start{At: t.opt.now(), RequestID: id, TraceID: span.TraceID(), Concurrent: true}
	if s.TraceID == "" && !header.IsZero() {
		s.TraceID = header.Trace.String()
	}
	if s.TraceID != "" {
		w.Header().Set(trace.HeaderName, "Root="+s.TraceID)
	}
	u.span = span
	u.ctx, u.inv = scope.Begin(ctx, s)
	if c := r.Header.Get("X-Correlation-Id"); c != "" {
		log.SetCorrelation(u.ctx, c)
	}
	u.asked(r.Method, "")
	return u, r.WithContext(u.ctx)
}

// endRequest is deferred: p is what was recovered.
func (u *unit) endRequest(p any, rec *recorder, r *http.Request) {
	var err error
	if p != nil && !isAbort(p) {
		err = &panicked{p, stack()}
	}
	u.finishRequest(err, rec, r)
	if p != nil {
		panic(p)
	}
}

func (u *unit) finishRequest(err error, rec *recorder, r *http.Request) {
	defer u.t.guard()
	if u.inv == nil {
		return
	}
	defer u.inv.End()
	status := rec.sent(err != nil)
	u.asked(r.Method, r.Pattern)
	u.answered(status)
	level := slog.LevelInfo
	if status >= 500 {
		level = slog.LevelError
	}
	attrs := append(u.wide(u.outcome(status, err), err), slog.Int64("response_bytes", rec.bytes))
	if r.Pattern != "" {
		u.span.SetName(r.Pattern)
	}
	u.span.SetResponse(status, rec.bytes)
	u.record(err)
	u.annotate(attrs)
	u.span.End()
	u.t.write(u.ctx, level, "request", attrs)
	u.t.Handler.DiscardBuffer(u.ctx)
	if !u.t.opt.lives {
		u.t.flushMetrics(u.ctx)
	}
}

// isAbort says whether a panic is the way net/http has for giving up a request.
func isAbort(p any) bool {
	err, ok := p.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// Start is for a process that lives on, a server or a daemon on EC2 or ECS: spans
// and metrics go out every few seconds, slog's default logger writes by us, and
// stop sends the rest.
//
//	tel, stop := telemetry.Start(ctx)
//	defer stop(context.WithoutCancel(ctx))
func Start(ctx context.Context, opts ...Option) (t *Telemetry, stop func(context.Context) error) {
	t = New(append([]Option{lives}, opts...)...)
	slog.SetDefault(t.Log)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				t.flushMetrics(ctx)
			}
		}
	}()
	return t, func(ctx context.Context) error {
		cancel()
		<-ended
		t.flushMetrics(ctx)
		return t.Trace.Shutdown(ctx)
	}
}

// lives says that the process is no function: its metrics are one record for all
// requests, written every few seconds.
func lives(c *config) {
	c.lives = true
	c.metrics = append(c.metrics, metrics.WithoutInvocations())
}

// Add adds to the wide record of the invocation or request that ctx belongs to. A
// later value replaces an earlier one of the same key.
func Add(ctx context.Context, attrs ...slog.Attr) {
	if inv := scope.From(ctx); inv != nil {
		inv.Add(attrs...)
	}
}

// Retried counts calls that had to be made again, for the wide record.
func Retried(ctx context.Context, times int) {
	if inv := scope.From(ctx); inv != nil {
		inv.Retries.Add(int64(times))
	}
}

// recorder sees the status and the size of an answer, and leaves the rest of a
// ResponseWriter as it was.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// ReadFrom keeps the way by which a file goes to a socket without being copied.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := io.Copy(r.ResponseWriter, src)
	r.bytes += n
	return n, err
}

// Flush implements http.Flusher.
func (r *recorder) Flush() { _ = http.NewResponseController(r.ResponseWriter).Flush() }

// Hijack implements http.Hijacker.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(r.ResponseWriter).Hijack()
}

// sent is the status that the client saw.
func (r *recorder) sent(panicked bool) int {
	switch {
	case r.status != 0:
		return r.status
	case panicked:
		return http.StatusInternalServerError // the connection was cut
	default:
		return http.StatusOK
	}
}
