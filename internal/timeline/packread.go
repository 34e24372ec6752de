package timeline

import (
	"fmt"
	"slices"
	"strconv"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// packRead is one pack while views of it are being made. Items are checked and
// their tables read once, however many indicators look into them.
type packRead struct {
	part   string
	plans  []*readPlan
	tail   *tailRead            // nil: nothing was ever saved
	months map[month]*monthRead // nil values: asked for, not there
	chunks map[slo.Minute]chunkRead
	want   map[slo.Minute]bool
	stale  bool     // something was read that is newer than the tail
	ranged slo.Span // chunks to read as one range, instead of one by one
	// scratch, for one plan at a time
	recent []recentMinute
	cache  monthCache
}

// recentMinute is a minute of the tail with the sum of the tail before it.
type recentMinute struct {
	at     slo.Minute
	before tally
	minute
}

// monthCache keeps the totals of the month that was decoded last.
type monthCache struct {
	month month
	start slo.Minute
	ok    bool
	days  [monthDays]tally
}

func newPackRead(part string) *packRead {
	return &packRead{
		part: part, months: map[month]*monthRead{},
		chunks: map[slo.Minute]chunkRead{}, want: map[slo.Minute]bool{},
	}
}

// manyChunks is from where on a stretch of chunks is read as a range.
const manyChunks = 64

// resolve works out which months and chunks the pack's plans need.
func (p *packRead) resolve() error {
	if p.tail == nil {
		return nil
	}
	for _, pl := range p.plans {
		s, ok := p.tail.slot(pl.slot)
		if !ok {
			return corrupt(Key{p.part, sortTail}, fmt.Sprintf("the slot of %q does not fit", pl.id))
		}
		pl.tail = s
		pl.resolve(s.floor)
		for _, r := range pl.runs {
			p.wantMonths(r)
		}
		for _, m := range pl.marks {
			if m < p.tail.start {
				p.want[floor(m, p.tail.c)] = true
			}
		}
		for _, s := range pl.points {
			s.To = min(s.To, p.tail.start, pl.frontier)
			p.wantChunks(s)
		}
	}
	if !p.ranged.Empty() {
		for m := range p.want {
			p.widen(slo.Span{From: m, To: m + p.tail.c})
		}
	}
	return nil
}

// wantChunks notes the chunks of a span, one by one or, if they are many, as a
// range.
func (p *packRead) wantChunks(s slo.Span) {
	p.wantMonths(s)
	if int(s.Len()/p.tail.c) > manyChunks {
		p.widen(s)
		return
	}
	for m := floor(s.From, p.tail.c); m < s.To; m += p.tail.c {
		p.want[m] = true
	}
}

// wantMonths notes the months a span touches. They tell which chunks there
// must be, so they are read for points, too.
func (p *packRead) wantMonths(s slo.Span) {
	for m := s.From; m < s.To; m = (monthOf(m) + 1).start() {
		p.months[monthOf(m)] = nil
	}
}

func (p *packRead) widen(s slo.Span) {
	s = slo.Span{From: floor(s.From, p.tail.c), To: ceil(s.To, p.tail.c)}
	if p.ranged.Empty() {
		p.ranged = s
		return
	}
	p.ranged = slo.Span{From: min(p.ranged.From, s.From), To: max(p.ranged.To, s.To)}
}

func (p *packRead) appendChunks(keys []Key) []Key {
	for m := range p.want {
		keys = append(keys, Key{p.part, chunkSort(m)})
	}
	return keys
}

func (p *packRead) appendMonths(keys []Key) []Key {
	for m := range p.months {
		keys = append(keys, Key{p.part, m.sort()})
	}
	return keys
}

// accept takes in a month or a chunk.
func (p *packRead) accept(it Item) error {
	name := it.Sort
	if len(name) == len("d/2006-01") && name[0] == 'd' {
		y, err1 := strconv.Atoi(name[2:6])
		mo, err2 := strconv.Atoi(name[7:])
		if err1 != nil || err2 != nil {
			return corrupt(it.Key, "the item has no name")
		}
		mr, err := readMonth(it)
		if err == nil {
			p.months[month(y*12+mo-1)] = mr
			p.stale = p.stale || mr.gen > p.tail.gen
		}
		return err
	}
	if len(name) < 3 || name[:2] != "c/" {
		return corrupt(it.Key, "the item has no name")
	}
	start, err := strconv.ParseInt(name[2:], 10, 64)
	if err != nil {
		return corrupt(it.Key, "the item has no name")
	}
	ch, err := readChunk(it, p.tail.c)
	if err == nil {
		p.chunks[slo.Minute(start)] = ch
		p.stale = p.stale || ch.gen > p.tail.gen
	}
	return err
}

// answer makes the view of one plan.
func (p *packRead) answer(pl *readPlan) (*view, error) {
	v := pl.view()
	if p.tail == nil {
		return v, nil
	}
	s := &pl.tail
	v.floor = s.floor
	v.born, v.birth = s.born, max(s.birth, s.floor)
	if err := p.readRecent(pl, s); err != nil {
		return nil, err
	}
	p.cache.ok = false
	marks := pl.marks
	v.runs = make([]run, 0, len(pl.runs))
	for _, r := range pl.runs {
		n, _ := slices.BinarySearch(marks, r.To)
		out, err := p.run(pl, r, marks[:n])
		if err != nil {
			return nil, err
		}
		v.runs = append(v.runs, out)
		marks = marks[n:]
	}
	return v, p.points(pl, s, v)
}

// readRecent lists the tail's minutes of a slot with their running sum.
func (p *packRead) readRecent(pl *readPlan, s *tailSlot) error {
	p.recent = p.recent[:0]
	sum := tally{}
	for i := range s.blocks {
		b := &s.blocks[i]
		cu := newCursor(b.body, p.tail.c)
		for {
			m, ok := cu.next()
			if !ok {
				break
			}
			p.recent = append(p.recent, recentMinute{b.start + slo.Minute(m.off), sum, m})
			sum = sum.with(m.Count)
		}
		if !cu.done() {
			return corrupt(Key{p.part, sortTail}, fmt.Sprintf("the minutes of %q do not fit", pl.id))
		}
	}
	p.recent = append(p.recent, recentMinute{at: endOfTime, before: sum})
	return nil
}

// recentBefore sums the tail's minutes before m.
func (p *packRead) recentBefore(m slo.Minute) tally {
	if len(p.recent) == 1 || m <= p.recent[0].at {
		return tally{}
	}
	i, _ := slices.BinarySearchFunc(p.recent, m, func(r recentMinute, at slo.Minute) int { return int(r.at - at) })
	return p.recent[i].before
}

// settledDay is the total of a day's chunks.
func (p *packRead) settledDay(pl *readPlan, day slo.Minute) (tally, *dayRange, error) {
	if !p.cache.ok || day < p.cache.start || day >= (p.cache.month+1).start() {
		m := monthOf(day)
		p.cache.month, p.cache.start, p.cache.ok = m, m.start(), true
		p.cache.days = [monthDays]tally{}
		if mr := p.months[m]; mr != nil && !mr.slot(pl.slot, &p.cache.days) {
			return tally{}, nil, corrupt(Key{p.part, m.sort()}, fmt.Sprintf("the day totals of %q do not fit", pl.id))
		}
	}
	i := int((day - p.cache.start) / slo.Day)
	mr := p.months[p.cache.month]
	if mr == nil {
		return tally{}, nil, nil
	}
	return p.cache.days[i], &mr.days[i], nil
}

// run computes the running sums of a stretch of whole days: at each midnight
// and at each mark, up to the frontier.
func (p *packRead) run(pl *readPlan, s slo.Span, marks []slo.Minute) (run, error) {
	last := min(s.To, floor(pl.frontier, slo.Day))
	out := run{first: s.From, days: make([]tally, 1, int((last-s.From)/slo.Day)+2), marks: make([]mark, 0, len(marks))}
	sum := tally{}
	for day := s.From; day < s.To && day < pl.frontier; day += slo.Day {
		settled, chunks, err := p.settledDay(pl, day)
		if err != nil {
			return run{}, err
		}
		for len(marks) > 0 && marks[0] < day+slo.Day {
			before, err := p.before(pl, marks[0], settled, chunks)
			if err != nil {
				return run{}, err
			}
			out.marks = append(out.marks, mark{marks[0], sum.plus(before)})
			marks = marks[1:]
		}
		sum = sum.plus(settled)
		if day+slo.Day > p.tail.start {
			sum = sum.plus(p.recentBefore(day + slo.Day).since(p.recentBefore(day)))
		}
		if day+slo.Day <= pl.frontier {
			out.days = append(out.days, sum)
		}
	}
	return out, nil
}

// before sums what of m's day lies before m. settled is the total of the day's
// chunks, chunks says which exist.
func (p *packRead) before(pl *readPlan, m slo.Minute, settled tally, chunks *dayRange) (tally, error) {
	day := floor(m, slo.Day)
	if m >= p.tail.start {
		return settled.plus(p.recentBefore(m).since(p.recentBefore(day))), nil
	}
	at := floor(m, p.tail.c)
	index := int((at - day) / p.tail.c)
	switch {
	case chunks == nil || !chunks.any || index < chunks.first:
		return tally{}, nil
	case index > chunks.last:
		return settled, nil
	}
	ch, ok := p.chunks[at]
	if !ok {
		return tally{}, corrupt(Key{p.part, chunkSort(at)}, "the item is missing")
	}
	if pl.slot >= len(ch.recs) {
		return tally{}, nil
	}
	head, body, ok := readChunkSlot(ch.recs[pl.slot])
	if ok {
		var part tally
		if part, ok = sumBody(body, p.tail.c, int(m-at)); ok {
			return head.plus(part), nil
		}
	}
	return tally{}, corrupt(Key{p.part, chunkSort(at)}, fmt.Sprintf("the minutes of %q do not fit", pl.id))
}

// points hands the view the encoded minutes of the stretches asked for, after
// making sure that they can be decoded.
func (p *packRead) points(pl *readPlan, s *tailSlot, v *view) error {
	v.c = p.tail.c
	for _, want := range pl.points {
		end := min(want.To, p.tail.start, pl.frontier)
		for at := floor(want.From, p.tail.c); at < end; at += p.tail.c {
			body, err := p.body(pl, at)
			if err != nil {
				return err
			}
			v.blocks = addBlock(v.blocks, at, body)
		}
	}
	for i := range s.blocks {
		b := &s.blocks[i]
		span := slo.Span{From: b.start, To: b.start + p.tail.c}
		if slices.ContainsFunc(pl.points, func(want slo.Span) bool { return !span.Intersect(want).Empty() }) {
			v.blocks = addBlock(v.blocks, b.start, b.body)
		}
	}
	return nil
}

// body returns a slot's encoded minutes of a chunk, after decoding them once.
func (p *packRead) body(pl *readPlan, at slo.Minute) ([]byte, error) {
	ch, ok := p.chunks[at]
	if !ok {
		day := floor(at, slo.Day)
		_, chunks, err := p.settledDay(pl, day)
		if err == nil && chunks.has(int((at-day)/p.tail.c)) {
			err = corrupt(Key{p.part, chunkSort(at)}, "the item is missing")
		}
		return nil, err
	}
	if pl.slot >= len(ch.recs) {
		return nil, nil
	}
	_, body, ok := readChunkSlot(ch.recs[pl.slot])
	if ok {
		_, ok = sumBody(body, p.tail.c, int(p.tail.c))
	}
	if !ok {
		return nil, corrupt(Key{p.part, chunkSort(at)}, fmt.Sprintf("the minutes of %q do not fit", pl.id))
	}
	return body, nil
}

// addBlock appends a block unless it is empty or there already: two stretches
// may end and begin in the same one.
func addBlock(blocks []viewBlock, at slo.Minute, body []byte) []viewBlock {
	if len(body) == 0 || len(blocks) > 0 && blocks[len(blocks)-1].start == at {
		return blocks
	}
	return append(blocks, viewBlock{at, body})
}
