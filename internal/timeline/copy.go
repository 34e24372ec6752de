package timeline

import (
	"bytes"
	"context"
	"slices"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Copied says what a copy did.
type Copied struct {
	Items, Already int // written, and there already with the same content
}

const (
	// copyItems and copyBytes bound what is saved together.
	copyItems = 20
	copyBytes = 512 << 10
)

// Copy copies the whole history of one store into another, item by item, bytes
// unchanged. What is there already is left alone, so that a copy that was cut off
// can be repeated. Items of another content are never overwritten: Conflict, and
// nothing more is written.
//
// The names come last: until then readers of the other store see no history. Nobody
// may record into either store meanwhile. progress, which may be nil, is told of
// packs done.
func Copy(ctx context.Context, from, to Store, progress func(done, all int)) (Copied, error) {
	var out Copied
	parts, _, err := partsOf(ctx, from)
	if err != nil {
		return out, err
	}
	if err := sameHistory(ctx, from, to); err != nil {
		return out, err
	}
	for i, part := range parts {
		if err := copyPart(ctx, from, to, part, &out); err != nil {
			return out, err
		}
		if progress != nil {
			progress(i+1, len(parts))
		}
	}
	return out, copyPart(ctx, from, to, partRegistry, &out)
}

// sameHistory refuses a store that knows other indicators, before anything is
// written.
func sameHistory(ctx context.Context, from, to Store) error {
	want, err := from.Range(ctx, partRegistry, "", everything)
	if err != nil {
		return err
	}
	have, err := to.Range(ctx, partRegistry, "", everything)
	if err != nil {
		return err
	}
	_, err = absent(want, have)
	return err
}

// copyPart copies one part.
func copyPart(ctx context.Context, from, to Store, part string, out *Copied) error {
	want, err := from.Range(ctx, part, "", everything)
	if err != nil {
		return err
	}
	have, err := to.Range(ctx, part, "", everything)
	if err != nil {
		return err
	}
	missing, err := absent(want, have)
	if err != nil {
		return err
	}
	out.Already += len(have)
	for len(missing) > 0 {
		n, size := 1, len(missing[0].Data)
		for n < len(missing) && n < copyItems && size+len(missing[n].Data) <= copyBytes {
			size += len(missing[n].Data)
			n++
		}
		if err := to.Save(ctx, missing[:n]); err != nil {
			return err
		}
		out.Items += n
		missing = missing[n:]
	}
	return nil
}

// absent returns the items that are wanted and not there, as new ones. An item
// that is there and differs, or is there and not wanted, is a conflict.
func absent(want, have []Item) ([]Item, error) {
	there := make(map[Key][]byte, len(have))
	for _, it := range have {
		there[it.Key] = it.Data
	}
	out := slices.Clone(want)[:0]
	for _, it := range want {
		data, ok := there[it.Key]
		delete(there, it.Key)
		if ok && !bytes.Equal(data, it.Data) {
			return nil, otherContent(it.Key)
		}
		if !ok {
			it.Version = 0
			out = append(out, it)
		}
	}
	for k := range there {
		return nil, otherContent(k)
	}
	return out, nil
}

func otherContent(k Key) error {
	return fault.New(fault.Conflict, "copy history "+k.Part+"/"+k.Sort, "the other store holds something else there",
		"copy into an empty store; and let nobody measure into either one meanwhile")
}
