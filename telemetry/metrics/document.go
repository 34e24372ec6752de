package metrics

import (
	"context"
	"strconv"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
)

// output is documents to be written. It is used again.
type output struct {
	buf   []byte
	lines []written
	one   [1]series
}

// written is a line in the buffer: its end, and how many values it has.
type written struct{ end, values int }

func (r *Registry) output() *output {
	out, _ := r.outputs.Get().(*output)
	return out
}

// document is the parts of a line.
type document struct {
	r        *Registry
	b        *binding
	at       int64
	series   []series
	metadata []byte
}

// add appends the document, split where it would be too long. One metric alone
// always finds room; see maxBinding.
func (out *output) add(d document) {
	from := len(out.buf)
	out.buf = d.append(out.buf)
	if n := len(d.series); len(out.buf)-from > d.r.limit && n > 1 {
		out.buf = out.buf[:from]
		half := d
		half.series = d.series[:n/2]
		out.add(half)
		half.series = d.series[n/2:]
		out.add(half)
		return
	}
	values := 0
	for i := range d.series {
		values += len(d.series[i].values)
	}
	out.lines = append(out.lines, written{len(out.buf), values})
}

// single appends a document of one value.
func (out *output) single(r *Registry, s Series, at int64, value float64) {
	one := &out.one[0]
	one.m, one.values = s.m, one.values[:0]
	one.add(value)
	out.add(document{r: r, b: s.b, at: at, series: out.one[:]})
}

func (d document) append(b []byte) []byte {
	b = append(b, d.r.head...)
	b = strconv.AppendInt(b, d.at, 10)
	b = append(b, d.r.middle...)
	b = append(b, d.b.references...)
	b = append(b, `,"Metrics":[`...)
	for i := range d.series {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, d.series[i].m.definition...)
	}
	b = append(b, `]}]}`...)
	b = append(b, d.b.members...)
	for i := range d.series {
		b = append(b, d.series[i].m.member...)
		b = appendValues(b, d.series[i].values)
	}
	b = append(b, d.metadata...)
	return append(b, '}', '\n')
}

// appendValues writes one value as a number and several as an array.
func appendValues(b []byte, values []float64) []byte {
	if len(values) == 1 {
		return jsonx.AppendFloat(b, values[0])
	}
	for i, v := range values {
		c := byte(',')
		if i == 0 {
			c = '['
		}
		b = jsonx.AppendFloat(append(b, c), v)
	}
	return append(b, ']')
}

// encode makes documents of groups ahead of the flush; the caller holds the lock
// and clears them.
func (rec *recorder) encode(st *state, groups ...*group) *output {
	out := rec.reg.output()
	rec.encodeTo(out, st, groups...)
	return out
}

func (rec *recorder) encodeTo(out *output, st *state, groups ...*group) {
	if len(groups) == 0 {
		return
	}
	r := rec.reg
	now := r.now().UnixMilli()
	rec.encodeMetadata(st)
	for _, g := range groups {
		if len(g.series) == 0 {
			continue // it was written early, and nothing came since
		}
		at := g.groupKey.at
		switch {
		case at == 0:
			at = now
		case !inWindow(at, now):
			rec.outdated(g)
			continue
		}
		out.add(document{r: r, b: g.b, at: at, series: g.series, metadata: st.tail})
	}
}

func (rec *recorder) outdated(g *group) {
	for i := range g.series {
		rec.drop(BadTimestamp, uint64(len(g.series[i].values)), g.series[i].m.name)
	}
}

// write writes the lines and empties out. No lock is held: a stream may take its
// time.
func (rec *recorder) write(out *output) {
	from, lost := 0, 0
	for _, l := range out.lines {
		if !rec.reg.writeLine(out.buf[from:l.end]) {
			lost += l.values
		}
		from = l.end
	}
	if lost > 0 {
		rec.drop(LineLost, uint64(lost), "")
	}
	if cap(out.buf) > 2*mostLimit {
		out.buf = nil
	}
	out.buf, out.lines = out.buf[:0], out.lines[:0]
}

// writeBack writes an output of its own and gives it back.
func (rec *recorder) writeBack(out *output) {
	rec.write(out)
	rec.reg.outputs.Put(out)
}

// writeLine does not pass on the panic of a writer that the program gave us.
func (r *Registry) writeLine(p []byte) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return r.out.WriteLine(p)
}

// Flush writes what the invocation of ctx has recorded, or the process if there is
// none. In a function the process's is written too: that is what came before the
// first invocation.
//
// It returns what was dropped since the last flush, nil when nothing was: worth a
// warning in the log. What a goroutine adds after the last flush of an invocation
// that has ended is written by the next one, whoever's that is.
//
// The instant of a document is that of its flush: a daemon flushes as often as its
// metrics' resolution asks for, each minute or each second.
func (r *Registry) Flush(ctx context.Context) []Drop {
	if r.off {
		return nil
	}
	rec := r.recorder(ctx)
	rec.flush()
	r.late.flush()
	drops := rec.drops.take(nil)
	if rec != &r.process && r.lambda {
		r.process.flush()
		drops = r.process.drops.take(drops)
	}
	return drops
}
