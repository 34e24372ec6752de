package timeline

import (
	"fmt"
	"slices"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// pack is one pack while a job is applied to it: the items the job needs, as
// they were read, and then as they will be saved.
type pack struct {
	job     *job
	settled slo.Minute
	part    string
	tail    *tail
	meta    *metaItem
	months  map[month]*monthItem
	chunks  map[slo.Minute]*chunk
	dirty   map[slo.Minute]*dirtyDay // by midnight
	start   slo.Minute               // where the tail will begin
	changes Changes
}

// dirtyDay collects what a day's running sums must be computed again for.
type dirtyDay struct {
	from  slo.Minute   // first chunk whose minutes changed
	slots map[int]bool // slots whose minutes changed
}

// occupiedChunks bounds the tail whatever settled says: it keeps the minutes
// of at most this many chunks, three hours' worth or three chunks.
func occupiedChunks(c slo.Minute) int { return max(3, int(3*slo.Hour/c)) }

// advance decides where the tail begins after this job: behind the last chunk
// that is settled as a whole, and never so early that it holds too many.
func (p *pack) advance(settled slo.Minute) slo.Minute {
	c := p.tail.c
	start := max(p.tail.start, floor(min(max(settled, 0), endOfTime), c))
	var occupied []slo.Minute
	note := func(m slo.Minute) {
		if m >= start && (len(occupied) == 0 || occupied[len(occupied)-1] != m) {
			occupied = append(occupied, m)
		}
	}
	for i := range p.tail.slots {
		for j := range p.tail.slots[i].blocks {
			note(p.tail.slots[i].blocks[j].start)
		}
	}
	for i := range p.job.pieces {
		for _, pt := range p.job.pieces[i].points {
			note(floor(pt.At, c))
		}
	}
	slices.Sort(occupied)
	occupied = slices.Compact(occupied)
	if most := occupiedChunks(c); len(occupied) > most {
		start = occupied[len(occupied)-most]
	}
	return start
}

// days returns the midnights of the days whose chunks the job may change, when
// the tail will begin at start.
func (p *pack) days(start slo.Minute) []slo.Minute {
	var days []slo.Minute
	note := func(m slo.Minute) {
		if d := floor(m, slo.Day); !slices.Contains(days, d) {
			days = append(days, d)
		}
	}
	for i := range p.tail.slots {
		for j := range p.tail.slots[i].blocks {
			if at := p.tail.slots[i].blocks[j].start; at < start {
				note(at)
			}
		}
	}
	for i := range p.job.pieces {
		pc := &p.job.pieces[i]
		if len(pc.points) > 0 && pc.points[0].At < start {
			note(pc.points[0].At) // the points of a piece lie on one day
		} else if pc.derived && pc.span.From < start {
			note(pc.span.From)
		}
	}
	return days
}

// lateFrom returns, a day, the first chunk before the tail that the job's
// pieces touch.
func (p *pack) lateFrom() map[slo.Minute]slo.Minute {
	out := map[slo.Minute]slo.Minute{}
	for i := range p.job.pieces {
		pc := &p.job.pieces[i]
		at := pc.span.From
		if !pc.derived {
			if len(pc.points) == 0 {
				continue
			}
			at = pc.points[0].At
		}
		if at >= p.tail.start {
			continue
		}
		at = floor(at, p.tail.c)
		day := floor(at, slo.Day)
		if have, ok := out[day]; !ok || at < have {
			out[day] = at
		}
	}
	return out
}

// month returns the month item of a day; it was loaded or does not exist.
func (p *pack) month(day slo.Minute) *monthItem {
	m := monthOf(day)
	mo := p.months[m]
	if mo == nil {
		mo = &monthItem{key: Key{p.part, m.sort()}, month: m}
		p.months[m] = mo
	}
	return mo
}

// apply merges the job and settles what is due. start is where the tail begins
// afterwards.
func (p *pack) apply(start slo.Minute) error {
	for i := range p.job.pieces {
		if err := p.piece(&p.job.pieces[i]); err != nil {
			return err
		}
	}
	p.settle(start)
	if len(p.dirty) > 0 {
		p.tail.gen++
		p.tail.changed = true
	}
	for day, d := range p.dirty {
		if err := p.rebuild(day, d); err != nil {
			return err
		}
	}
	p.fold()
	return nil
}

// piece merges one piece chunk by chunk and notes what it says about the
// indicator.
func (p *pack) piece(pc *piece) error {
	ms := p.meta.slot(pc.slot)
	if ms.id != pc.id {
		if ms.id != "" {
			return corrupt(p.meta.key, fmt.Sprintf("slot %d belongs to %q, not to %q", pc.slot, ms.id, pc.id))
		}
		ms.id, p.meta.changed = pc.id, true
	}
	p.lineage(ms, pc)
	ts := p.tail.slot(pc.slot)
	if !covered(union(ms.answered, ts.answered), pc.span) {
		ts.answered = addSpan(ts.answered, pc.span)
		p.tail.changed = true
	}
	old := ts.birth
	if len(pc.points) > 0 && (!ts.born || pc.points[0].At < ts.birth) {
		ts.born, ts.birth, p.tail.changed = true, pc.points[0].At, true
	}
	if err := p.minutes(pc); err != nil {
		return err
	}
	// A derived rewrite may have erased the first slice.
	if pc.derived && pc.span.Contains(old) && len(pc.points) > 0 && pc.points[0].At > old {
		ts.birth, p.tail.changed = pc.points[0].At, true
	}
	return nil
}

// lineage notes what was measured. What is derived under another definition is
// not answered for any more: all of it has to be derived again.
func (p *pack) lineage(ms *metaSlot, pc *piece) {
	if !ms.measuredAs(pc.lineage, pc.since) {
		return
	}
	p.meta.changed = true
	if pc.derived && len(ms.lineages) > 1 {
		ms.lineages = ms.lineages[len(ms.lineages)-1:]
		ms.answered = nil
		p.tail.slot(pc.slot).answered, p.tail.changed = nil, true
	}
}

// minutes merges a piece's points where they belong.
func (p *pack) minutes(pc *piece) error {
	c := p.tail.c
	points := pc.points
	first, end := pc.span.From, pc.span.To
	if !pc.derived {
		if len(points) == 0 {
			return nil
		}
		first, end = points[0].At, points[len(points)-1].At+1
	}
	for at := floor(first, c); at < end; at += c {
		n, _ := slices.BinarySearchFunc(points, at+c, func(p Point, m slo.Minute) int { return int(p.At - m) })
		if n == 0 && !pc.derived {
			continue
		}
		if err := p.mergeBlock(pc, at, points[:n]); err != nil {
			return err
		}
		points = points[n:]
	}
	return nil
}

func (p *pack) mergeBlock(pc *piece, at slo.Minute, points []Point) error {
	c := p.tail.c
	fresh := make([]minute, len(points))
	for i, pt := range points {
		fresh[i] = minute{int(pt.At - at), max(1, pt.Width), pt.Count}
	}
	blk := p.find(pc.slot, at)
	var old []minute
	if blk != nil {
		var ok bool
		if old, ok = blk.minutes(c); !ok {
			return corrupt(Key{p.part, chunkSort(at)}, fmt.Sprintf("the minutes of %q do not fit", pc.id))
		}
	}
	from, to := max(0, int(pc.span.From-at)), min(int(c), int(pc.span.To-at))
	r := rule{settled: p.settled, derived: pc.derived}
	merged, ch := r.merge(old, fresh, at, from, to)
	p.changes = p.changes.plus(ch)
	if ch.Filled == 0 && ch.Replaced == 0 {
		return nil
	}
	if at >= p.tail.start {
		p.tail.slot(pc.slot).ensure(at).set(merged)
		p.tail.changed = true
		return nil
	}
	p.put(pc.slot, at).set(merged)
	return nil
}

// find returns a slot's minutes of a chunk, wherever they lie; nil if there is
// nothing.
func (p *pack) find(slot int, at slo.Minute) *block {
	if at >= p.tail.start {
		return p.tail.slot(slot).at(at)
	}
	if ch := p.chunks[at]; ch != nil {
		return &ch.slot(slot).block
	}
	return nil
}

// put returns a slot's minutes of a chunk before the tail for changing, making
// the chunk if need be, and notes that the day's sums must follow.
func (p *pack) put(slot int, at slo.Minute) *block {
	day := floor(at, slo.Day)
	d := p.dirty[day]
	if d == nil {
		d = &dirtyDay{from: at, slots: map[int]bool{}}
		p.dirty[day] = d
	}
	d.from = min(d.from, at)
	d.slots[slot] = true
	ch := p.chunk(at)
	ch.changed = true
	return &ch.slot(slot).block
}

// settle moves the tail's blocks before start into chunks.
func (p *pack) settle(start slo.Minute) {
	for i := range p.tail.slots {
		s := &p.tail.slots[i]
		n := 0
		for n < len(s.blocks) && s.blocks[n].start < start {
			b := &s.blocks[n]
			if !b.empty() {
				*p.put(i, b.start) = b.block
			}
			n++
		}
		if n > 0 {
			s.blocks = s.blocks[n:]
			p.tail.changed = true
		}
	}
	// The tail's beginning alone is not worth a write, but a change before it is.
	if p.tail.changed || len(p.dirty) > 0 || p.meta.changed {
		if p.tail.start != start {
			p.tail.start, p.tail.changed = start, true
		}
	}
}

// fold moves answered stretches into the meta item whenever something settled,
// or when they have become many: the tail stays small.
func (p *pack) fold() {
	const most = 4
	due := len(p.dirty) > 0
	for i := range p.tail.slots {
		due = due || len(p.tail.slots[i].answered) > most
	}
	if !due {
		return
	}
	for i := range p.tail.slots {
		s := &p.tail.slots[i]
		if len(s.answered) == 0 {
			continue
		}
		ms := p.meta.slot(i)
		ms.answered = union(ms.answered, s.answered)
		s.answered = nil
		p.meta.changed, p.tail.changed = true, true
	}
}

// items returns what has to be saved.
func (p *pack) items(limit int) ([]Item, error) {
	var out []Item
	if p.tail.changed {
		out = append(out, p.tail.encode())
	}
	if p.meta.changed {
		out = append(out, p.meta.encode())
	}
	for _, mo := range p.months {
		if mo.changed {
			out = append(out, mo.encode(p.tail.gen))
		}
	}
	for _, ch := range p.chunks {
		if ch.changed {
			out = append(out, ch.encode(p.tail.gen))
		}
	}
	for _, it := range out {
		if limit > 0 && len(it.Data) > limit {
			return nil, fault.New(fault.Full, "record history "+it.Part+"/"+it.Sort,
				fmt.Sprintf("the item has %d bytes, the store takes %d", len(it.Data), limit), "")
		}
	}
	return out, nil
}
