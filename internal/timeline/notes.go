package timeline

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// notesPart begins the parts of notes; no pack is called so.
const notesPart = "note."

// Note is something small that is kept beside the history, under a name. Its
// Version counts writes from 1; 0: it does not exist.
type Note struct {
	Name    string
	Version int64
	Data    []byte
}

// Note reads a note; Version is 0 for one that does not exist.
func (h *History) Note(ctx context.Context, name string) (Note, error) {
	key := Key{notesPart + name, "1"}
	items, err := h.store.Load(ctx, []Key{key})
	if err != nil {
		return Note{}, err
	}
	out := Note{Name: name}
	for _, it := range items {
		out.Version, out.Data = it.Version, it.Data
	}
	return out, nil
}

// Keep writes a note that was read at its version. If somebody wrote it
// meanwhile, the error is of kind Conflict and nothing is written; one that the
// store cannot hold is Full.
func (h *History) Keep(ctx context.Context, n Note) error {
	if most := h.caps.MaxItemBytes; most > 0 && len(n.Data) > most {
		return fault.New(fault.Full, "keep "+n.Name, "it is larger than the store takes", "")
	}
	return h.store.Save(ctx, []Item{{Key: Key{notesPart + n.Name, "1"}, Version: n.Version, Data: n.Data}})
}
