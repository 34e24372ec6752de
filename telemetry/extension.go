package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// extension sends spans when the answer has gone out. It is an internal extension
// of Lambda's: a goroutine of the function's own process for whose next request
// Lambda waits before it freezes the process. (Lambda developer guide, "Lambda
// Extensions API".)
//
// The caller does not wait for it; the environment is busy for the time it takes,
// so a busy function sends many invocations' spans in one request.
type extension struct {
	t      *Telemetry
	client http.Client
	base   string
	id     string // what the Extensions API knows it by

	mu      sync.Mutex
	running map[string]*ending // by request; nil: nobody hears of invocations
	sent    time.Time
}

// ending is the end of an invocation. It may be said more than once: a handler
// that is wrapped twice ends twice.
type ending struct {
	done chan struct{}
	once sync.Once
}

func (e *ending) end() { e.once.Do(func() { close(e.done) }) }

// extensionName has no program under /opt/extensions: that makes it an internal one.
const extensionName = "nines-telemetry"

// register makes the process an extension, when it is a function that has spans to
// send over the network.
func (e *extension) register() error {
	f := e.t.set.Function
	if f.RuntimeAPI == "" || !e.t.Trace.Remote() {
		return nil
	}
	events := `{"events":["INVOKE"]}`
	if f.Concurrency > 1 {
		// Such an environment tells nobody of invocations and never freezes: spans
		// go in the background, and being an extension only brings the SIGTERM.
		events = `{"events":[]}`
	}
	e.base = "http://" + f.RuntimeAPI + "/2020-01-01/extension/"
	e.client.Transport = &http.Transport{Proxy: nil} // the API is on this machine
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.base+"register", strings.NewReader(events))
	if err != nil {
		return err
	}
	req.Header.Set("Lambda-Extension-Name", extensionName)
	res, err := e.client.Do(req)
	if err != nil {
		return fmt.Errorf("the Extensions API is not reached: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the Extensions API refuses to register: %s", res.Status)
	}
	if f.Concurrency <= 1 {
		e.running = map[string]*ending{}
	}
	e.id = res.Header.Get("Lambda-Extension-Identifier")
	go e.loop()
	go e.shutdown()
	return nil
}

// active says whether somebody sends spans after the answer.
func (e *extension) active() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.running != nil
}

// expect announces an invocation; what it returns ends it.
func (e *extension) expect(requestID string) func() { return e.invocation(requestID).end }

// invocation is the end of one, whoever hears of it first. Where nobody hears of
// invocations it is one that nobody waits for.
func (e *extension) invocation(requestID string) *ending {
	e.mu.Lock()
	defer e.mu.Unlock()
	i, ok := e.running[requestID]
	if !ok {
		i = &ending{done: make(chan struct{})}
		if e.running != nil {
			e.running[requestID] = i
		}
	}
	return i
}

// loop ends when there are no more events: Lambda has ended the process's life, or
// something is wrong, and spans are sent before the answer again.
func (e *extension) loop() {
	for {
		event, err := e.next()
		if err != nil {
			e.mu.Lock()
			e.running = nil
			e.mu.Unlock()
			return
		}
		e.after(event)
	}
}

// after waits for the end of an invocation and sends what it left.
func (e *extension) after(event extensionEvent) {
	defer e.t.guard()
	if event.EventType != "INVOKE" {
		return
	}
	deadline := time.UnixMilli(event.DeadlineMs)
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	select {
	case <-e.invocation(event.RequestID).done:
	case <-ctx.Done():
	}
	e.mu.Lock()
	delete(e.running, event.RequestID)
	e.mu.Unlock()
	if ctx.Err() == nil && e.due() {
		// A little of the time stays for asking for the next event.
		e.t.flushTraces(ctx, min(time.Until(deadline)*3/4, e.t.opt.flushWithin*2))
	}
}

// due says whether it is time to send, and that somebody now does.
func (e *extension) due() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	waiting := e.t.Trace.Waiting()
	if waiting == 0 || time.Since(e.sent) < e.t.opt.traceEvery && waiting < 512 {
		return false // sending nothing would keep the next spans waiting
	}
	e.sent = time.Now()
	return true
}

type extensionEvent struct {
	EventType  string `json:"eventType"`
	DeadlineMs int64  `json:"deadlineMs"`
	RequestID  string `json:"requestId"`
}

func (e *extension) next() (event extensionEvent, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, e.base+"event/next", http.NoBody)
	if err != nil {
		return event, err
	}
	req.Header.Set("Lambda-Extension-Identifier", e.id)
	res, err := e.client.Do(req) // answers when there is an event: no timeout
	if err != nil {
		return event, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return event, fmt.Errorf("the Extensions API gives no event: %s", res.Status)
	}
	return event, json.NewDecoder(res.Body).Decode(&event)
}

// shutdown sends what is left when Lambda takes the environment down: a process
// with an extension is told so by SIGTERM, half a second before it is killed.
func (e *extension) shutdown() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	<-c
	defer e.t.guard()
	e.t.flushTraces(context.Background(), 400*time.Millisecond)
}
