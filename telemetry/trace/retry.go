package trace

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	firstWait = 100 * time.Millisecond
	lastWait  = 5 * time.Second
)

// post sends one request until it is taken, refused, or time is up.
func (e *HTTPExporter) post(ctx context.Context, body []byte, spans int, lost *tally) {
	ctx, cancel := context.WithTimeout(ctx, e.patience)
	defer cancel()
	if err := e.resolve(ctx); err != nil {
		lost.fail(ExportFail, spans, err)
		return
	}
	body, zipped := e.compress(body)
	var last error
	for try := 0; ; try++ {
		r, err := e.request(ctx, body, zipped)
		if err != nil {
			lost.fail(ExportFail, spans, err)
			return
		}
		status, reply, after, err := e.answer(r)
		switch {
		case err == nil && status/100 == 2:
			lost.partial(reply, spans)
			return
		case err == nil && !temporary(status):
			if e.signed && status == http.StatusForbidden {
				e.creds.Forget() // perhaps they were taken back
			}
			lost.fail(Refused, spans, refusal(e.endpoint, status, reply))
			return
		case err == nil:
			err = refusal(e.endpoint, status, reply)
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		if !pause(ctx, wait(try, after, e.now())) {
			lost.fail(ExportFail, spans, last)
			return
		}
	}
}

// temporary says whether a status means: later.
func temporary(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}

// partial counts what an answer of success refuses.
func (t *tally) partial(reply []byte, spans int) {
	n, why := rejected(reply)
	if n == 0 {
		return
	}
	t.add(Refused, int(min(n, uint64(spans)))) //nolint:gosec // at most spans
	if t.detail == "" {
		t.detail, _ = shorten(strings.ToValidUTF8(why, "\ufffd"), 256)
	}
}

func refusal(endpoint string, status int, reply []byte) error {
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0xfffd {
			return ' '
		}
		return r
	}, string(reply[:min(len(reply), 256)]))
	return fmt.Errorf("trace: %s answered %d %s: %s", endpoint, status, http.StatusText(status), strings.TrimSpace(text))
}

// wait is how long to wait before the next attempt: what the endpoint says, or
// twice as long each time, at random so that many do not come together.
func wait(try int, after string, now time.Time) time.Duration {
	if s, err := strconv.Atoi(after); err == nil && s >= 0 && s < 1<<20 {
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(after); err == nil {
		return max(0, t.Sub(now))
	}
	d := min(lastWait, firstWait<<min(try, 10))
	return d/2 + rand.N(d/2+1) //nolint:gosec // no secret
}

// pause waits, and says whether there is time for another attempt after it.
func pause(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
