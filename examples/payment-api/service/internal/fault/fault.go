// Package fault makes a service behave badly on purpose: a share of its requests
// fails or is slow. What it does is said in words (the environment variable FAULT,
// or the admin endpoint) and can be changed while it runs.
package fault

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Kind is a way to behave badly.
type Kind string

// The kinds.
const (
	// Errors lets a share of the payments fail with a 500.
	Errors Kind = "errors"
	// LatencyBody makes the usual payment slow.
	LatencyBody Kind = "latency-body"
	// LatencyTail makes a few payments very slow.
	LatencyTail Kind = "latency-tail"
	// SlowDependency makes the card network slow, not the service itself.
	SlowDependency Kind = "slow-dependency"
)

// Fault is one of them: a share of the requests, and how long they wait.
type Fault struct {
	Kind  Kind          `json:"kind"`
	Rate  float64       `json:"rate"`            // 0 to 1
	Delay time.Duration `json:"delay,omitempty"` // nanoseconds in JSON; none for Errors
}

// String is the fault as [Parse] reads it.
func (f Fault) String() string {
	s := string(f.Kind) + ":" + strconv.FormatFloat(f.Rate, 'g', -1, 64)
	if f.Delay > 0 {
		s += ":" + f.Delay.String()
	}
	return s
}

// Plan is the faults in force; empty: none.
type Plan []Fault

// String is the plan as [Parse] reads it; "none" for none.
func (p Plan) String() string {
	if len(p) == 0 {
		return "none"
	}
	words := make([]string, len(p))
	for i, f := range p {
		words[i] = f.String()
	}
	return strings.Join(words, ",")
}

// usual is what a kind without numbers means.
func usual() []Fault {
	return []Fault{
		{Errors, 0.3, 0},
		{LatencyBody, 0.9, 350 * time.Millisecond},
		{LatencyTail, 0.25, 1200 * time.Millisecond},
		{SlowDependency, 0.9, 450 * time.Millisecond},
	}
}

// Parse reads "none", or faults with commas between: KIND, KIND:RATE or
// KIND:RATE:DELAY, as in errors:0.1 or latency-tail:0.05:2s.
func Parse(text string) (Plan, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "none" {
		return nil, nil
	}
	var plan Plan
	for word := range strings.SplitSeq(text, ",") {
		f, err := parseOne(strings.TrimSpace(word))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(plan, func(g Fault) bool { return g.Kind == f.Kind }) {
			return nil, fmt.Errorf("fault %q is named twice", f.Kind)
		}
		plan = append(plan, f)
	}
	return plan, nil
}

func parseOne(word string) (Fault, error) {
	parts := strings.Split(word, ":")
	all := usual()
	i := slices.IndexFunc(all, func(f Fault) bool { return string(f.Kind) == parts[0] })
	if i < 0 || len(parts) > 3 {
		return Fault{}, fmt.Errorf("%q is no fault: want none, or errors, latency-body, latency-tail or slow-dependency, with :RATE and :DELAY as in latency-tail:0.05:2s", word)
	}
	f := all[i]
	if len(parts) > 1 {
		rate, err := strconv.ParseFloat(parts[1], 64)
		if err != nil || !(rate >= 0 && rate <= 1) {
			return Fault{}, fmt.Errorf("%q: the rate %q is no number from 0 to 1", word, parts[1])
		}
		f.Rate = rate
	}
	if len(parts) > 2 {
		d, err := time.ParseDuration(parts[2])
		if err != nil || d <= 0 || d > time.Minute || f.Kind == Errors {
			return Fault{}, fmt.Errorf("%q: the delay %q is none up to a minute, or the fault has none", word, parts[2])
		}
		f.Delay = d
	}
	return f, nil
}

// Switch holds the plan in force. Any number of goroutines may use it; a nil
// Switch has no faults.
type Switch struct{ plan atomic.Pointer[Plan] }

// Set puts a plan in force.
func (s *Switch) Set(p Plan) { s.plan.Store(&p) }

// Plan is the plan in force.
func (s *Switch) Plan() Plan {
	if s == nil {
		return nil
	}
	if p := s.plan.Load(); p != nil {
		return *p
	}
	return nil
}

// Hits says whether a fault of this kind strikes now; draw returns numbers in
// [0, 1).
func (s *Switch) Hits(kind Kind, draw func() float64) bool {
	_, hit := s.strikes(kind, draw)
	return hit
}

// Delay waits as long as the faults of these kinds say, one after the other.
func (s *Switch) Delay(ctx context.Context, sleep func(context.Context, time.Duration) error, draw func() float64, kinds ...Kind) error {
	for _, kind := range kinds {
		if f, hit := s.strikes(kind, draw); hit {
			if err := sleep(ctx, f.Delay); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Switch) strikes(kind Kind, draw func() float64) (Fault, bool) {
	for _, f := range s.Plan() {
		if f.Kind == kind {
			return f, draw() < f.Rate
		}
	}
	return Fault{}, false
}
