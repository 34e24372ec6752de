package timeline

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Key names an item: Part groups what is written together (a pack), Sort
// orders items inside it.
type Key struct{ Part, Sort string }

// Item is one stored value. Version counts its writes from 1; 0 stands for an
// item that does not exist.
type Item struct {
	Key
	Version int64
	Data    []byte
}

// Caps says how a store likes its items.
type Caps struct {
	ChunkMinutes int // minutes in a settled chunk; divides a day
	PackSize     int // indicators in a pack
	MaxItemBytes int // 0: no limit
	MaxSave      int // items in one Save; 0: no limit
}

// Store keeps items with optimistic versions. Implementations pass the suite in
// timelinetest. Errors are of package fault: Conflict, Unavailable, Denied,
// Full, Corrupt, Unsupported, Throttled.
type Store interface {
	// Load returns the items that exist among keys, in any order.
	Load(ctx context.Context, keys []Key) ([]Item, error)
	// Range returns the items of a part with from <= Sort < to, ascending.
	Range(ctx context.Context, part, from, to string) ([]Item, error)
	// Save writes items of one part, all or none. Each item carries the version
	// it was read at (0: must not exist); if any moved meanwhile, nothing is
	// written and the error is of kind Conflict. A nil Data deletes the item of
	// that version. What was saved is seen by every Load that begins afterwards.
	//
	// After a Conflict the caller reads again. Where answers can get lost on the
	// way, a save that was done and at once written over by somebody else may be
	// reported as one: merging once more what is there already must change nothing.
	Save(ctx context.Context, items []Item) error
	// Caps describes the store.
	Caps() Caps
	// Close releases it.
	Close() error
}

// CheckSave refuses what no store may be asked to save: items of different
// parts, two of the same key, deleting what must not exist. Stores call it
// first.
func CheckSave(items []Item) error {
	seen := make(map[string]bool, len(items))
	for _, it := range items {
		why := ""
		switch {
		case it.Part != items[0].Part:
			why = "lies in another part than " + items[0].Part
		case seen[it.Sort]:
			why = "is there twice"
		case it.Data == nil && it.Version == 0:
			why = "is to be deleted and not to exist"
		}
		if why != "" {
			return fault.New(fault.Invalid, "save history", it.Part+"/"+it.Sort+" "+why, "")
		}
		seen[it.Sort] = true
	}
	return nil
}
