package csv

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// dropped stands for the value of a row whose value could not be read: its
// step is known and unmeasured.
const dropped slo.Amount = math.MinInt64

// row is one line of one column.
type row struct {
	sec int64 // Unix seconds
	val slo.Amount
}

func (r row) minute() slo.Minute { return slo.Minute(r.sec / 60) }

// track is one column of a file: its rows by time, one a minute.
type track struct {
	rows     []row
	gaps     []slo.Span // minutes of the rows around rows without a readable time
	step     slo.Minute // most frequent gap; 0: there is none
	measured int        // rows that have a value
	notes    notes
	err      error                 // why the column cannot be used
	cut      map[slo.Minute]string // note on irregular rows, by step
}

// finish orders the rows once all are read.
func (t *track) finish(name string) {
	byMinute := func(a, b row) int { return cmp.Compare(a.minute(), b.minute()) }
	if !slices.IsSortedFunc(t.rows, byMinute) {
		slices.SortStableFunc(t.rows, byMinute)
		t.notes.fact(name + ": rows stand out of order; they were sorted by time")
	}
	before := len(t.rows)
	finer := t.dedupe()
	if n := before - len(t.rows); n > 0 {
		t.notes.fact(fmt.Sprintf("%s: %d rows repeat a minute; the last one counts", name, n))
	}
	if finer*10 > before {
		t.err = fault.New(fault.Invalid, name, "rows are less than a minute apart", "sum them up per minute first")
	}
	t.step = frequentGap(t.rows)
	for _, r := range t.rows {
		if r.val != dropped {
			t.measured++
		}
	}
}

// dedupe keeps the last row of each minute and counts those dropped that were
// at another second: a sign of a step finer than a minute.
func (t *track) dedupe() (finer int) {
	out := t.rows[:0]
	for _, r := range t.rows {
		if n := len(out); n > 0 && out[n-1].minute() == r.minute() {
			if out[n-1].sec != r.sec {
				finer++
			}
			out[n-1] = r
			continue
		}
		out = append(out, r)
	}
	t.rows = slices.Clip(out)
	return finer
}

// frequentGap returns the most frequent distance between neighbouring rows, the
// smaller of two equally frequent ones; 0 for fewer than two rows.
func frequentGap(rows []row) slo.Minute {
	count := make(map[slo.Minute]int)
	for i := 1; i < len(rows); i++ {
		count[rows[i].minute()-rows[i-1].minute()]++
	}
	var best slo.Minute
	for gap, n := range count {
		if n > count[best] || n == count[best] && gap < best {
			best = gap
		}
	}
	return best
}

// width is how many minutes row i covers: its step, or up to the next row if
// that comes sooner.
func (t *track) width(i int, step slo.Minute) slo.Minute {
	if i+1 < len(t.rows) {
		return min(step, t.rows[i+1].minute()-t.rows[i].minute())
	}
	return step
}

// extent is the stretch the file knows of.
func (t *track) extent(step slo.Minute) slo.Span {
	if t.measured == 0 {
		return slo.Span{}
	}
	return slo.Span{From: t.rows[0].minute(), To: t.rows[len(t.rows)-1].minute() + step}
}

// answer returns what is known of the steps that begin in span.
func (t *track) answer(span slo.Span, step slo.Minute) ([]metric.Point, []slo.Span) {
	known := t.extent(step)
	lo := sort.Search(len(t.rows), func(i int) bool { return t.rows[i].minute() >= span.From })
	hi := sort.Search(len(t.rows), func(i int) bool { return t.rows[i].minute() >= span.To })
	if span.Empty() || known.Empty() {
		return nil, nil
	}
	if lo > 0 { // the rest of a step that began before
		span.From = max(span.From, t.rows[lo-1].minute()+t.width(lo-1, step))
	}
	if hi > 0 {
		span.To = max(span.To, t.rows[hi-1].minute()+t.width(hi-1, step))
	}
	var points []metric.Point
	holes := t.holes(span, step)
	for i := lo; i < hi; i++ {
		p := metric.Point{At: t.rows[i].minute(), Width: t.width(i, step), Value: t.rows[i].val}
		if p.Value == dropped {
			holes = append(holes, slo.Span{From: p.At, To: p.At + p.Width})
			continue
		}
		if points == nil {
			points = make([]metric.Point, 0, hi-lo)
		}
		points = append(points, p)
	}
	return points, metric.Subtract([]slo.Span{span.Intersect(known)}, holes)
}

// holes returns the unknown stretches between rows around rows without a time.
func (t *track) holes(span slo.Span, step slo.Minute) []slo.Span {
	var out []slo.Span
	for _, g := range t.gaps {
		if g.From >= span.To || g.To <= span.From {
			continue
		}
		i := sort.Search(len(t.rows), func(i int) bool { return t.rows[i].minute() >= g.From })
		for ; i+1 < len(t.rows) && t.rows[i].minute() < g.To; i++ {
			free := slo.Span{From: t.rows[i].minute() + t.width(i, step), To: t.rows[i+1].minute()}
			out = append(out, free)
		}
	}
	return out
}

// irregular says how many rows begin inside the step before them.
func (t *track) irregular(name string, step slo.Minute) string {
	if note, ok := t.cut[step]; ok {
		return note
	}
	n, first := 0, slo.Minute(0)
	for i := range t.rows[:max(0, len(t.rows)-1)] {
		if t.width(i, step) < step {
			if n == 0 {
				first = t.rows[i+1].minute()
			}
			n++
		}
	}
	note := ""
	if n > 0 {
		note = fmt.Sprintf("%s: %d rows begin inside the step of %v before them, the first at %s; that step ends there",
			name, n, step.Duration(), first.Time().Format("2006-01-02 15:04"))
	}
	if t.cut == nil {
		t.cut = make(map[slo.Minute]string)
	}
	t.cut[step] = note
	return note
}

// notes collects what a reader should know of a file: facts, and the first few
// of the rows that were dropped.
type notes struct {
	facts   []string
	rows    []string
	dropped int
}

// maxRowNotes is how many dropped rows are named.
const maxRowNotes = 5

func (n *notes) fact(text string) { n.facts = append(n.facts, text) }

func (n *notes) drop(text func() string) {
	if n.dropped++; n.dropped <= maxRowNotes {
		n.rows = append(n.rows, text())
	}
}

// list returns the notes, the file's own first.
func (n *notes) list(name string) []string {
	out := slices.Concat(n.facts, n.rows)
	if more := n.dropped - len(n.rows); more > 0 {
		out = append(out, fmt.Sprintf("%s: %d more rows were dropped", name, more))
	}
	return out
}
