package cloudwatchd

import (
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/expr"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/protocol"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/search"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// The status codes of a result, the better ones first.
const (
	complete    = "Complete"
	partialData = "PartialData"
	rowError    = "InternalError"
	forbidden   = "Forbidden"
)

func worse(a, b string) string {
	order := []string{complete, partialData, rowError, forbidden}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// message is a note beside data.
type message struct{ code, value string }

// row is one result: a time series with its status.
type row struct {
	id, label string
	times     []int64 // ascending
	values    []float64
	status    string
	messages  []message
}

// evaluation answers the queries of one request.
type evaluation struct {
	s   *Server
	c   *call
	req *dataRequest
	// billed collects the statistics read of every metric.
	billed map[string]map[string]bool
	names  labels
	global []message
	// of requests with expressions
	byID   map[string]*query
	inputs []expr.Series
	values map[string]expr.Value
	status map[string]string
	active map[string]bool // being evaluated: meeting it again is a circle
}

func (s *Server) evaluation(c *call, req *dataRequest) *evaluation {
	e := &evaluation{
		s: s, c: c, req: req, billed: map[string]map[string]bool{}, byID: map[string]*query{},
		values: map[string]expr.Value{}, status: map[string]string{}, active: map[string]bool{},
	}
	for i := range req.queries {
		e.byID[req.queries[i].id] = &req.queries[i]
	}
	e.names = labelsOf(req.queries)
	return e
}

// place is where a query reads; ok is false for accounts that are not linked.
func (e *evaluation) place(account string) (store.Place, bool) {
	if account == "" || account == e.c.place.Account {
		return e.c.place, true
	}
	return store.Place{Account: account, Region: e.c.place.Region}, slices.Contains(e.s.cfg.Linked, account)
}

// bill notes that a statistic of a metric was read.
func (e *evaluation) bill(p store.Place, m store.Metric, statistic string) {
	key := p.Account + "\x00" + m.Key()
	if e.billed[key] == nil {
		e.billed[key] = map[string]bool{}
	}
	e.billed[key][statistic] = true
}

// metricsBilled is how many metrics the request counts as: up to five
// statistics of one metric are one.
func (e *evaluation) metricsBilled() (n int) {
	for _, stats := range e.billed {
		n += (len(stats) + 4) / 5
	}
	return n
}

// metric reads a query that is a metric.
func (e *evaluation) metric(q *query) (row, *protocol.Error) {
	r := row{id: q.id, label: e.names.of(q), status: complete}
	place, ok := e.place(q.account)
	e.bill(place, q.metric, q.stat.Name)
	switch {
	case !ok || e.struck(Forbidden, q):
		r.status = forbidden
		r.messages = []message{{forbidden, "The account " + q.account + " may not be read."}}
		return r, nil
	case e.struck(RowError, q):
		r.status = rowError
		return r, nil
	}
	space := e.s.store.Space(place)
	unit := q.unit
	if unit == "" {
		var all []string
		if unit, all = pickUnit(space, q.metric); len(all) > 1 {
			r.messages = append(r.messages, message{"MultipleUnits", unitMessage(all)})
		}
	}
	sp := span{metric: q.metric, unit: unit, stat: q.stat, period: q.period, start: e.req.start, end: e.req.end}
	var err error
	if r.times, r.values, err = read(space, sp, e.c.now); err != nil {
		return r, internal(err.Error())
	}
	e.spoil(q, &r)
	return r, nil
}

func (e *evaluation) struck(kind FaultKind, q *query) bool {
	return len(e.c.spoil) > 0 && e.s.faults.strikes(e.c.spoil, kind, q)
}

// spoil applies the faults that leave some of the data.
func (e *evaluation) spoil(q *query, r *row) {
	if e.struck(Partial, q) {
		r.status = partialData
		n := len(r.times) / 2
		if e.req.ascending {
			r.times, r.values = r.times[:n], r.values[:n]
		} else {
			n = len(r.times) - n
			r.times, r.values = r.times[n:], r.values[n:]
		}
	}
	if e.struck(Stray, q) {
		at := floor(e.req.start, q.period) - q.period
		r.times, r.values = slices.Insert(r.times, 0, at), slices.Insert(r.values, 0, 1e6)
	}
}

// all answers every query of a request that has expressions.
func (e *evaluation) all() ([]row, *protocol.Error) {
	rows := map[string]row{}
	for i := range e.req.queries {
		q := &e.req.queries[i]
		if !q.isMetric {
			continue
		}
		r, err := e.metric(q)
		if err != nil {
			return nil, err
		}
		rows[q.id] = r
		e.status[q.id] = r.status
		e.inputs = append(e.inputs, expr.Series{ID: q.id, Label: r.label, Period: q.period, Times: r.times, Values: r.values})
	}
	var out []row
	for i := range e.req.queries {
		q := &e.req.queries[i]
		if !q.isMetric {
			if err := e.derive(q); err != nil {
				return nil, err
			}
		}
		switch {
		case q.hidden:
		case q.isMetric:
			out = append(out, rows[q.id])
		default:
			out = append(out, e.derivedRows(q)...)
		}
	}
	return out, nil
}

// derive computes an expression and, before it, those it names.
func (e *evaluation) derive(q *query) *protocol.Error {
	if _, done := e.values[q.id]; done {
		return nil
	}
	if q.sql != nil {
		return e.selectMetrics(q)
	}
	if e.active[q.id] {
		return validation("Error in expression '%s': it depends on itself", q.id)
	}
	e.active[q.id] = true
	status := complete
	for _, id := range q.math.IDs() {
		if other := e.byID[id]; other != nil && !other.isMetric {
			if err := e.derive(other); err != nil {
				return err
			}
		}
		status = worse(status, e.status[id])
	}
	if q.math.UsesMetrics() {
		for _, in := range e.inputs {
			status = worse(status, e.status[in.ID])
		}
	}
	v, err := q.math.Eval(e.env(q))
	if err != nil {
		return validation("Error in expression '%s': %s", q.id, err.Error())
	}
	e.values[q.id], e.status[q.id] = v, status
	return nil
}

func (e *evaluation) env(q *query) expr.Env {
	now := e.c.now
	end := min(e.req.end, floor(now.Unix(), 60)+60) // nothing is filled in the future (assumed)
	return expr.Env{
		Start: e.req.start, End: end, Period: q.period, Metrics: e.inputs, Results: e.values,
		Oldest: func(period int64) int64 { return now.Add(-retention(period)).Unix() },
		Search: func(text, statistic string, period int64) ([]expr.Series, error) {
			return e.search(q, text, statistic, period)
		},
	}
}

func (e *evaluation) derivedRows(q *query) []row {
	v := e.values[q.id]
	out := make([]row, 0, len(v.Series))
	for _, s := range v.Series {
		r := row{id: q.id, label: q.id, times: s.Times, values: s.Values, status: e.status[q.id]}
		switch {
		case v.Kind == expr.Array && q.label != "":
			r.label = q.label + " " + s.Label
		case v.Kind == expr.Array:
			r.label = s.Label
		case q.hasLabel:
			r.label = q.label
		}
		out = append(out, r)
	}
	return out
}

// visible says whether listings show a metric: it had data in two weeks.
func visible(l store.Listed, now time.Time) bool {
	return time.Unix(l.Last, 0).After(now.Add(-maxPast))
}

// search answers SEARCH with up to 500 metrics.
func (e *evaluation) search(q *query, text, statistic string, period int64) ([]expr.Series, error) {
	expression, err := search.Parse(text)
	if err != nil {
		return nil, err
	}
	st, err := stat.Parse(statistic)
	if err != nil {
		return nil, err
	}
	if !validPeriod(period) {
		return nil, &protocol.Error{Message: "the period must be 1, 5, 10, 20, 30, or a multiple of 60"}
	}
	place, _ := e.place(q.account)
	found, more := e.s.store.Space(place).List("", maxMetrics, func(l store.Listed) bool {
		return visible(l, e.c.now) && expression.Matches(l.Metric)
	})
	if more {
		e.global = append(e.global, message{"MaxMetricsExceeded", "Maximum number of allowed metrics exceeded"})
	}
	hits := make([]query, 0, len(found))
	for _, l := range found {
		hits = append(hits, query{id: q.id, account: q.account, isMetric: true, metric: l.Metric, stat: st, period: period})
	}
	names := labelsOf(hits)
	out := make([]expr.Series, 0, len(hits))
	for i := range hits {
		r, fail := e.metric(&hits[i])
		if fail != nil {
			return nil, fail
		}
		e.status[q.id] = worse(e.status[q.id], r.status)
		out = append(out, expr.Series{Label: names.of(&hits[i]), Period: period, Times: r.times, Values: r.values})
	}
	return out, nil
}
