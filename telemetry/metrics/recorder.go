package metrics

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
)

// maxGroups is how many documents a record collects before they are written early:
// it bounds memory where a dimension has very many values.
const maxGroups = 256

// recorder is what one invocation, or the process, has recorded in one registry.
// An invocation has one for each registry, in a list.
type recorder struct {
	reg  *Registry
	inv  *scope.Invocation // nil: the process
	next atomic.Pointer[recorder]

	mu      sync.Mutex
	st      *state // nil: nothing since the last flush
	flushed bool   // there was one
	late    bool   // it is among the latecomers
	drops   tally
}

// recorder finds the record that ctx belongs to.
func (r *Registry) recorder(ctx context.Context) *recorder {
	if ctx == nil {
		ctx = context.Background()
	}
	inv := scope.From(ctx)
	if inv == nil || r.shared {
		return &r.process
	}
	head := inv.Held(scope.Metrics)
	if head == nil {
		head = inv.Hold(scope.Metrics, func() any { return &recorder{reg: r, inv: inv} })
	}
	rec, ok := head.(*recorder)
	if !ok { // somebody else's slot: not ours to use
		return &r.process
	}
	for rec.reg != r {
		if rec.next.Load() == nil {
			rec.next.CompareAndSwap(nil, &recorder{reg: r, inv: inv})
		}
		rec = rec.next.Load()
	}
	return rec
}

// drop counts what is not recorded.
func (rec *recorder) drop(reason Reason, n uint64, name string) {
	rec.reg.totals.add(reason, n, name)
	rec.drops.add(reason, n, name)
}

// open returns the state, with the lock held.
func (rec *recorder) open() *state {
	rec.mu.Lock()
	if rec.st != nil {
		return rec.st
	}
	rec.st, _ = rec.reg.states.Get().(*state)
	if rec.flushed && !rec.late && rec.inv != nil {
		rec.late = true
		rec.reg.late.add(rec)
	}
	return rec.st
}

// latecomers are records that got something after a flush: perhaps their
// invocation's last one, of which nobody told us. When it has ended, whoever
// flushes next writes them.
type latecomers struct {
	some atomic.Bool
	mu   sync.Mutex
	all  []*recorder
}

func (l *latecomers) add(rec *recorder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, rec)
	l.some.Store(true)
}

func (l *latecomers) flush() {
	if !l.some.Load() {
		return
	}
	for _, rec := range l.ended() {
		rec.flush()
	}
}

// ended takes the records of those that have.
func (l *latecomers) ended() (out []*recorder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = slices.DeleteFunc(l.all, func(rec *recorder) bool {
		if !rec.inv.Ended() {
			return false
		}
		out = append(out, rec)
		return true
	})
	l.some.Store(len(l.all) > 0)
	return out
}

// add records a value; what it returns is to be written.
func (rec *recorder) add(s Series, value float64) *output {
	st := rec.open()
	defer rec.mu.Unlock()
	var out *output
	g := st.group(s.b, s.at)
	if g == nil { // there are too many
		out = rec.encode(st, st.groups...)
		st.clear()
		g = st.group(s.b, s.at)
	}
	if len(g.series) == maxMetrics && g.at(s.m) == nil {
		out = rec.encode(st, g)
		g.clear()
	}
	values := g.of(s.m)
	values.add(value)
	if len(values.values) == maxValues {
		out = rec.encode(st, g)
		g.clear()
	}
	return out
}

// flush writes everything. The state is taken out of the record first, so that
// nobody waits for the stream.
func (rec *recorder) flush() {
	rec.mu.Lock()
	st := rec.st
	rec.st, rec.flushed = nil, true
	rec.mu.Unlock()
	if st == nil {
		return
	}
	rec.encodeTo(&st.out, st, st.groups...)
	rec.write(&st.out)
	st.reset()
	rec.reg.states.Put(st)
}

// state is what has been recorded since the last flush. It is used again.
type state struct {
	groups []*group // in the order of their first value
	spare  []*group
	last   *group
	index  map[groupKey]*group // of the groups beyond the first few

	metadata []metadatum
	size     int    // of the metadata, encoded
	tail     []byte // the metadata, encoded, without what is refused

	out output // of the flush
}

func newState() *state { return &state{index: map[groupKey]*group{}} }

type groupKey struct {
	b  *binding
	at int64
}

// group is what goes into one document: the same dimensions, the same instant.
type group struct {
	groupKey
	series []series
	place  []uint8 // by a metric's id: its place in series + 1; 0: none
}

type series struct {
	m      *Metric
	values []float64
}

func (s *series) add(value float64) {
	s.values = append(s.values, value+0) // -0 is 0
}

// few groups are found faster by looking at each.
const few = 8

// group finds or makes the group of dimensions and instant; nil when there are too
// many.
func (st *state) group(b *binding, at int64) *group {
	key := groupKey{b, at}
	if g := st.last; g != nil && g.groupKey == key {
		return g
	}
	g := st.find(key)
	if g == nil {
		if len(st.groups) == maxGroups {
			return nil
		}
		g = st.unused()
		g.groupKey = key
		if len(st.groups) >= few {
			st.index[key] = g
		}
		st.groups = append(st.groups, g)
	}
	st.last = g
	return g
}

func (st *state) find(key groupKey) *group {
	for i := range min(few, len(st.groups)) {
		if st.groups[i].groupKey == key {
			return st.groups[i]
		}
	}
	if len(st.groups) <= few {
		return nil
	}
	return st.index[key]
}

func (st *state) unused() *group {
	if n := len(st.spare); n > 0 {
		g := st.spare[n-1]
		st.spare = st.spare[:n-1]
		return g
	}
	return &group{}
}

// clear forgets the values.
func (st *state) clear() {
	for _, g := range st.groups {
		g.clear()
		g.groupKey = groupKey{}
	}
	if len(st.groups) > few {
		clear(st.index)
	}
	st.spare = append(st.spare, st.groups...)
	st.groups = st.groups[:0]
	st.last = nil
}

// reset forgets everything, and gives back what was unusually much.
func (st *state) reset() {
	const usual = 32
	st.clear()
	if len(st.spare) > usual {
		clear(st.spare[usual:])
		st.spare = st.spare[:usual]
		st.index = map[groupKey]*group{}
	}
	st.metadata, st.size = st.metadata[:0], 0
}

// at returns the values of a metric, or nil.
func (g *group) at(m *Metric) *series {
	if m.id >= len(g.place) || g.place[m.id] == 0 {
		return nil
	}
	return &g.series[g.place[m.id]-1]
}

// of returns the values of a metric, new ones if need be.
func (g *group) of(m *Metric) *series {
	if s := g.at(m); s != nil {
		return s
	}
	if missing := m.id + 1 - len(g.place); missing > 0 {
		g.place = append(g.place, make([]uint8, missing)...)
	}
	n := len(g.series)
	if n < cap(g.series) {
		g.series = g.series[:n+1] // with the room that its values had
	} else {
		g.series = append(g.series, series{})
	}
	s := &g.series[n]
	s.m, s.values = m, s.values[:0]
	g.place[m.id] = uint8(n + 1) //nolint:gosec // at most maxMetrics
	return s
}

func (g *group) clear() {
	for i := range g.series {
		g.place[g.series[i].m.id] = 0
	}
	g.series = g.series[:0]
}
