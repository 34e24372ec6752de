package metrics

import (
	"sync"
	"sync/atomic"
)

// Reason says why something was dropped.
type Reason string

// The reasons.
const (
	// NotANumber: a value was NaN or an infinity. JSON has no word for these, and
	// one in a line would cost the whole line.
	NotANumber Reason = "not_a_number"
	// OutOfRange: a value was beyond 2^360 either way.
	OutOfRange Reason = "out_of_range"
	// BadDimensions: a value came with dimensions that were refused (the error of
	// [DimensionSet.Values] said why), or with those of another registry.
	BadDimensions Reason = "bad_dimensions"
	// BadMetric: a value was added to a metric whose registration failed.
	BadMetric Reason = "bad_metric"
	// BadTimestamp: the instant given to [Series.At] was, when the value was
	// flushed, over two weeks ago or over two hours ahead.
	BadTimestamp Reason = "bad_timestamp"
	// BadMetadata: the key was empty, "_aws", or a metric's or dimension's name.
	BadMetadata Reason = "bad_metadata"
	// MetadataSize: the metadata of an invocation passed a quarter of a document.
	MetadataSize Reason = "metadata_size"
	// LineLost: standard output did not take a line; its values are counted.
	LineLost Reason = "line_lost"
)

// reasons are all reasons, in the order in which they are reported. An index into
// it stands for the reason inside.
func reasons() [numReasons]Reason {
	return [numReasons]Reason{NotANumber, OutOfRange, BadDimensions, BadMetric, BadTimestamp, BadMetadata, MetadataSize, LineLost}
}

const numReasons = 8

func indexOf(reason Reason) int {
	for i, r := range reasons() {
		if r == reason {
			return i
		}
	}
	return numReasons - 1
}

// Drop is what was dropped for one reason.
type Drop struct {
	Reason Reason
	// Count of values, or of metadata keys.
	Count uint64
	// First names the metric or the key that was the first of them; "" for lines.
	First string
}

// tally counts drops by reason until they are taken.
type tally struct {
	any   atomic.Bool // without a lock, as mostly there is nothing
	mu    sync.Mutex
	count [numReasons]uint64
	first [numReasons]string
}

func (t *tally) add(reason Reason, n uint64, name string) {
	i := indexOf(reason)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count[i] == 0 {
		t.first[i] = name
	}
	t.count[i] += n
	t.any.Store(true)
}

// take adds what t holds to drops, and empties it.
func (t *tally) take(drops []Drop) []Drop {
	if !t.any.Load() {
		return drops
	}
	t.mu.Lock()
	defer t.mu.Unlock()
next:
	for i, reason := range reasons() {
		if t.count[i] == 0 {
			continue
		}
		for j := range drops {
			if drops[j].Reason == reason {
				drops[j].Count += t.count[i]
				continue next
			}
		}
		drops = append(drops, Drop{Reason: reason, Count: t.count[i], First: t.first[i]})
	}
	t.count, t.first = [numReasons]uint64{}, [numReasons]string{}
	t.any.Store(false)
	return drops
}

// totals count over the life of a registry.
type totals struct {
	count [numReasons]atomic.Uint64
	first [numReasons]atomic.Pointer[string]
}

func (t *totals) add(reason Reason, n uint64, name string) {
	i := indexOf(reason)
	if t.count[i].Add(n) == n {
		kept := name // in a variable of its own, for only this one to be allocated
		t.first[i].CompareAndSwap(nil, &kept)
	}
}

func (t *totals) drops() []Drop {
	var out []Drop
	for i, reason := range reasons() {
		if n := t.count[i].Load(); n > 0 {
			d := Drop{Reason: reason, Count: n}
			if p := t.first[i].Load(); p != nil {
				d.First = *p
			}
			out = append(out, d)
		}
	}
	return out
}
