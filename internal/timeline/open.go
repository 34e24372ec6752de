package timeline

import (
	"context"
	"slices"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Request says which stretches of an indicator will be asked about: Sums only
// as whole spans, Points minute by minute.
type Request struct {
	ID     ID
	Sums   []slo.Span
	Points []slo.Span
	// Frontier bounds what is answered: nothing at or after it is seen.
	Frontier slo.Minute
	// Step is the width of a point: 1, or the slice length of derived histories.
	Step slo.Minute
}

// Open reads what the requests need, in as few reads as the layout allows, and
// answers from memory from then on. Asking a view about a span that was not
// requested reads as unmeasured.
//
// A sum costs a pack its tail, the months the span touches and the chunks at
// its two ends; indicators of one pack share them. Everything is read in three
// rounds (names, tails, the rest), whatever the number of requests. Damage is
// reported here, not by the views. Requests for the same indicator are joined:
// their spans add up, the earlier frontier counts; they must agree on Step.
func (h *History) Open(ctx context.Context, reqs []Request) (map[ID]slo.View, error) {
	views := make(map[ID]slo.View, len(reqs))
	plans, ids, err := join(reqs)
	if err != nil {
		return nil, err
	}
	places, err := h.locate(ctx, ids)
	if err != nil {
		return nil, err
	}
	packs, parts := map[string]*packRead{}, []string(nil)
	for _, pl := range plans {
		at, ok := places[pl.id]
		if !ok {
			views[pl.id] = pl.view()
			continue
		}
		part := packPart(at.pack)
		if packs[part] == nil {
			packs[part] = newPackRead(part)
			parts = append(parts, part)
		}
		pl.slot = at.slot
		packs[part].plans = append(packs[part].plans, pl)
	}
	if err := h.readSnapshot(ctx, packs, parts); err != nil {
		return nil, err
	}
	for _, part := range parts {
		for _, pl := range packs[part].plans {
			v, err := packs[part].answer(pl)
			if err != nil {
				return nil, err
			}
			views[pl.id] = v
		}
	}
	return views, nil
}

// readPlan is a request worked out: which running sums its view needs.
type readPlan struct {
	id       ID
	slot     int
	frontier slo.Minute
	step     slo.Minute
	runs     []slo.Span // whole days; ascending, apart
	marks    []slo.Minute
	points   []slo.Span // ascending, apart
	sums     []slo.Span
	tail     tailSlot // what the tail has of it
}

func (pl *readPlan) view() *view {
	return &view{frontier: pl.frontier, step: pl.step, loaded: pl.points}
}

// join merges requests for the same indicator and works them out.
func join(reqs []Request) ([]*readPlan, []ID, error) {
	byID := make(map[ID]*readPlan, len(reqs))
	plans, ids := make([]*readPlan, 0, len(reqs)), make([]ID, 0, len(reqs))
	for i := range reqs {
		r := &reqs[i]
		step := max(1, r.Step)
		pl := byID[r.ID]
		if pl == nil {
			pl = &readPlan{id: r.ID, frontier: r.Frontier, step: step}
			byID[r.ID] = pl
			plans, ids = append(plans, pl), append(ids, r.ID)
		}
		if pl.step != step {
			return nil, nil, fault.New(fault.Invalid, "open history of "+string(r.ID),
				"it is asked for with two different slice lengths", "")
		}
		pl.frontier = max(0, min(pl.frontier, r.Frontier, endOfTime))
		pl.sums = append(pl.sums, r.Sums...)
		for _, s := range r.Points {
			pl.points = addSpan(pl.points, within(s))
		}
	}
	return plans, ids, nil
}

// within cuts a span to the minutes there can be.
func within(s slo.Span) slo.Span {
	return slo.Span{From: max(0, s.From), To: max(0, min(s.To, endOfTime))}
}

// clip cuts a span to what may be seen, and to the whole slices in it.
func clip(s slo.Span, floorAt, frontier, step slo.Minute) slo.Span {
	s = slo.Span{From: max(s.From, floorAt, 0), To: min(s.To, frontier)}
	if step > 1 && !s.Empty() {
		s = slo.Span{From: ceil(s.From, step), To: floor(s.To, step)}
	}
	return s
}

// resolve works out runs and marks once it is known what was forgotten. A mark
// is an instant up to which a running sum is needed; midnights inside a run
// need none, the day totals are there.
func (pl *readPlan) resolve(floorAt slo.Minute) {
	pl.marks = make([]slo.Minute, 0, len(pl.sums)+2)
	for _, s := range pl.sums {
		c := clip(s, floorAt, pl.frontier, pl.step)
		if c.Empty() {
			continue
		}
		pl.runs = addSpan(pl.runs, slo.Span{From: floor(c.From, slo.Day), To: ceil(c.To, slo.Day)})
		pl.mark(c.From)
		pl.mark(c.To)
		// Slices that do not divide the day straddle midnights: the whole days
		// inside the span end and begin elsewhere.
		if slo.Day%pl.step == 0 {
			continue
		}
		for m := ceil(c.From, slo.Day); m <= c.To; m += slo.Day {
			pl.mark(max(c.From, floor(m, pl.step)))
			pl.mark(min(c.To, ceil(m, pl.step)))
		}
	}
	slices.Sort(pl.marks)
	pl.marks = slices.Compact(pl.marks)
}

func (pl *readPlan) mark(m slo.Minute) {
	if m%slo.Day != 0 {
		pl.marks = append(pl.marks, m)
	}
}

// readSnapshot reads packs, and again those that were changed while they were
// read: a pack's items fit together only as one save left them.
func (h *History) readSnapshot(ctx context.Context, packs map[string]*packRead, parts []string) error {
	for range maxAttempts {
		if err := h.readPacks(ctx, packs, parts); err != nil {
			return err
		}
		var again []string
		for _, part := range parts {
			if old := packs[part]; old.stale {
				fresh := newPackRead(part)
				for _, pl := range old.plans {
					pl.runs, pl.marks = nil, nil
				}
				fresh.plans = old.plans
				packs[part] = fresh
				again = append(again, part)
			}
		}
		if len(again) == 0 {
			return nil
		}
		parts = again
	}
	return fault.New(fault.Conflict, "open history", "it kept changing while it was read", "try again")
}

// readPacks reads the tails, then whatever else the plans need.
func (h *History) readPacks(ctx context.Context, packs map[string]*packRead, parts []string) error {
	keys := make([]Key, len(parts))
	for i, part := range parts {
		keys[i] = Key{part, sortTail}
	}
	items, err := h.load(ctx, keys)
	if err != nil {
		return err
	}
	for _, it := range items {
		if packs[it.Part].tail, err = readTail(it); err != nil {
			return err
		}
	}
	keys = keys[:0]
	for _, part := range parts {
		p := packs[part]
		if err := p.resolve(); err != nil {
			return err
		}
		if p.ranged.Empty() {
			keys = p.appendChunks(keys)
		} else if err := h.readRange(ctx, p); err != nil {
			return err
		}
		keys = p.appendMonths(keys)
	}
	if items, err = h.load(ctx, keys); err != nil {
		return err
	}
	for _, it := range items {
		if err := packs[it.Part].accept(it); err != nil {
			return err
		}
	}
	return nil
}

// readRange reads a long stretch of a pack's chunks in one go.
func (h *History) readRange(ctx context.Context, p *packRead) error {
	items, err := h.store.Range(ctx, p.part, chunkSort(p.ranged.From), chunkSort(p.ranged.To))
	if err != nil {
		return err
	}
	for _, it := range items {
		if err := p.accept(it); err != nil {
			return err
		}
	}
	return nil
}
