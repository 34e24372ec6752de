// Package dynamodb keeps history items in a DynamoDB table, one row each.
package dynamodb

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gitlab.com/nines-sre/nines/internal/dynamo"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

const (
	// partPrefix sets the partitions of history apart from those of the ledger.
	partPrefix = "h/"
	attrData   = "d"
	// overhead is what a row holds besides an item's bytes, at most: names, keys,
	// version, word, expiry.
	overhead = 1 << 10
)

// Store is a timeline.Store over an open table. Several Stores, in several
// processes, may share the table.
type Store struct{ table *dynamo.Table }

// New returns the store in a table.
func New(table *dynamo.Table) *Store { return &Store{table} }

// Load implements timeline.Store. Items are of one state each, not of one state
// of the table: a History notices when it reads a pack torn.
func (s *Store) Load(ctx context.Context, keys []timeline.Key) ([]timeline.Item, error) {
	if len(keys) == 0 {
		return nil, ctx.Err()
	}
	wanted := make([]dynamo.Key, len(keys))
	for i, k := range keys {
		wanted[i] = keyOf(k)
	}
	rows, err := s.table.Load(ctx, "load history", wanted)
	if err != nil {
		return nil, err
	}
	out := make([]timeline.Item, len(rows))
	for i := range rows {
		out[i] = itemOf(&rows[i])
	}
	return out, nil
}

// Range implements timeline.Store.
func (s *Store) Range(ctx context.Context, part, from, to string) ([]timeline.Item, error) {
	var out []timeline.Item
	if to == "" {
		return nil, ctx.Err()
	}
	for r, err := range s.table.Query(ctx, "load history", dynamo.Query{PK: partPrefix + part, From: from, To: to}) {
		if err != nil {
			return nil, err
		}
		out = append(out, itemOf(&r))
	}
	return out, nil
}

// Save implements timeline.Store. One item is a conditional put, several are a
// transaction, which costs twice as much.
func (s *Store) Save(ctx context.Context, items []timeline.Item) error {
	if err := timeline.CheckSave(items); err != nil {
		return err
	}
	changes := make([]dynamo.Change, len(items))
	for i := range items {
		it := &items[i]
		if len(it.Data) > s.Caps().MaxItemBytes {
			return fault.New(fault.Full, "save history", it.Part+"/"+it.Sort+" is too large for a row", "")
		}
		changes[i] = dynamo.Change{Key: keyOf(it.Key), Version: it.Version, Expires: s.expires(it.Key)}
		if it.Data != nil {
			changes[i].Attrs = dynamo.Attrs{attrData: &types.AttributeValueMemberB{Value: slices.Clone(it.Data)}}
		}
	}
	return s.table.Write(ctx, "save history", changes)
}

// expires is when an item is no longer wanted, in seconds since 1970; 0: never.
func (s *Store) expires(k timeline.Key) int64 {
	end, ok := k.Ends()
	if keep := s.table.Keep(); ok && keep > 0 {
		return end.Time().Add(keep).Unix()
	}
	return 0
}

// Caps implements timeline.Store.
func (*Store) Caps() timeline.Caps {
	return timeline.Caps{ChunkMinutes: 60, PackSize: 20, MaxItemBytes: dynamo.MaxItemBytes - overhead, MaxSave: dynamo.MaxChanges}
}

// Close implements timeline.Store. There is nothing to release.
func (*Store) Close() error { return nil }

// Keep is how long settled minutes and day totals are kept behind the end of
// their month; 0: for good.
func (s *Store) Keep() time.Duration { return s.table.Keep() }

func keyOf(k timeline.Key) dynamo.Key { return dynamo.Key{PK: partPrefix + k.Part, SK: k.Sort} }

func itemOf(r *dynamo.Row) timeline.Item {
	data := dynamo.Bytes(r.Attrs, attrData)
	if data == nil {
		data = []byte{} // nil would mean that the item was deleted
	}
	return timeline.Item{
		Key:     timeline.Key{Part: strings.TrimPrefix(r.PK, partPrefix), Sort: r.SK},
		Version: r.Version, Data: data,
	}
}
