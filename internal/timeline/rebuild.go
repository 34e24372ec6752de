package timeline

import (
	"fmt"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// chunk returns a chunk before the tail. One that was not loaded does not
// exist yet: it begins with the sums its neighbours imply, before the day's
// first chunk nothing, behind the last one the whole day's total.
func (p *pack) chunk(at slo.Minute) *chunk {
	if ch := p.chunks[at]; ch != nil {
		return ch
	}
	ch := &chunk{key: Key{p.part, chunkSort(at)}, start: at, c: p.tail.c, changed: true}
	mo := p.month(floor(at, slo.Day))
	d := mo.dayIndex(at)
	if r := mo.days[d]; r.any && p.index(at) > r.last {
		for i := range mo.slots {
			if t := mo.slots[i][d]; t.n > 0 {
				ch.slot(i).head = t
			}
		}
	}
	p.chunks[at] = ch
	return ch
}

// index counts a chunk from midnight.
func (p *pack) index(at slo.Minute) int { return int(at % slo.Day / p.tail.c) }

// rebuild makes a day whole again after minutes of it changed: a chunk for
// every stretch between its first and last, and running sums and day totals of
// the slots that changed.
func (p *pack) rebuild(day slo.Minute, d *dirtyDay) error {
	c := p.tail.c
	mo := p.month(day)
	di := mo.dayIndex(day)
	first, last := p.index(d.from), p.index(d.from)
	for at := range p.chunks {
		if floor(at, slo.Day) == day {
			last = max(last, p.index(at))
		}
	}
	if r := mo.days[di]; r.any {
		first, last = min(first, r.first), max(last, r.last)
		// New chunks behind the last one leave a gap in front of them, too.
		d.from = min(d.from, day+slo.Minute(r.last+1)*c)
	}
	end := day + slo.Minute(last)*c
	for at := d.from; at <= end; at += c {
		p.chunk(at)
	}
	for slot := range d.slots {
		run := tally{}
		if s := p.chunk(d.from).slots; slot < len(s) {
			run = s[slot].head
		}
		for at := d.from; at <= end; at += c {
			ch := p.chunk(at)
			s := ch.slot(slot)
			if s.head != run {
				s.head, ch.changed = run, true
			}
			t, ok := s.sum(c)
			if !ok {
				return corrupt(ch.key, fmt.Sprintf("the minutes of slot %d do not fit", slot))
			}
			run = run.plus(t)
		}
		mo.slot(slot)[di] = run
	}
	mo.days[di] = dayRange{true, first, last}
	mo.changed = true
	return nil
}
