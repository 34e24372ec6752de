package cloudwatchd

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/protocol"
)

// shortPage is how many datapoints a page has under the ShortPage fault.
const shortPage = 100

func (s *Server) getMetricData(c *call) (protocol.Struct, *protocol.Error) {
	arrived := s.cfg.Clock()
	if !s.meter.call(arrived, s.cfg.Quota) {
		return nil, throttled()
	}
	req, err := readDataRequest(c)
	if err != nil {
		return nil, err
	}
	for _, r := range c.spoil {
		if r.Kind == ShortPage {
			req.limit = min(req.limit, shortPage)
		}
	}
	e := s.evaluation(c, &req)
	page := &page{req: &req, room: req.limit}
	if req.derived {
		rows, err := e.all()
		if err != nil {
			return nil, err
		}
		page.cut(rows)
	} else if err := e.plain(page); err != nil {
		return nil, err
	}
	c.entry.Queries, c.entry.Metrics, c.entry.Datapoints = len(req.queries), e.metricsBilled(), req.limit-page.room
	c.entry.Page = req.token != nil
	limit := s.cfg.Quota.OldDatapoints
	if c.now.Sub(time.Unix(req.start, 0)) <= keepFine {
		limit = s.cfg.Quota.RecentDatapoints
	}
	if !s.meter.take(arrived, limit, c.entry.Datapoints) {
		c.entry.Datapoints = 0
		return nil, throttled()
	}
	return e.answer(page), nil
}

// page is what one answer holds.
type page struct {
	req  *dataRequest
	room int // datapoints it still takes
	rows []row
	next *cursor
}

// cursor is where the next page begins: at a query, behind a datapoint.
type cursor struct {
	Request uint64 `json:"r"` // digest of the request it belongs to
	Query   int    `json:"q"`
	After   *int64 `json:"t,omitempty"`
}

// digest tells requests apart, so that a token serves only its own.
func (r *dataRequest) digest(c *call) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintln(h, c.place, r.start, r.end, r.ascending) // a hash does not fail
	for _, q := range r.queries {
		_, _ = fmt.Fprintf(h, "%q %q %q %q %d %q\n", q.id, q.account, q.metric.Key(), q.stat.Name, q.period, q.unit)
	}
	return h.Sum64()
}

func (k cursor) token() string {
	b, _ := json.Marshal(k) // numbers cannot fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// resume reads where a page begins.
func (r *dataRequest) resume(c *call) (cursor, *protocol.Error) {
	k := cursor{Request: r.digest(c)}
	if r.token == nil {
		return k, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(*r.token)
	var given cursor
	if err != nil || json.Unmarshal(b, &given) != nil || given.Request != k.Request || given.Query < 0 || given.Query >= len(r.queries) {
		return k, badToken()
	}
	return given, nil
}

// plain answers a request that has only metrics, a page at a time: the queries
// one after the other, each in the order of the scan. What is not reached yet
// says PartialData, so that no reader takes it for an absence (AWS documents the
// token and the status, not the order).
func (e *evaluation) plain(p *page) *protocol.Error {
	k, err := e.req.resume(e.c)
	if err != nil {
		return err
	}
	for i := k.Query; i < len(e.req.queries); i++ {
		q := &e.req.queries[i]
		if q.hidden {
			continue
		}
		if p.next != nil {
			p.rows = append(p.rows, row{id: q.id, label: e.names.of(q), status: partialData})
			continue
		}
		r, err := e.metric(q)
		if err != nil {
			return err
		}
		if i == k.Query && k.After != nil {
			r.behind(*k.After, e.req.ascending)
		}
		if p.add(r) {
			continue
		}
		p.next = &cursor{Request: k.Request, Query: i, After: p.last()}
		if p.next.After == nil && i == k.Query {
			p.next.After = k.After
		}
	}
	return nil
}

// behind drops what an earlier page had.
func (r *row) behind(after int64, ascending bool) {
	i, found := slices.BinarySearch(r.times, after)
	if !ascending {
		r.times, r.values = r.times[:i], r.values[:i]
		return
	}
	if found {
		i++
	}
	r.times, r.values = r.times[i:], r.values[i:]
}

// add takes a row, as much of it as there is room for; whole says whether all.
func (p *page) add(r row) (whole bool) {
	whole = len(r.times) <= p.room
	if !whole {
		if r.status == complete {
			r.status = partialData
		}
		if p.req.ascending {
			r.times, r.values = r.times[:p.room], r.values[:p.room]
		} else {
			n := len(r.times) - p.room
			r.times, r.values = r.times[n:], r.values[n:]
		}
	}
	p.room -= len(r.times)
	p.rows = append(p.rows, r)
	return whole
}

// last is the instant the page's last row ended with, nil if it is empty.
func (p *page) last() *int64 {
	times := p.rows[len(p.rows)-1].times
	switch {
	case len(times) == 0:
		return nil
	case p.req.ascending:
		return &times[len(times)-1]
	}
	return &times[0]
}

// cut takes the rows of a request with expressions. They are not paged (no
// NextToken is returned with a math expression: documented); what exceeds the
// limit is left out and says PartialData.
func (p *page) cut(rows []row) {
	for _, r := range rows {
		p.add(r)
	}
}

func (e *evaluation) answer(p *page) protocol.Struct {
	results := make([]protocol.Struct, 0, len(p.rows))
	for i := range p.rows {
		r := &p.rows[i]
		label := r.fill(e.byID[r.id], e.c.place, e.req.zone)
		out := protocol.Struct{
			{Name: "Id", Value: r.id},
			{Name: "Label", Value: label},
			{Name: "Timestamps", Value: stamps(r.times, e.req.ascending)},
			{Name: "Values", Value: inOrder(r.values, e.req.ascending)},
			{Name: "StatusCode", Value: r.status},
		}
		if len(r.messages) > 0 {
			out = append(out, protocol.Field{Name: "Messages", Value: notes(r.messages)})
		}
		results = append(results, out)
	}
	answer := protocol.Struct{{Name: "MetricDataResults", Value: results}, {Name: "Messages", Value: notes(e.global)}}
	if p.next != nil {
		answer = append(answer, protocol.Field{Name: "NextToken", Value: p.next.token()})
	}
	return answer
}

func notes(messages []message) []protocol.Struct {
	out := make([]protocol.Struct, 0, len(messages))
	for _, m := range messages {
		out = append(out, protocol.Struct{{Name: "Code", Value: m.code}, {Name: "Value", Value: m.value}})
	}
	return out
}

func stamps(times []int64, ascending bool) []protocol.Stamp {
	out := make([]protocol.Stamp, len(times))
	for i, t := range times {
		if ascending {
			out[i] = protocol.Stamp(t)
		} else {
			out[len(times)-1-i] = protocol.Stamp(t)
		}
	}
	return out
}

func inOrder(values []float64, ascending bool) []float64 {
	out := slices.Clone(values)
	if out == nil {
		out = []float64{}
	}
	if !ascending {
		slices.Reverse(out)
	}
	return out
}
