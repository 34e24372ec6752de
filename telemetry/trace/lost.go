package trace

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// Reason is why something was lost.
type Reason uint8

// Reasons. The first ones lose a span, the others a part of one.
const (
	QueueFull  Reason = iota // the queue had no room
	ExportFail               // the endpoint could not be reached, or kept failing
	Refused                  // the endpoint refused it: 4xx, or a partial success
	TooLarge                 // beyond 200 KB (OTLP) or 64 KB (daemon)
	TooOld                   // ended more than 14 days ago
	InFuture                 // starts more than 2 hours from now
	AfterClose               // ended after Shutdown
	NotEnded                 // begun and not ended at Shutdown

	AnnotationLost // beyond 50 of a span, no key, or no scalar
	AttributeLost  // attributes, metadata, links and failures beyond their number
	ResourceCut    // attributes of the process beyond 16 KB
	Shortened      // parts of a span that was too large
	reasons        = iota
)

// String names the reason, as records of logs do.
func (r Reason) String() string {
	switch r {
	case QueueFull:
		return "queue_full"
	case ExportFail:
		return "export_failed"
	case Refused:
		return "refused"
	case TooLarge:
		return "too_large"
	case TooOld:
		return "too_old"
	case InFuture:
		return "in_future"
	case AfterClose:
		return "after_shutdown"
	case NotEnded:
		return "not_ended"
	case AnnotationLost:
		return "annotation"
	case AttributeLost:
		return "attribute"
	case ResourceCut:
		return "resource"
	case Shortened:
		return "shortened"
	default:
		return "unknown"
	}
}

// Span says whether a whole span was lost, not a part of it.
func (r Reason) Span() bool { return r < AnnotationLost }

// Loss is how much was lost, and why.
type Loss struct {
	Reason Reason
	Count  uint64
}

// losses counts.
type losses [reasons]atomic.Uint64

func (l *losses) add(r Reason, n int) {
	if n > 0 && int(r) < len(l) {
		l[r].Add(uint64(n))
	}
}

func (l *losses) list() (out []Loss) {
	for r := range l {
		if n := l[r].Load(); n > 0 {
			out = append(out, Loss{Reason(r), n})
		}
	}
	return out
}

// LossError is what an exporter says about spans that did not arrive. Several may
// be joined.
type LossError struct {
	Lost   []Loss
	Err    error // what happened; may be nil
	Detail string
}

// Error says it in one line.
func (e *LossError) Error() string {
	parts := make([]string, len(e.Lost))
	for i, l := range e.Lost {
		parts[i] = fmt.Sprintf("%d %s", l.Count, l.Reason)
	}
	s := "spans lost: " + strings.Join(parts, ", ")
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap is what happened.
func (e *LossError) Unwrap() error { return e.Err }

// tally gathers the losses of one export.
type tally struct {
	n      [reasons]int
	err    error
	detail string
}

func (t *tally) add(r Reason, n int) { t.n[r] += n }

func (t *tally) fail(r Reason, n int, err error) {
	t.n[r] += n
	if t.err == nil {
		t.err = err
	}
}

// result is nil when nothing was lost.
func (t *tally) result() error {
	e := &LossError{Err: t.err, Detail: t.detail}
	for r, n := range t.n {
		if n > 0 {
			e.Lost = append(e.Lost, Loss{Reason(r), uint64(n)})
		}
	}
	if e.Lost == nil && e.Err == nil {
		return nil
	}
	return e
}
