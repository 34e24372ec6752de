package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/web"
)

// Counts is what one minute of one run had: what a CloudWatch would make of the
// metric lines, without the lines.
type Counts struct {
	Run     int       `json:"run"`
	At      time.Time `json:"at"` // the minute's beginning
	Version string    `json:"version"`
	Total   int       `json:"total"`
	Bad     int       `json:"bad"`  // answered with a 5xx
	Slow    int       `json:"slow"` // took longer than the bound
}

// Counter counts the payments of a run minute by minute. It implements
// web.Recorder.
type Counter struct {
	out    *json.Encoder
	clock  *Clock
	bound  time.Duration
	minute Counts
	err    error
}

// NewCounter counts into out. A minute is written as a JSON line once it is over;
// one without payments is written too.
func NewCounter(out io.Writer, c *Clock, first Counts, bound time.Duration) *Counter {
	first.At = c.now.Truncate(time.Minute)
	return &Counter{out: json.NewEncoder(out), clock: c, minute: first, bound: bound}
}

// Done implements web.Recorder. A payment belongs to the minute in which it is
// answered, as its metric line does.
func (c *Counter) Done(_ context.Context, d web.Done) {
	c.until(c.clock.now)
	c.minute.Total++
	if d.Status >= http.StatusInternalServerError {
		c.minute.Bad++
	}
	if d.Took > c.bound {
		c.minute.Slow++
	}
}

// End writes the minutes up to the end of the run, which is one minute's edge.
func (c *Counter) End(to time.Time) error {
	c.until(to)
	return c.err
}

// until writes the minutes that are over at an instant.
func (c *Counter) until(t time.Time) {
	for !t.Before(c.minute.At.Add(time.Minute)) {
		c.err = errors.Join(c.err, c.out.Encode(c.minute))
		c.minute = Counts{Run: c.minute.Run, Version: c.minute.Version, At: c.minute.At.Add(time.Minute)}
	}
}
