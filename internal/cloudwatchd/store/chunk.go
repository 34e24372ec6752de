package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
)

// chunkSeconds is the length of a chunk: long enough that its overhead does not
// count, short enough to be rewritten with every publication.
const chunkSeconds = 4 * 3600

// slot is what was published for one instant.
type slot struct {
	at  int64 // Unix seconds, on the minute unless published at high resolution
	set stat.Set
}

// Packed form: version, step (1 or 60 seconds), number of slots; per slot a
// number that joins the steps since the slot before with the slot's kind, and
// what the kind needs.
const packVersion = 1

const (
	kindOne     = 0 // one sample: its value
	kindUniform = 1 // equal samples: count, value
	kindOpaque  = 2 // a statistic set: count, sum, minimum, maximum
	kindSpread  = 3 // distinct values: how many, then value and count of each
)

var errPacked = errors.New("damaged chunk")

// pack encodes the slots of a chunk that begins at start; they are in order.
func pack(start int64, slots []slot) []byte {
	step := int64(60)
	for _, s := range slots {
		if s.at%60 != 0 {
			step = 1
			break
		}
	}
	out := make([]byte, 0, 8+4*len(slots))
	out = append(out, packVersion, byte(step))
	out = binary.AppendUvarint(out, uint64(len(slots)))
	last := start
	for _, s := range slots {
		steps := uint64((s.at - last) / step)
		last = s.at
		out = packSet(out, steps, s.set)
	}
	return slices.Clip(out)
}

func packSet(out []byte, steps uint64, s stat.Set) []byte {
	switch {
	case s.Opaque:
		out = binary.AppendUvarint(out, steps<<2|kindOpaque)
		for _, f := range []float64{s.Count, s.Sum, s.Min, s.Max} {
			out = packFloat(out, f)
		}
	case s.Samples != nil:
		out = binary.AppendUvarint(out, steps<<2|kindSpread)
		out = binary.AppendUvarint(out, uint64(len(s.Samples)))
		for _, x := range s.Samples {
			out = packFloat(packFloat(out, x.Value), x.Count)
		}
	case s.Count == 1:
		out = packFloat(binary.AppendUvarint(out, steps<<2|kindOne), s.Min)
	default:
		out = packFloat(packFloat(binary.AppendUvarint(out, steps<<2|kindUniform), s.Count), s.Min)
	}
	return out
}

// packFloat writes whole numbers short, others as they are.
func packFloat(out []byte, f float64) []byte {
	if n := int64(f); f == float64(n) && n > -1<<51 && n < 1<<51 {
		return binary.AppendUvarint(out, uint64(n<<1^n>>63)<<1)
	}
	return binary.LittleEndian.AppendUint64(append(out, 1), math.Float64bits(f))
}

// reader walks over a packed chunk.
type reader struct {
	rest []byte
	at   int64
	step int64
	left uint64
	err  error
}

func newReader(start int64, packed []byte) *reader {
	r := &reader{at: start}
	if len(packed) < 3 || packed[0] != packVersion || packed[1] != 1 && packed[1] != 60 {
		r.err = fmt.Errorf("%w: unknown head", errPacked)
		return r
	}
	r.step, r.rest = int64(packed[1]), packed[2:]
	if r.left = r.uvarint(); r.left > chunkSeconds {
		r.err = fmt.Errorf("%w: %d slots", errPacked, r.left)
	}
	return r
}

// next returns the next slot; values says whether distinct values are wanted.
func (r *reader) next(values bool) (slot, bool) {
	if r.left == 0 || r.err != nil {
		return slot{}, false
	}
	r.left--
	head := r.uvarint()
	if head>>2 > chunkSeconds {
		r.err = fmt.Errorf("%w: a step of %d", errPacked, head>>2)
		return slot{}, false
	}
	r.at += int64(head>>2) * r.step
	s := slot{at: r.at}
	switch head & 3 {
	case kindOne:
		s.set = stat.Single(r.float(), 1)
	case kindUniform:
		n := r.float()
		s.set = stat.Single(r.float(), n)
	case kindOpaque:
		s.set = stat.Set{Count: r.float(), Sum: r.float(), Min: r.float(), Max: r.float(), Opaque: true}
	case kindSpread:
		s.set = r.spread(values)
	}
	return s, r.err == nil
}

func (r *reader) spread(values bool) stat.Set {
	n := r.uvarint()
	if n < 2 || n > uint64(len(r.rest)) {
		r.err = fmt.Errorf("%w: %d values", errPacked, n)
		return stat.Set{}
	}
	var set stat.Set
	if values {
		set.Samples = make([]stat.Sample, 0, n)
	}
	for i := range n {
		v, c := r.float(), r.float()
		if i == 0 {
			set.Min = v
		}
		set.Max = v
		set.Count += c
		set.Sum += v * c
		if values {
			set.Samples = append(set.Samples, stat.Sample{Value: v, Count: c})
		}
	}
	return set
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		if r.err == nil {
			r.err = fmt.Errorf("%w: it ends early", errPacked)
		}
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) float() float64 {
	v := r.uvarint()
	if v&1 == 0 {
		v >>= 1
		return float64(int64(v>>1) ^ -int64(v&1))
	}
	if len(r.rest) < 8 {
		if r.err == nil {
			r.err = fmt.Errorf("%w: it ends early", errPacked)
		}
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(r.rest))
	r.rest = r.rest[8:]
	return f
}

// unpack decodes a whole chunk.
func unpack(start int64, packed []byte) ([]slot, error) {
	r := newReader(start, packed)
	var slots []slot
	for s, ok := r.next(true); ok; s, ok = r.next(true) {
		if n := len(slots); n > 0 && s.at <= slots[n-1].at || s.at < start || s.at >= start+chunkSeconds {
			return nil, fmt.Errorf("%w: a slot at %d", errPacked, s.at)
		}
		slots = append(slots, s)
	}
	return slots, r.err
}
