package cloudwatchd

import (
	"maps"
	"sync"
	"time"
)

// Entry is a request as it was answered.
type Entry struct {
	At         time.Time `json:"at"` // real time
	ID         string    `json:"id"`
	Operation  string    `json:"operation"`
	Protocol   string    `json:"protocol"`
	Account    string    `json:"account,omitempty"`
	Region     string    `json:"region,omitempty"`
	Status     int       `json:"status"`
	Error      string    `json:"error,omitempty"`
	Queries    int       `json:"queries,omitempty"`    // GetMetricData: entries of MetricDataQueries
	Metrics    int       `json:"metrics,omitempty"`    // GetMetricData: metrics as billed
	Datapoints int       `json:"datapoints,omitempty"` // in the answer
	Published  int       `json:"published,omitempty"`  // PutMetricData: entries of MetricData stored
	Page       bool      `json:"page,omitempty"`       // it continued an earlier request
	Bytes      int       `json:"bytes"`
}

// Totals are sums over requests since the start or the last reset.
type Totals struct {
	Calls  map[string]int `json:"calls"`  // by operation
	Errors map[string]int `json:"errors"` // by code
	// MetricsRequested is what GetMetricData is billed by: unique metrics of
	// each request; up to five statistics of one metric count once. Requests
	// that were answered with an error do not count.
	MetricsRequested int `json:"metrics_requested"`
	// MetricsOnPages counts the same again for pages fetched with NextToken:
	// whether AWS bills them is not documented.
	MetricsOnPages int `json:"metrics_on_pages"`
	// SingleRequests are GetMetricStatistics and ListMetrics calls, billed each.
	SingleRequests int `json:"single_requests"`
	Queries        int `json:"queries"`
	Datapoints     int `json:"datapoints"`
	// Busiest is the greatest number of calls, and of datapoints, that fell into
	// one second of real time.
	BusiestCalls      int `json:"busiest_calls"`
	BusiestDatapoints int `json:"busiest_datapoints"`
}

// keepEntries is how many requests the journal remembers one by one.
const keepEntries = 10_000

type journal struct {
	mu      sync.Mutex
	entries []Entry
	totals  Totals
	second  int64
	calls   int
	points  int
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries, j.totals = nil, Totals{Calls: map[string]int{}, Errors: map[string]int{}}
	j.second, j.calls, j.points = 0, 0, 0
}

func (j *journal) add(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.entries) == keepEntries {
		j.entries = append(j.entries[:0:0], j.entries[keepEntries/2:]...)
	}
	j.entries = append(j.entries, e)
	t := &j.totals
	t.Calls[e.Operation]++
	if now := e.At.Unix(); now != j.second {
		j.second, j.calls, j.points = now, 0, 0
	}
	j.calls++
	j.points += e.Datapoints
	t.BusiestCalls, t.BusiestDatapoints = max(t.BusiestCalls, j.calls), max(t.BusiestDatapoints, j.points)
	if e.Error != "" {
		t.Errors[e.Error]++
		return
	}
	t.Queries += e.Queries
	t.Datapoints += e.Datapoints
	switch {
	case e.Page:
		t.MetricsOnPages += e.Metrics
	default:
		t.MetricsRequested += e.Metrics
	}
	if e.Operation == "GetMetricStatistics" || e.Operation == "ListMetrics" {
		t.SingleRequests++
	}
}

// Requests returns the newest requests, oldest first, up to 10,000.
func (s *Server) Requests() []Entry {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return append([]Entry(nil), s.journal.entries...)
}

// Totals returns what was asked since the start or the last reset.
func (s *Server) Totals() Totals {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	t := s.journal.totals
	t.Calls, t.Errors = maps.Clone(t.Calls), maps.Clone(t.Errors)
	return t
}

// ResetTotals forgets requests and sums.
func (s *Server) ResetTotals() { s.journal.reset() }

// meter enforces a Quota by seconds of real time.
type meter struct {
	mu     sync.Mutex
	second int64
	calls  int
	points int
}

// call says whether one more call fits into the second.
func (m *meter) call(now time.Time, q Quota) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(now)
	if q.Calls > 0 && m.calls >= q.Calls {
		return false
	}
	m.calls++
	return true
}

// take says whether the datapoints of an answer fit into the second; an answer
// that is larger than the quota passes when it is the first.
func (m *meter) take(now time.Time, limit, points int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(now)
	if limit > 0 && m.points > 0 && m.points+points > limit {
		return false
	}
	m.points += points
	return true
}

func (m *meter) turn(now time.Time) {
	if t := now.Unix(); t != m.second {
		m.second, m.calls, m.points = t, 0, 0
	}
}
