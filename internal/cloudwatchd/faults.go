package cloudwatchd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/protocol"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// FaultKind is what goes wrong.
type FaultKind string

// The faults.
const (
	Throttle  FaultKind = "throttle"   // the call answers Throttling
	Internal  FaultKind = "internal"   // the call answers InternalServiceError, status 500
	Failure   FaultKind = "error"      // the call answers Code, Message and Status
	Latency   FaultKind = "latency"    // the call waits for Delay first
	Cut       FaultKind = "cut"        // the connection breaks in the middle of the answer
	Partial   FaultKind = "partial"    // results lose the second half of their datapoints and say PartialData
	RowError  FaultKind = "row_error"  // results are empty and say InternalError
	Forbidden FaultKind = "forbidden"  // results are empty and say Forbidden
	Stray     FaultKind = "stray"      // results gain a datapoint from before the range
	ShortPage FaultKind = "short_page" // pages end after a few datapoints, with a NextToken
	Late      FaultKind = "late"       // published data are visible only after Delay
	Drop      FaultKind = "drop"       // published data are lost
)

// Fault is a rule: what goes wrong, where, and how often. A rule that names a
// metric or namespace applies to that metric's data and results alone.
type Fault struct {
	Kind      FaultKind `json:"kind"`
	Operation string    `json:"operation,omitempty"` // "" is every operation
	Namespace string    `json:"namespace,omitempty"`
	Metric    string    `json:"metric,omitempty"` // metric name
	After     int       `json:"after,omitempty"`  // how often it would apply before it does
	Times     int       `json:"times,omitempty"`  // how often it then applies; 0 is always
	Rate      float64   `json:"rate,omitempty"`   // probability of applying; 0 is certainty
	Seed      uint64    `json:"seed,omitempty"`   // of Rate's dice: the same seed, the same run
	Delay     Delay     `json:"delay,omitempty"`
	Code      string    `json:"code,omitempty"`
	Message   string    `json:"message,omitempty"`
	Status    int       `json:"status,omitempty"`
}

// Delay is a duration that reads and writes as "90s".
type Delay time.Duration

// Duration is the delay as a duration.
func (d Delay) Duration() time.Duration { return time.Duration(d) }

// MarshalText writes "1m30s".
func (d Delay) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads "90s".
func (d *Delay) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Delay(v)
	return err
}

func (f Fault) check() error {
	kinds := []FaultKind{Throttle, Internal, Failure, Latency, Cut, Partial, RowError, Forbidden, Stray, ShortPage, Late, Drop}
	switch {
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("there is no fault %q; there are %v", f.Kind, kinds)
	case f.Rate < 0 || f.Rate > 1:
		return fmt.Errorf("rate %v is not between 0 and 1", f.Rate)
	case f.After < 0 || f.Times < 0 || f.Delay < 0:
		return errors.New("after, times and delay cannot be negative")
	case f.Kind == Failure && f.Code == "":
		return errors.New("an error needs a code")
	case (f.Kind == Late || f.Kind == Latency) && f.Delay == 0:
		return fmt.Errorf("%s needs a delay", f.Kind)
	}
	return nil
}

type rule struct {
	Fault
	dice *rand.Rand
	seen int
	used int
}

func (r *rule) asError() *protocol.Error {
	if r.Kind == Throttle {
		return throttled()
	}
	if r.Kind != Failure {
		return internal("injected")
	}
	status := r.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	return &protocol.Error{Shape: r.Code, Code: r.Code, Message: r.Message, Status: status, Server: status >= http.StatusInternalServerError}
}

// covers says whether a rule is about an operation and a metric. What is empty,
// in the rule or in the question, does not matter.
func (r *rule) covers(op, namespace, metric string) bool {
	return (r.Operation == "" || op == "" || strings.EqualFold(r.Operation, op)) &&
		(r.Namespace == "" || namespace == "" || r.Namespace == namespace) &&
		(r.Metric == "" || metric == "" || r.Metric == metric)
}

type faults struct {
	mu    sync.Mutex
	rules []*rule
}

// forCall returns the rules that strike a call. Rules about single results are
// returned without being counted: they are asked again for every result.
func (f *faults) forCall(op string) []*rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []*rule
	for _, r := range f.rules {
		if !r.covers(op, "", "") {
			continue
		}
		switch r.Kind {
		case Late, Drop:
		case Partial, RowError, Forbidden, Stray:
			out = append(out, r)
		case Throttle, Internal, Failure, Latency, Cut, ShortPage:
			if r.strike() {
				out = append(out, r)
			}
		}
	}
	return out
}

// forDatum says whether published data are lost, or for how long they are held
// back.
func (f *faults) forDatum(m store.Metric) (drop bool, late time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.rules {
		if r.Kind != Late && r.Kind != Drop || !r.covers("PutMetricData", m.Namespace, m.Name) || !r.strike() {
			continue
		}
		if r.Kind == Drop {
			return true, 0
		}
		late = max(late, r.Delay.Duration())
	}
	return false, late
}

// strikes says whether one of the rules of a kind strikes a result.
func (f *faults) strikes(rules []*rule, kind FaultKind, q *query) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range rules {
		if r.Kind == kind && r.covers("", q.metric.Namespace, q.metric.Name) && r.strike() {
			return true
		}
	}
	return false
}

// strike counts an occasion. Callers hold the lock.
func (r *rule) strike() bool {
	if r.seen++; r.seen <= r.After || r.Times > 0 && r.used >= r.Times {
		return false
	}
	if r.Rate > 0 && r.dice.Float64() >= r.Rate {
		return false
	}
	r.used++
	return true
}

// Inject adds a fault.
func (s *Server) Inject(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rules = append(s.faults.rules, &rule{Fault: f, dice: rand.New(rand.NewPCG(f.Seed, 1))}) //nolint:gosec // dice of a test, repeatable on purpose
	return nil
}

// Faults lists the faults in force.
func (s *Server) Faults() []Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	out := make([]Fault, 0, len(s.faults.rules))
	for _, r := range s.faults.rules {
		out = append(out, r.Fault)
	}
	return out
}

// ClearFaults removes all faults. Data held back as late stay so.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rules = nil
}

// held is published data that are not visible yet.
type held struct {
	at    time.Time
	place store.Place
	data  []store.Datum
}

type lateData struct {
	mu   sync.Mutex
	held []held
}

func (l *lateData) hold(h held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = append(l.held, h)
}

// release gives up what is due; due nil means everything.
func (l *lateData) release(put func(held) error, due func(held) bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	l.held = slices.DeleteFunc(l.held, func(h held) bool {
		if due != nil && !due(h) {
			return false
		}
		err := put(h)
		errs = append(errs, err)
		return err == nil
	})
	return errors.Join(errs...)
}

func (s *Server) deliverLate(ctx context.Context, now time.Time) {
	err := s.late.release(
		func(h held) error { return s.store.Put(ctx, h.place, h.data) },
		func(h held) bool { return !h.at.After(now) })
	if err != nil {
		s.cfg.Log.LogAttrs(ctx, slog.LevelError, "late data not stored", slog.Any("error", err))
	}
}
