package store

import (
	"testing"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
)

// FuzzUnpack: damaged chunks are errors, never panics, and what unpacks packs
// to something that unpacks to the same.
func FuzzUnpack(f *testing.F) {
	f.Add(pack(0, []slot{
		{60, stat.Single(7, 1)},
		{120, stat.Single(0.25, 12)},
		{180, stat.FromStatistics(3, 9, 1, 5)},
		{240, stat.FromSamples([]stat.Sample{{Value: 1, Count: 2}, {Value: 2, Count: 1}})},
	}))
	f.Add([]byte{1, 1, 1, 0, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		slots, err := unpack(0, data)
		if err != nil {
			return
		}
		again, err := unpack(0, pack(0, slots))
		if err != nil || len(again) != len(slots) {
			t.Fatalf("%d slots became %d: %v", len(slots), len(again), err)
		}
	})
}
