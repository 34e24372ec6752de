package timeline

import (
	"cmp"
	"slices"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// job is what one save brings to one pack: pieces of writes whose points lie
// on one UTC day. A long backfill becomes many jobs, each all or none, oldest
// first; a run that dies between two has recorded the older ones, answered
// stretches included, and nothing of the newer.
type job struct {
	pack   int
	day    slo.Minute // midnight of the day its points lie on
	pieces []piece
}

// piece is a part of a write.
type piece struct {
	slot    int
	id      ID
	lineage string
	since   slo.Minute // first minute of the whole write
	span    slo.Span
	points  []Point
	derived bool
}

// plan cuts writes into jobs, days ascending, packs ascending inside a day.
func plan(writes []Write, places map[ID]place) []job {
	type key struct {
		day  slo.Minute
		pack int
	}
	at := map[key]int{}
	var jobs []job
	for i := range writes {
		w := &writes[i]
		if w.Span.Empty() {
			continue
		}
		pl := places[w.ID]
		for _, p := range w.cut() {
			p.slot = pl.slot
			k := key{dayOf(&p), pl.pack}
			n, ok := at[k]
			if !ok {
				n = len(jobs)
				at[k] = n
				jobs = append(jobs, job{pack: pl.pack, day: k.day})
			}
			jobs[n].pieces = append(jobs[n].pieces, p)
		}
	}
	slices.SortStableFunc(jobs, func(a, b job) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.pack, b.pack))
	})
	return jobs
}

func dayOf(p *piece) slo.Minute {
	if len(p.points) > 0 {
		return floor(p.points[0].At, slo.Day)
	}
	return floor(p.span.From, slo.Day)
}

// cut splits a write at the midnights between its points. A derived write
// replaces its whole span, so it is split at every midnight.
func (w *Write) cut() []piece {
	rest := piece{id: w.ID, lineage: w.Lineage, since: w.Span.From, span: w.Span, points: w.Points, derived: w.Derived}
	var out []piece
	for {
		midnight := floor(rest.span.From, slo.Day) + slo.Day
		if !rest.derived && len(rest.points) > 0 {
			midnight = floor(rest.points[0].At, slo.Day) + slo.Day
		}
		last := midnight >= rest.span.To
		if !rest.derived {
			last = last || len(rest.points) == 0 || rest.points[len(rest.points)-1].At < midnight
		}
		if last {
			return append(out, rest)
		}
		head := rest
		n, _ := slices.BinarySearchFunc(rest.points, midnight, func(p Point, m slo.Minute) int { return int(p.At - m) })
		head.span.To, rest.span.From = midnight, midnight
		head.points, rest.points = rest.points[:n], rest.points[n:]
		out = append(out, head)
	}
}
