package timeline

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// place is where an indicator lies. It never changes.
type place struct{ pack, slot int }

// registry remembers places. They are stored in pages of names: a page says
// with which pack it begins and how many names make a pack, so a name's
// position is its place.
type registry struct {
	mu     sync.RWMutex
	places map[ID]place
}

const (
	pageIDs  = 500 // names in a page, rounded to whole packs
	maxIDLen = 512 // bytes; keeps a page below any store's item limit
)

// page is one registry item.
type page struct {
	number   int
	version  int64
	packSize int
	first    int // pack of the first name
	ids      []ID
}

func (p *page) room() int { return p.packSize*max(1, pageIDs/p.packSize) - len(p.ids) }

func (p *page) place(i int) place { return place{p.first + i/p.packSize, i % p.packSize} }

func (p *page) encode() Item {
	b := binary.AppendUvarint(begin(kindRegistry), uint64(p.packSize))
	b = binary.AppendUvarint(b, uint64(p.first))
	b = binary.AppendUvarint(b, uint64(len(p.ids)))
	for _, id := range p.ids {
		b = appendString(b, string(id))
	}
	it := finish(Key{partRegistry, pageSort(p.number)}, b)
	it.Version = p.version
	return it
}

func decodePage(it Item) (*page, error) {
	r, err := unwrap(it, kindRegistry)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(it.Sort)
	if err != nil {
		return nil, corrupt(it.Key, "the page has no number")
	}
	p := &page{number: number, version: it.Version, packSize: int(r.upTo(maxSlots)), first: int(r.upTo(1 << 32))}
	for range r.count() {
		p.ids = append(p.ids, ID(r.bytes()))
	}
	if !r.done() || p.packSize == 0 {
		return nil, corrupt(it.Key, "the list of indicators does not fit")
	}
	return p, nil
}

// known returns the places remembered, and the names that are not.
func (g *registry) known(ids []ID) (map[ID]place, []ID) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	found := make(map[ID]place, len(ids))
	var missing []ID
	for _, id := range ids {
		if p, ok := g.places[id]; ok {
			found[id] = p
		} else {
			missing = append(missing, id)
		}
	}
	return found, missing
}

func (g *registry) remember(pages []*page) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.places == nil {
		g.places = map[ID]place{}
	}
	for _, p := range pages {
		for i, id := range p.ids {
			g.places[id] = p.place(i)
		}
	}
}

// locate returns the places of the indicators that have one.
func (h *History) locate(ctx context.Context, ids []ID) (map[ID]place, error) {
	found, missing := h.registry.known(ids)
	if len(missing) == 0 {
		return found, nil
	}
	if _, err := h.readRegistry(ctx); err != nil {
		return nil, err
	}
	found, _ = h.registry.known(ids)
	return found, nil
}

func (h *History) readRegistry(ctx context.Context) ([]*page, error) {
	items, err := h.store.Range(ctx, partRegistry, "0", ":")
	if err != nil {
		return nil, err
	}
	pages := make([]*page, 0, len(items))
	for _, it := range items {
		p, err := decodePage(it)
		if err != nil {
			return nil, err
		}
		pages = append(pages, p)
	}
	h.registry.remember(pages)
	return pages, nil
}

// assign returns the places of all the indicators, giving new ones a place
// behind the last. Neighbours in ids become neighbours in a pack.
func (h *History) assign(ctx context.Context, ids []ID) (map[ID]place, error) {
	var last error
	for range maxAttempts {
		if found, missing := h.registry.known(ids); len(missing) == 0 {
			return found, nil
		}
		pages, err := h.readRegistry(ctx)
		if err != nil {
			return nil, err
		}
		found, missing := h.registry.known(ids)
		if len(missing) == 0 {
			return found, nil
		}
		last = h.savePages(ctx, h.extend(pages, missing))
		if last != nil && fault.KindOf(last) != fault.Conflict {
			return nil, last
		}
	}
	return nil, fault.Wrap(fault.Conflict, fmt.Sprintf("register %d indicators", len(ids)), last, "")
}

// savePages saves pages, oldest first, a few at a time: a store may not take many
// at once, and each page that is saved stands by itself.
func (h *History) savePages(ctx context.Context, pages []*page) error {
	const few = 8
	for some := range slices.Chunk(pages, few) {
		items := make([]Item, len(some))
		for i, p := range some {
			items[i] = p.encode()
		}
		if err := h.store.Save(ctx, items); err != nil {
			return err
		}
		h.registry.remember(some)
	}
	return nil
}

// extend puts ids behind the names of the last page and returns the pages that
// changed.
func (h *History) extend(pages []*page, ids []ID) []*page {
	size := h.packSize()
	var p *page
	if len(pages) > 0 {
		p = pages[len(pages)-1]
	}
	var changed []*page
	for len(ids) > 0 {
		if p == nil || p.room() <= 0 || p.packSize != size && len(p.ids)%p.packSize == 0 {
			next := &page{packSize: size}
			if p != nil {
				next.number = p.number + 1
				next.first = p.first + (len(p.ids)+p.packSize-1)/p.packSize
			}
			p = next
		}
		n := min(p.room(), len(ids))
		p.ids = append(p.ids, ids[:n]...)
		ids = ids[n:]
		changed = append(changed, p)
	}
	return changed
}
