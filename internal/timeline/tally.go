package timeline

import (
	"encoding/binary"
	"math"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// tally is a sum of minutes: their events, and how many of them were measured.
type tally struct {
	slo.Count
	n int64
}

func (t tally) plus(o tally) tally { return tally{t.Count.Add(o.Count), t.n + o.n} }

func (t tally) with(c slo.Count) tally { return tally{t.Count.Add(c), t.n + 1} }

// since takes away an earlier state of the same running sum. A sum that has
// outgrown what can be held stays so: unknown, never wrong.
func (t tally) since(o tally) tally {
	if t.Saturated() {
		return tally{slo.Count{Good: math.MaxInt64, Total: math.MaxInt64}, t.n - o.n}
	}
	return tally{t.Sub(o.Count), t.n - o.n}
}

// appendTally writes t: the number of minutes with a bit that says whether the
// amounts are whole events, then total and bad.
func appendTally(b []byte, t tally) []byte {
	if t.n == 0 {
		return append(b, 0)
	}
	unit, whole := slo.Amount(1), uint64(0)
	if t.Total%slo.Unit == 0 && t.Good%slo.Unit == 0 {
		unit, whole = slo.Unit, 1
	}
	b = binary.AppendUvarint(b, uint64(t.n)<<1|whole)
	b = binary.AppendUvarint(b, uint64(t.Total/unit))
	return binary.AppendUvarint(b, uint64(t.Bad()/unit))
}

func (r *reader) tally() tally {
	head := r.upTo(math.MaxInt64)
	if head == 0 {
		return tally{}
	}
	unit := slo.Amount(1)
	if head&1 == 1 {
		unit = slo.Unit
	}
	limit := uint64(math.MaxInt64 / unit)
	total := slo.Amount(r.upTo(limit)) * unit
	bad := slo.Amount(r.upTo(limit)) * unit
	if bad > total {
		r.fail()
		return tally{}
	}
	return tally{slo.Count{Good: total - bad, Total: total}, head >> 1}
}
