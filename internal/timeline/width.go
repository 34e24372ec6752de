package timeline

import (
	"slices"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Width is the widest datapoint behind the measured minutes of a span whose
// points were asked for, in minutes; 0 where none is measured. What is derived
// from minutes must not be finer than that.
func (v *view) Width(s slo.Span) slo.Minute {
	s = clip(s, v.floor, v.frontier, v.step)
	i, _ := slices.BinarySearchFunc(v.blocks, s.From, func(b viewBlock, at slo.Minute) int {
		return int(b.start + v.c - 1 - at)
	})
	var widest slo.Minute
	for ; i < len(v.blocks) && v.blocks[i].start < s.To; i++ {
		cu := newCursor(v.blocks[i].body, v.c)
		for {
			m, ok := cu.next()
			if !ok {
				break
			}
			if s.Contains(v.blocks[i].start + slo.Minute(m.off)) {
				widest = max(widest, slo.Minute(m.width))
			}
		}
	}
	return widest
}
