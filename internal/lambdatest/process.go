package lambdatest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// maxPayload is the most that a synchronous answer may hold. (Lambda quotas.)
const maxPayload = 6<<20 + 1024

// call is an event on its way through the process.
type call struct {
	in      Invocation
	payload []byte
	failure *FunctionError
	once    sync.Once
	done    chan struct{}
}

func (c *call) finish(payload []byte, failure *FunctionError) (first bool) {
	c.once.Do(func() {
		c.payload, c.failure, first = payload, failure, true
		close(c.done)
	})
	return first
}

// process is a running bootstrap and its Runtime API.
type process struct {
	fn      Function
	cmd     *exec.Cmd
	server  *http.Server
	calls   chan *call // handed over when the process asks
	exited  chan struct{}
	started time.Time

	mu      sync.Mutex
	ready   time.Time // when it first asked
	current *call
	init    *FunctionError
}

// startProcess starts one that outlives the call: the context is for listening.
func startProcess(ctx context.Context, fn Function) (*process, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{fn: fn, cmd: fn.Command(), calls: make(chan *call), exited: make(chan struct{})}
	p.server = &http.Server{Handler: p.routes(), ReadHeaderTimeout: time.Minute}
	p.cmd.Env = fn.environ(listener.Addr().String())
	if fn.Output != nil {
		p.cmd.Stdout, p.cmd.Stderr = fn.Output, fn.Output
	}
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	go func() { _ = p.server.Serve(listener) }() // it ends when it is closed
	go func() {
		_ = p.cmd.Wait() // how it ended says nothing: it is killed as a rule
		close(p.exited)
		_ = p.server.Close()
	}()
	return p, nil
}

// routes are the Runtime API. (Developer guide, "Using the Lambda runtime API".)
func (p *process) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", p.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", p.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", p.failed)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", p.initFailed)
	return mux
}

func (p *process) next(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	if p.ready.IsZero() {
		p.ready = time.Now()
	}
	p.mu.Unlock()
	var c *call
	select {
	case c = <-p.calls:
	case <-r.Context().Done():
		return
	case <-p.exited:
		return
	}
	p.mu.Lock()
	p.current = c
	p.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", c.in.RequestID)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(c.in.Timeout).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:"+p.fn.Name)
	for name, value := range map[string]string{
		"Lambda-Runtime-Trace-Id": c.in.TraceID, "Lambda-Runtime-Client-Context": c.in.ClientContext, "Lambda-Runtime-Aws-Tenant-Id": c.in.Tenant,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
	_, _ = w.Write(c.in.Payload) // a process that is gone is noticed by its end
}

// answered returns the call of a request, or refuses it.
func (p *process) answered(w http.ResponseWriter, r *http.Request) *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.current; c != nil && c.in.RequestID == r.PathValue("id") {
		return c
	}
	refuse(w, http.StatusBadRequest, "InvalidRequestID", "the request id is not that of the invocation under way")
	return nil
}

func (p *process) response(w http.ResponseWriter, r *http.Request) {
	c := p.answered(w, r)
	if c == nil {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, "InvalidRequest", err.Error())
	case len(body) > maxPayload:
		text := fmt.Sprintf("the answer has more than %d bytes", maxPayload)
		c.finish(nil, &FunctionError{Type: "Function.ResponseSizeTooLarge", Message: text})
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", text)
	default:
		accept(w, c.finish(body, nil))
	}
}

func (p *process) failed(w http.ResponseWriter, r *http.Request) {
	if c := p.answered(w, r); c != nil {
		accept(w, c.finish(nil, readError(r)))
	}
}

func (p *process) initFailed(w http.ResponseWriter, r *http.Request) {
	failure := readError(r)
	failure.Init = true
	p.mu.Lock()
	p.init = failure
	p.mu.Unlock()
	accept(w, true)
}

func (p *process) initError() *FunctionError {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.init
}

func readError(r *http.Request) *FunctionError {
	out := &FunctionError{Trace: r.Header.Get("Lambda-Runtime-Function-Xray-Error-Cause")}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload))
	if err == nil {
		err = json.Unmarshal(body, out)
	}
	if err != nil {
		out.Message = string(body)
	}
	if out.Type == "" {
		out.Type = r.Header.Get("Lambda-Runtime-Function-Error-Type")
	}
	return out
}

func accept(w http.ResponseWriter, first bool) {
	if !first {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "the invocation is answered already")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, kind, text string) {
	body, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": text}) // strings always can be
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// kill ends the process and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may be gone already
	<-p.exited
}
