package timeline

import (
	"context"
	"fmt"
	"slices"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// History is the measured history over a Store. It is safe for concurrent use,
// by several processes too.
type History struct {
	store    Store
	caps     Caps
	registry registry
}

// NewHistory returns the history a store keeps.
func NewHistory(store Store) *History { return &History{store: store, caps: store.Caps()} }

// chunkMinutes and packSize are what the store likes, made safe.
func (h *History) chunkMinutes() slo.Minute {
	c := slo.Minute(h.caps.ChunkMinutes)
	if c < 1 || slo.Day%c != 0 {
		return slo.Hour
	}
	for c < slo.Day && h.caps.MaxSave > 0 && (slo.Day%c != 0 || largestSave(c) > h.caps.MaxSave) {
		c++
	}
	return c
}

// largestSave bounds the items of one save: all chunks of the day of a job, of the
// day the tail began on, and of those days of which it lets go the first and the
// last chunk; months, tail and meta item.
func largestSave(c slo.Minute) int {
	days := 2 + occupiedChunks(c)/2
	return days*int(slo.Day/c) + days + 2
}

func (h *History) packSize() int {
	if h.caps.PackSize < 1 || h.caps.PackSize > maxSlots {
		return 20
	}
	return h.caps.PackSize
}

// Record merges answered stretches. Minutes before settled are final: an
// unmeasured one can still be filled, a measured one is kept. Writes that lost
// a race are merged again with what the other writer left. Recording the same
// twice changes nothing.
//
// What one pack gets for one UTC day is saved all or none, oldest day first,
// and a stretch counts as answered only together with its minutes: a recording
// that was cut off can simply be repeated. It is cheapest to record many
// indicators together, a day or less at a time.
//
// An impossible write (good > total, negative, not ascending, outside of its
// span) is refused with fault.Invalid before anything is written.
func (h *History) Record(ctx context.Context, settled slo.Minute, writes []Write) (Changes, error) {
	ids := make([]ID, 0, len(writes))
	seen := make(map[ID]bool, len(writes))
	for i := range writes {
		if err := writes[i].check(); err != nil {
			return Changes{}, err
		}
		if id := writes[i].ID; !seen[id] && !writes[i].Span.Empty() {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return Changes{}, ctx.Err()
	}
	places, err := h.assign(ctx, ids)
	if err != nil {
		return Changes{}, err
	}
	return h.record(ctx, settled, plan(writes, places))
}

// Meta returns what is known about indicators; one never recorded has a Meta
// without answered stretches.
//
// After a reset, Birth is not before it, and the lineages are those in force
// from then on. Answered keeps older stretches: they need not be asked again.
func (h *History) Meta(ctx context.Context, ids ...ID) (map[ID]Meta, error) {
	out := make(map[ID]Meta, len(ids))
	for _, id := range ids {
		out[id] = Meta{ID: id}
	}
	places, err := h.locate(ctx, ids)
	if err != nil || len(places) == 0 {
		return out, err
	}
	tails, metas, err := h.loadHeads(ctx, places)
	if err != nil {
		return nil, err
	}
	for id, pl := range places {
		m := Meta{ID: id}
		if mi := metas[pl.pack]; mi != nil && pl.slot < len(mi.slots) {
			s := mi.slots[pl.slot]
			m.Answered, m.Lineages, m.Resets = s.answered, s.lineages, s.resets
		}
		if tr := tails[pl.pack]; tr != nil {
			s, ok := tr.slot(pl.slot)
			if !ok {
				return nil, corrupt(Key{packPart(pl.pack), sortTail}, fmt.Sprintf("the slot of %q does not fit", id))
			}
			m.Answered = union(m.Answered, s.answered)
			if s.born {
				m.Birth = max(s.birth, s.floor)
			}
			for len(m.Lineages) > 1 && m.Lineages[1].Since <= s.floor {
				m.Lineages = m.Lineages[1:]
			}
		}
		out[id] = m
	}
	return out, nil
}

// loadHeads reads tails and meta items of the packs that hold places.
func (h *History) loadHeads(ctx context.Context, places map[ID]place) (map[int]*tailRead, map[int]*metaItem, error) {
	packs := map[string]int{}
	var keys []Key
	for _, pl := range places {
		part := packPart(pl.pack)
		if _, ok := packs[part]; !ok {
			packs[part] = pl.pack
			keys = append(keys, Key{part, sortTail}, Key{part, sortMeta})
		}
	}
	items, err := h.load(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	tails, metas := make(map[int]*tailRead, len(packs)), make(map[int]*metaItem, len(packs))
	for _, it := range items {
		if it.Sort == sortTail {
			tails[packs[it.Part]], err = readTail(it)
		} else {
			metas[packs[it.Part]], err = decodeMeta(it)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return tails, metas, nil
}

// Reset forgets everything about an indicator before at: earlier minutes count
// as not expected. The order is kept with its author and reason.
//
// An indicator that was never recorded is NotFound. Repeating a reset changes
// nothing.
func (h *History) Reset(ctx context.Context, id ID, r Reset) error {
	op := "reset history of " + string(id)
	if r.At < 0 || r.At > endOfTime {
		return fault.New(fault.Invalid, op, fmt.Sprintf("%d is no minute since 1970", r.At), "")
	}
	places, err := h.locate(ctx, []ID{id})
	if err != nil {
		return err
	}
	pl, ok := places[id]
	if !ok {
		return fault.New(fault.NotFound, op, "nothing was ever recorded of it", "")
	}
	for range maxAttempts {
		err = h.reset(ctx, pl, id, r)
		if fault.KindOf(err) != fault.Conflict {
			return err
		}
	}
	return err
}

func (h *History) reset(ctx context.Context, pl place, id ID, r Reset) error {
	packs, err := h.loadPacks(ctx, 0, []job{{pack: pl.pack}})
	if err != nil {
		return err
	}
	p := packs[0]
	ms, ts := p.meta.slot(pl.slot), p.tail.slot(pl.slot)
	if slices.Contains(ms.resets, r) {
		return nil
	}
	ms.id = id
	ms.resets = append(ms.resets, r)
	ts.floor = max(ts.floor, r.At)
	return h.store.Save(ctx, []Item{p.tail.encode(), p.meta.encode()})
}
