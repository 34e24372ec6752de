package lambdatest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// stamp is how the Telemetry API writes a time.
const stamp = "2006-01-02T15:04:05.000Z"

// schemas are the versions of its events.
func schemas() []string { return []string{"2022-07-01", "2022-12-13", "2025-01-29"} }

// telemetry is the Telemetry API of an environment: what happened, for those who
// subscribed.
type telemetry struct {
	json bool // the function's log format

	mu      sync.Mutex
	past    []event // of the start, for those who subscribe during it
	closed  bool    // the start is over
	stopped bool    // the environment is
	subs    []*subscriber
}

// event is what is told; a line is text until it is known who reads it.
type event struct {
	at     string
	kind   string
	record any
}

func newTelemetry(jsonLogs bool) *telemetry {
	return &telemetry{json: jsonLogs}
}

func (t *telemetry) line(kind, line string) { t.emit(kind, line) }

func (t *telemetry) emit(kind string, record any) {
	e := event{at: time.Now().UTC().Format(stamp), kind: kind, record: record}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.past = append(t.past, e)
	}
	for _, s := range t.subs {
		s.add(e, t.json)
	}
}

// close ends the time in which one may subscribe.
func (t *telemetry) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed, t.past = true, nil
}

// flush delivers what is buffered, as far as time allows.
func (t *telemetry) flush(most time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	t.mu.Lock()
	subs := slices.Clone(t.subs)
	t.mu.Unlock()
	var all sync.WaitGroup
	for _, s := range subs {
		all.Go(func() { s.flush(ctx) })
	}
	all.Wait()
}

// stop ends every delivery.
func (t *telemetry) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	for _, s := range t.subs {
		s.cancel()
	}
}

// subscription is the body of a Subscribe request.
type subscription struct {
	SchemaVersion string   `json:"schemaVersion"`
	Types         []string `json:"types"`
	Destination   struct {
		Protocol string `json:"protocol"`
		URI      string `json:"URI"`
	} `json:"destination"`
	Buffering struct {
		MaxItems  *int `json:"maxItems"`
		MaxBytes  *int `json:"maxBytes"`
		TimeoutMs *int `json:"timeoutMs"`
	} `json:"buffering"`
}

// subscribe takes a subscription, during the start only.
func (s *sandbox) subscribe(w http.ResponseWriter, r *http.Request) {
	x, no := s.identify(r)
	if no != nil {
		no.write(w)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var in subscription
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		refuse(http.StatusBadRequest, "ValidationError", "Invalid JSON: %v", err).write(w)
		return
	}
	sub, no := newSubscriber(in)
	if no == nil {
		no = s.telemetry.join(x.name, sub)
	}
	if no != nil {
		no.write(w)
		return
	}
	s.telemetry.emit("platform.telemetrySubscription", map[string]any{"name": x.name, "state": "Subscribed", "types": in.Types})
	reply(w, http.StatusOK, "OK")
}

// join lets a subscriber in; a second subscription of the same extension takes
// the place of its first.
func (t *telemetry) join(name string, sub *subscriber) *refusal {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.stopped {
		return refuse(http.StatusForbidden, "Telemetry.SubscriptionClosed", "Telemetry API subscription is closed")
	}
	t.subs = slices.DeleteFunc(t.subs, func(o *subscriber) bool {
		if o.name == name {
			o.cancel()
		}
		return o.name == name
	})
	sub.name = name
	ctx, cancel := context.WithCancel(context.Background())
	sub.cancel = cancel
	for _, e := range t.past {
		sub.add(e, t.json)
	}
	t.subs = append(t.subs, sub)
	go sub.run(ctx)
	return nil
}

// newSubscriber checks a subscription. (Developer guide, "Lambda Telemetry API
// reference": limits and defaults.)
func newSubscriber(in subscription) (*subscriber, *refusal) {
	bad := func(format string, args ...any) (*subscriber, *refusal) {
		return nil, refuse(http.StatusBadRequest, "ValidationError", format, args...)
	}
	if !slices.Contains(schemas(), in.SchemaVersion) {
		return bad("schemaVersion %q is none of %s", in.SchemaVersion, strings.Join(schemas(), ", "))
	}
	if len(in.Types) == 0 {
		return bad("types is empty")
	}
	for _, t := range in.Types {
		if !slices.Contains([]string{"platform", "function", "extension"}, t) {
			return bad("types: %q is none of platform, function, extension", t)
		}
	}
	if in.Destination.Protocol != "HTTP" {
		return bad("destination.protocol %q: this double delivers by HTTP only", in.Destination.Protocol)
	}
	to, err := url.Parse(in.Destination.URI)
	if err != nil || to.Scheme != "http" || !slices.Contains([]string{"sandbox.localdomain", "sandbox", "localhost", "127.0.0.1"}, to.Hostname()) {
		return bad("destination.URI %q is no http address of this environment", in.Destination.URI)
	}
	if to.Port() != "" {
		to.Host = "127.0.0.1:" + to.Port()
	} else {
		to.Host = "127.0.0.1"
	}
	sub := &subscriber{to: to.String(), schema: in.SchemaVersion, types: in.Types, maxItems: 10000, maxBytes: 256 << 10, changed: make(chan struct{})}
	timeout := 1000
	for _, b := range []struct {
		name        string
		given       *int
		least, most int
		into        *int
	}{
		{"maxItems", in.Buffering.MaxItems, 1000, 10000, &sub.maxItems},
		{"maxBytes", in.Buffering.MaxBytes, 256 << 10, 1 << 20, &sub.maxBytes},
		{"timeoutMs", in.Buffering.TimeoutMs, 25, 30000, &timeout},
	} {
		if b.given == nil {
			continue
		}
		if *b.given < b.least || *b.given > b.most {
			return bad("buffering.%s %d is not between %d and %d", b.name, *b.given, b.least, b.most)
		}
		*b.into = *b.given
	}
	sub.wait = time.Duration(timeout) * time.Millisecond
	return sub, nil
}
