package load

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Report is what came of a load.
type Report struct {
	Sent    int           `json:"sent"`
	Took    time.Duration `json:"took_ns"`
	Status  map[int]int   `json:"status"`    // answers by HTTP status
	Lost    int           `json:"no_answer"` // requests without an answer
	Late    int           `json:"sent_late"` // sent more than 10 ms after they were due
	Latency Percentiles   `json:"latency"`   // from when a request was due
	Service Percentiles   `json:"service"`   // from when it was sent
}

// Percentiles are exact: each is one of the values (the nearest rank).
type Percentiles struct {
	P50  time.Duration `json:"p50_ns"`
	P90  time.Duration `json:"p90_ns"`
	P99  time.Duration `json:"p99_ns"`
	P999 time.Duration `json:"p999_ns"`
	Max  time.Duration `json:"max_ns"`
}

// percentiles sorts values and takes the ranks; zero without values.
func percentiles(values []time.Duration) Percentiles {
	if len(values) == 0 {
		return Percentiles{}
	}
	slices.Sort(values)
	rank := func(perMille int) time.Duration { return values[(len(values)*perMille+999)/1000-1] }
	return Percentiles{rank(500), rank(900), rank(990), rank(999), values[len(values)-1]}
}

// Failed counts answers that say the service failed, and missing answers.
func (r Report) Failed() int {
	n := r.Lost
	for status, count := range r.Status {
		if status >= 500 {
			n += count
		}
	}
	return n
}

// Print writes the report for people.
func (r Report) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d payments in %.1f s, %.1f a second\n", r.Sent, r.Took.Seconds(), float64(r.Sent)/max(r.Took.Seconds(), 1e-9))
	for _, status := range slices.Sorted(maps.Keys(r.Status)) {
		fmt.Fprintf(&b, "  %d  %7d  %5.1f %%\n", status, r.Status[status], 100*float64(r.Status[status])/float64(r.Sent))
	}
	if r.Lost > 0 {
		fmt.Fprintf(&b, "  no answer  %d\n", r.Lost)
	}
	for _, row := range []struct {
		name string
		p    Percentiles
	}{{"latency, from when each was due", r.Latency}, {"of that, from when it was sent", r.Service}} {
		fmt.Fprintf(&b, "%-32s p50 %s  p90 %s  p99 %s  p99.9 %s  max %s\n", row.name, ms(row.p.P50), ms(row.p.P90), ms(row.p.P99), ms(row.p.P999), ms(row.p.Max))
	}
	if r.Late > 0 {
		fmt.Fprintf(&b, "%d were sent more than 10 ms late; their wait is counted\n", r.Late)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }

// tally gathers a report while the load runs.
type tally struct {
	mu                sync.Mutex
	r                 Report
	latencies, served []time.Duration
}

// late is from when on a request counts as sent late.
const late = 10 * time.Millisecond

// add counts a request: when it was due, sent and answered. status 0: no answer.
func (t *tally) add(due, sent, answered time.Time, status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Sent++
	if sent.Sub(due) > late {
		t.r.Late++
	}
	if status == 0 {
		t.r.Lost++
	} else {
		t.r.Status[status]++
	}
	t.latencies = append(t.latencies, answered.Sub(due))
	t.served = append(t.served, answered.Sub(sent))
}

// counts are the report so far, without percentiles.
func (t *tally) counts() Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.r
	r.Status = maps.Clone(r.Status)
	return r
}

func (t *tally) report(took time.Duration) Report {
	r := t.counts()
	t.mu.Lock()
	defer t.mu.Unlock()
	r.Took, r.Latency, r.Service = took, percentiles(t.latencies), percentiles(t.served)
	return r
}
