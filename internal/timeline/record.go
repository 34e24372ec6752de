package timeline

import (
	"context"
	"fmt"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

const (
	// maxAttempts bounds how often a write that lost a race is merged again.
	// Every lost race is another writer's progress.
	maxAttempts = 64
	// groupJobs is how many packs are read together; it bounds memory.
	groupJobs = 256
)

// record applies jobs, in order, reading for many packs at once.
func (h *History) record(ctx context.Context, settled slo.Minute, jobs []job) (Changes, error) {
	var all Changes
	for len(jobs) > 0 {
		n := 1
		// A group has each pack once: jobs are sorted by day, then by pack.
		for n < len(jobs) && n < groupJobs && jobs[n].day == jobs[0].day {
			n++
		}
		ch, err := h.recordGroup(ctx, settled, jobs[:n])
		all = all.plus(ch)
		if err != nil {
			return all, err
		}
		jobs = jobs[n:]
	}
	return all, nil
}

// recordGroup applies jobs of different packs, again and again for those that
// lose a race.
func (h *History) recordGroup(ctx context.Context, settled slo.Minute, jobs []job) (Changes, error) {
	var all Changes
	var last error
	for range maxAttempts {
		packs, err := h.loadPacks(ctx, settled, jobs)
		if err != nil {
			return all, err
		}
		var lost []job
		for _, p := range packs {
			err := h.savePack(ctx, p)
			switch {
			case err == nil:
				all = all.plus(p.changes)
			case fault.KindOf(err) == fault.Conflict:
				lost, last = append(lost, *p.job), err
			default:
				return all, err
			}
		}
		if len(lost) == 0 {
			return all, nil
		}
		jobs = lost
	}
	return all, fault.Wrap(fault.Conflict, fmt.Sprintf("record history, given up after %d attempts", maxAttempts),
		last, "another process keeps writing; try again")
}

func (h *History) savePack(ctx context.Context, p *pack) error {
	if err := p.apply(p.start); err != nil {
		return err
	}
	items, err := p.items(h.caps.MaxItemBytes)
	if err != nil || len(items) == 0 {
		return err
	}
	return h.store.Save(ctx, items)
}

// loadPacks reads what the jobs need in three steps: tails, then the months
// the late and the settling minutes lie in, then the chunks that change.
func (h *History) loadPacks(ctx context.Context, settled slo.Minute, jobs []job) ([]*pack, error) {
	packs, byPart := make([]*pack, len(jobs)), make(map[string]*pack, len(jobs))
	var keys []Key
	for i := range jobs {
		p := &pack{
			job: &jobs[i], settled: settled, part: packPart(jobs[i].pack),
			months: map[month]*monthItem{}, chunks: map[slo.Minute]*chunk{}, dirty: map[slo.Minute]*dirtyDay{},
		}
		packs[i], byPart[p.part] = p, p
		keys = append(keys, Key{p.part, sortTail}, Key{p.part, sortMeta})
	}
	items, err := h.load(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		p := byPart[it.Part]
		if it.Sort == sortTail {
			p.tail, err = decodeTail(it)
		} else {
			p.meta, err = decodeMeta(it)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, p := range packs {
		h.begin(p)
	}
	if err := h.loadMonths(ctx, packs, byPart); err != nil {
		return nil, err
	}
	return packs, h.loadChunks(ctx, packs, byPart)
}

// begin completes a pack that is new, and decides where its tail will begin.
func (h *History) begin(p *pack) {
	if p.meta == nil {
		p.meta = &metaItem{key: Key{p.part, sortMeta}}
	}
	if p.tail == nil {
		c := h.chunkMinutes()
		p.tail = &tail{key: Key{p.part, sortTail}, c: c}
		p.tail.start = floor(min(max(p.settled, 0), endOfTime), c)
	}
	p.start = p.advance(p.settled)
}

func (h *History) loadMonths(ctx context.Context, packs []*pack, byPart map[string]*pack) error {
	var keys []Key
	months := map[Key]month{}
	for _, p := range packs {
		for _, day := range p.days(p.start) {
			m := monthOf(day)
			k := Key{p.part, m.sort()}
			if _, ok := months[k]; !ok {
				months[k] = m
				keys = append(keys, k)
			}
		}
	}
	items, err := h.load(ctx, keys)
	if err != nil {
		return err
	}
	for _, it := range items {
		m := months[it.Key]
		if byPart[it.Part].months[m], err = decodeMonth(it, m); err != nil {
			return err
		}
	}
	return nil
}

func (h *History) loadChunks(ctx context.Context, packs []*pack, byPart map[string]*pack) error {
	var keys []Key
	starts := map[Key]slo.Minute{}
	for _, p := range packs {
		for day, from := range p.lateFrom() {
			mo := p.month(day)
			r := mo.days[mo.dayIndex(day)]
			if !r.any {
				continue
			}
			for i := max(r.first, p.index(from)); i <= r.last; i++ {
				at := day + slo.Minute(i)*p.tail.c
				k := Key{p.part, chunkSort(at)}
				starts[k] = at
				keys = append(keys, k)
			}
		}
	}
	items, err := h.load(ctx, keys)
	if err != nil {
		return err
	}
	for _, it := range items {
		p := byPart[it.Part]
		if p.chunks[starts[it.Key]], err = decodeChunk(it, starts[it.Key], p.tail.c); err != nil {
			return err
		}
	}
	if len(items) != len(keys) {
		return missing(keys, items)
	}
	return nil
}

// missing names an item that must exist and does not.
func missing(keys []Key, items []Item) error {
	have := make(map[Key]bool, len(items))
	for _, it := range items {
		have[it.Key] = true
	}
	for _, k := range keys {
		if !have[k] {
			return corrupt(k, "the item is missing")
		}
	}
	return nil
}

func (h *History) load(ctx context.Context, keys []Key) ([]Item, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return h.store.Load(ctx, keys)
}
