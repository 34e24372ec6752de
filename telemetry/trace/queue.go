package trace

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	batchSpans = 512              // how many spans are sent at once
	background = 30 * time.Second // how long one sending in the background may take
)

// queue holds spans until they are sent. Whoever puts one in never waits for more
// than another who does.
type queue struct {
	tracer   *Tracer
	room     int
	interval time.Duration
	busy     chan struct{} // holds one token while somebody sends

	mu      sync.Mutex
	records []*Record
	closed  bool
	timer   *time.Timer            // runs when something waits and an interval is set
	sending bool                   // a full batch has somebody who sends it
	work    func()                 // sends what waits, for nobody who waits for it
	root    func() context.Context // of what belongs to no request
	cancel  context.CancelFunc
	ctx     context.Context //nolint:containedctx // of what is sent in the background, until Shutdown ends it
}

func (q *queue) configure(t *Tracer, c *config) {
	q.tracer, q.room, q.busy = t, max(1, c.room), make(chan struct{}, 1)
	q.interval, q.work, q.root = 5*time.Second, q.background, context.Background
	if c.settings.Function.Lambda() {
		q.interval = 0 // a frozen process sends nothing; whoever wraps the handler flushes
	}
	if c.interval != nil {
		q.interval = max(0, *c.interval)
	}
}

// put queues a record, or says why not.
func (q *queue) put(r *Record) (Reason, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return AfterClose, false
	}
	if len(q.records) >= q.room {
		return QueueFull, false
	}
	q.records = append(q.records, r)
	if q.interval > 0 && q.timer == nil {
		q.timer = time.AfterFunc(q.interval, q.work)
	}
	if len(q.records) >= min(batchSpans, q.room) && !q.sending {
		q.sending = true
		go q.work()
	}
	return 0, true
}

// background sends what waits while nobody waits for it.
func (q *queue) background() {
	q.mu.Lock()
	if q.timer != nil {
		q.timer.Stop()
		q.timer = nil
	}
	if q.ctx == nil {
		q.ctx, q.cancel = context.WithCancel(q.root())
	}
	ctx, cancel := context.WithTimeout(q.ctx, background)
	q.mu.Unlock()
	defer cancel()
	_ = q.flush(ctx)
	q.mu.Lock()
	q.sending = false
	if len(q.records) > 0 && q.interval > 0 && q.timer == nil && !q.closed {
		q.timer = time.AfterFunc(q.interval, q.work)
	}
	q.mu.Unlock()
}

// take removes up to n records.
func (q *queue) take(n int) []*Record {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.records))
	out := append([]*Record(nil), q.records[:n]...)
	rest := copy(q.records, q.records[n:])
	clear(q.records[rest:])
	q.records = q.records[:rest]
	return out
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.records)
}

// giveBack returns records whose sending was cut short, before the others.
func (q *queue) giveBack(rs []*Record) (left []*Record) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(rs), q.room-len(q.records))
	if q.closed || n < 0 {
		n = 0
	}
	q.records = append(rs[:n:n], q.records...)
	return rs[n:]
}

// flush sends what waits now, and returns what went wrong.
func (q *queue) flush(ctx context.Context) error {
	select {
	case q.busy <- struct{}{}:
	default:
		select {
		case q.busy <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("trace: flush: another one is at work: %w", ctx.Err())
		}
	}
	defer func() { <-q.busy }()
	var errs []error
	for n := q.len(); n > 0; {
		if err := ctx.Err(); err != nil {
			errs = append(errs, fmt.Errorf("trace: flush: %d spans still wait: %w", q.len(), err))
			break
		}
		batch := q.take(min(n, batchSpans))
		if len(batch) == 0 {
			break
		}
		n -= len(batch)
		if err := q.tracer.send(ctx, batch); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// send exports a batch, counts what was lost of it and takes the records back.
func (t *Tracer) send(ctx context.Context, records []*Record) error {
	err := t.export(ctx, records)
	all := len(records)
	if err != nil && ctx.Err() != nil && wholly(err, len(records)) {
		// Cut short, not refused: the next flush tries once more.
		var again []*Record
		rest := records[:0]
		for _, r := range records {
			if r.tries++; r.tries == 1 {
				again = append(again, r)
			} else {
				rest = append(rest, r)
			}
		}
		records = append(rest, t.queue.giveBack(again)...)
		t.lost.add(ExportFail, len(records))
	} else if loss, ok := errors.AsType[*LossError](err); ok {
		for _, l := range loss.Lost {
			t.lost.add(l.Reason, int(min(l.Count, uint64(maxBatch))))
		}
	} else if err != nil {
		t.lost.add(ExportFail, all)
	}
	for _, r := range records {
		t.recycle(r)
	}
	return err
}

// maxBatch bounds what an exporter may claim to have lost.
const maxBatch = 1 << 20

// wholly says whether err means that none of n spans was sent.
func wholly(err error, n int) bool {
	loss, ok := errors.AsType[*LossError](err)
	if !ok {
		return true
	}
	return len(loss.Lost) == 1 && loss.Lost[0].Reason == ExportFail && loss.Lost[0].Count == uint64(n) //nolint:gosec // a length
}

// export calls the exporter; its panic is an error.
func (t *Tracer) export(ctx context.Context, records []*Record) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("trace: the exporter panics: %s", describe(p))
		}
	}()
	if err := t.exporter.Export(ctx, &Batch{Resource: t.resource, Records: records}); err != nil {
		return fmt.Errorf("trace: export: %w", err)
	}
	return nil
}

// Flush sends the spans that have ended. It returns when they are sent, lost, or
// ctx is done; what was lost is in the error and in [Tracer.Lost].
func (t *Tracer) Flush(ctx context.Context) error {
	if !t.Enabled() {
		return nil
	}
	return t.queue.flush(ctx)
}

// Waiting is how many spans have ended and are not sent.
func (t *Tracer) Waiting() int {
	if t == nil {
		return 0
	}
	return t.queue.len()
}

// Shutdown sends what waits and takes nothing more. What does not get out before
// ctx is done is lost, and counted, as are spans that were never ended.
func (t *Tracer) Shutdown(ctx context.Context) error {
	if !t.Enabled() {
		return nil
	}
	t.queue.mu.Lock()
	first := !t.queue.closed
	t.queue.closed = true
	if t.queue.timer != nil {
		t.queue.timer.Stop()
		t.queue.timer = nil
	}
	t.queue.mu.Unlock()
	if !first {
		return nil
	}
	err := t.queue.flush(ctx)
	t.queue.mu.Lock()
	if t.queue.cancel != nil {
		t.queue.cancel()
	}
	t.queue.mu.Unlock()
	left := t.queue.take(t.queue.room)
	t.lost.add(ExportFail, len(left))
	t.lost.add(NotEnded, int(max(0, t.open.Load())))
	return err
}
