package load

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A percentile is the least value that at least that share does not exceed: held
// against counting, on samples of every small size.
func TestPercentilesAreExact(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	naive := func(values []time.Duration, perMille int) time.Duration {
		best := time.Duration(1 << 62)
		for _, v := range values {
			n := 0
			for _, w := range values {
				if w <= v {
					n++
				}
			}
			if n*1000 >= perMille*len(values) && v < best {
				best = v
			}
		}
		return best
	}
	for size := 1; size < 300; size += 1 + size/20 {
		values := make([]time.Duration, size)
		for i := range values {
			values[i] = time.Duration(dice.IntN(50))
		}
		want := Percentiles{naive(values, 500), naive(values, 900), naive(values, 990), naive(values, 999), naive(values, 1000)}
		if got := percentiles(values); got != want {
			t.Fatalf("%d values: %+v, want %+v", size, got, want)
		}
	}
	if got := percentiles(nil); got != (Percentiles{}) {
		t.Errorf("of nothing: %+v", got)
	}
}
