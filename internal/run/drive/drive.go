// Package drive makes traffic where there is none: the same requests, at a stated
// rate, to two versions alike, and counts what came of them.
//
// It is an open loop: a request is sent when its time has come, whatever became
// of those before it, so that a slow version does not slow its own load down. It
// needs no time of its own: whoever waits by its clock drives it.
package drive

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/meter"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Options say what is sent where.
type Options struct {
	// Rate is how many requests a second each side gets; above 0, at most 1000.
	Rate     float64
	Requests []Request
	// Sides are the two versions, as the meter is asked for them.
	Sides []string
	// Send sends a request to a side and says whether it was answered well. It
	// returns when its context ends at the latest.
	Send  func(ctx context.Context, side string, q Request) (good bool)
	Clock run.Clock
	// Stopwatch is the time by which latency is measured; nil: Clock's.
	Stopwatch func() time.Time
	// Most is how many requests may be under way; 0: 256. One whose time has come
	// when there are as many is not sent, which is noted.
	Most int
	// Limit is how long a request may take; 0: 10 seconds.
	Limit time.Duration
	// Latency counts how long requests took, besides.
	Latency bool
}

// most is the highest rate.
const most = 1000

// edges are the upper edges of the histogram of latency, in milliseconds.
func edges() []float64 { return []float64{5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000} }

// Driver makes the traffic. It is a clock, by which the shell waits, and a meter.
// It is safe for concurrent use.
type Driver struct {
	opt Options

	mu     sync.Mutex
	cond   *sync.Cond
	next   int       // of the requests
	due    time.Time // when the next is sent
	under  map[slo.Minute]int
	counts map[string]map[slo.Minute]*judge.Arm
	first  slo.Minute // the first minute that was driven as a whole
	unsent int
}

var (
	_ meter.Meter = (*Driver)(nil)
	_ run.Clock   = (*Driver)(nil)
)

// New prepares. It sends nothing. The error is of kind Invalid.
func New(opt Options) (*Driver, error) {
	switch {
	case !(opt.Rate > 0 && opt.Rate <= most):
		return nil, fault.New(fault.Invalid, "drive", fmt.Sprintf("%v requests a second", opt.Rate), fmt.Sprintf("say how many with --rate, above 0 and up to %d", most))
	case len(opt.Requests) == 0:
		return nil, fault.New(fault.Invalid, "drive", "there are no requests to make", "name a file of them with --requests")
	}
	if opt.Most == 0 {
		opt.Most = 256
	}
	if opt.Limit == 0 {
		opt.Limit = 10 * time.Second
	}
	if opt.Stopwatch == nil {
		opt.Stopwatch = opt.Clock.Now
	}
	d := &Driver{opt: opt, under: map[slo.Minute]int{}, counts: map[string]map[slo.Minute]*judge.Arm{}}
	d.cond = sync.NewCond(&d.mu)
	for _, s := range opt.Sides {
		d.counts[s] = map[slo.Minute]*judge.Arm{}
	}
	return d, nil
}

// Now is the clock's instant.
func (d *Driver) Now() time.Time { return d.opt.Clock.Now() }

// Sleep waits, and meanwhile sends what is due.
func (d *Driver) Sleep(ctx context.Context, length time.Duration) error {
	every := time.Duration(float64(time.Second) / d.opt.Rate)
	until := d.Now().Add(length)
	for {
		now := d.Now()
		if d.due.IsZero() || now.Sub(d.due) > every {
			d.restart(now) // what could not be sent while nobody waited is not caught up on
		}
		if !d.due.Before(until) {
			return d.opt.Clock.Sleep(ctx, until.Sub(now)) //nolint:wrapcheck // the clock's own
		}
		if wait := d.due.Sub(now); wait > 0 {
			if err := d.opt.Clock.Sleep(ctx, wait); err != nil {
				return err //nolint:wrapcheck // the clock's own
			}
		}
		d.send(ctx)
		d.due = d.due.Add(every)
	}
}

// gap is how long nobody may have waited for a minute to count as driven.
const gap = 15 * time.Second

// restart begins the rhythm anew at an instant.
func (d *Driver) restart(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.due.IsZero() || now.Sub(d.due) > gap {
		d.first = slo.MinuteOf(now.Add(time.Minute - time.Nanosecond))
	}
	d.due = now
}

// send sends the next request to every side.
func (d *Driver) send(ctx context.Context) {
	at := slo.MinuteOf(d.Now())
	d.mu.Lock()
	q := d.opt.Requests[d.next%len(d.opt.Requests)]
	d.next++
	busy := 0
	for _, n := range d.under {
		busy += n
	}
	if busy+len(d.opt.Sides) > d.opt.Most {
		d.unsent += len(d.opt.Sides)
		d.mu.Unlock()
		return
	}
	d.under[at] += len(d.opt.Sides)
	d.mu.Unlock()
	// A request that is on its way is finished, whatever becomes of the rollout.
	ctx = context.WithoutCancel(ctx)
	for _, side := range d.opt.Sides {
		go d.one(ctx, side, q, at)
	}
}

// one sends one request and counts it in the minute in which it was sent.
func (d *Driver) one(ctx context.Context, side string, q Request, at slo.Minute) {
	ctx, cancel := context.WithTimeout(ctx, d.opt.Limit)
	defer cancel()
	began := d.opt.Stopwatch()
	good := false
	defer func() {
		if recover() != nil {
			good = false // a sender's defect is that request's failure
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.count(side, at, good, d.opt.Stopwatch().Sub(began))
		if d.under[at]--; d.under[at] == 0 {
			delete(d.under, at)
		}
		d.cond.Broadcast()
	}()
	good = d.opt.Send(ctx, side, q)
}

func (d *Driver) count(side string, at slo.Minute, good bool, took time.Duration) {
	arm := d.counts[side][at]
	if arm == nil {
		arm = &judge.Arm{Buckets: make([]int64, len(edges())+1)}
		d.counts[side][at] = arm
	}
	arm.Total++
	if !good {
		arm.Bad++
	}
	i, _ := slices.BinarySearch(edges(), took.Seconds()*1000)
	arm.Buckets[i]++
}

// Read implements [meter.Meter]. It waits for the answers of minutes that are
// over; none takes longer than Limit.
func (d *Driver) Read(_ context.Context, version string, span slo.Span) (meter.Reading, error) {
	now := slo.MinuteOf(d.Now())
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.open(now) {
		d.cond.Wait()
	}
	out := meter.Reading{Frontier: max(span.From, min(span.To, now))}
	errors := meter.Line{Metric: judge.Metric{Name: "errors"}}
	latency := meter.Line{Metric: judge.Metric{Name: "latency", Unit: "ms", Edges: edges()}}
	for m := max(span.From, d.first); m < out.Frontier; m++ {
		arm := d.counts[version][m]
		if arm == nil {
			continue // nothing was sent: that says nothing
		}
		errors.Minutes = append(errors.Minutes, meter.Minute{At: m, Arm: judge.Arm{Total: arm.Total, Bad: arm.Bad}})
		latency.Minutes = append(latency.Minutes, meter.Minute{At: m, Arm: judge.Arm{Total: arm.Total, Buckets: slices.Clone(arm.Buckets)}})
	}
	out.Lines = []meter.Line{errors}
	if d.opt.Latency {
		out.Lines = append(out.Lines, latency)
	}
	if d.unsent > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d requests were not sent: as many as may be were under way", d.unsent))
	}
	return out, nil
}

// open says whether a minute before an instant still waits for answers.
func (d *Driver) open(now slo.Minute) bool {
	for m := range d.under {
		if m < now {
			return true
		}
	}
	return false
}
