package term

import (
	"slices"
	"strings"
)

// Column describes a column of a table.
type Column struct {
	Title string
	Right bool // numbers
	// Drop ranks what goes when the room is short: the highest goes first, 0
	// stays whatever happens.
	Drop int
	// Min is the least width text may be cut to, and Yield ranks when: before
	// columns of a lower Drop go. Without Min text is cut only when nothing is
	// left to drop.
	Min, Yield int
	// Max is how wide a drawn column may grow; Min is its least width. Drawn
	// columns are decoration: pipes do not get them.
	Max int
}

func (c Column) drawn() bool { return c.Max > 0 }

// Cell is one value of a row: a text, or something drawn to the column's width.
type Cell struct {
	Text string
	Tone Tone
	// Middle cuts text in its middle, for names whose ends tell them apart.
	Middle bool
	Draw   func(columns int) string // for columns with a Max
}

// Text returns a plain cell.
func Text(text string) Cell { return Cell{Text: text} }

// Toned returns a cell with a tone.
func Toned(t Tone, text string) Cell { return Cell{Text: text, Tone: t} }

// gap is the room between columns; hard is the least a text column keeps when
// nothing is left to drop.
const (
	gap  = 2
	hard = 6
)

// Table lays out rows under a heading so that no line is wider than the style
// allows: columns are dropped by rank first, then text is cut.
func (s Style) Table(columns []Column, rows [][]Cell) string {
	t := layout{style: s, columns: columns, rows: rows}
	t.measure()
	t.fit()
	var b strings.Builder
	head := make([]Cell, len(columns))
	for i, c := range columns {
		head[i] = Toned(Strong, c.Title)
	}
	t.line(&b, head)
	for _, row := range rows {
		t.line(&b, row)
	}
	return b.String()
}

// Shown returns the titles of the columns that fit, for tests and legends.
func (s Style) Shown(columns []Column, rows [][]Cell) []string {
	t := layout{style: s, columns: columns, rows: rows}
	t.measure()
	t.fit()
	var out []string
	for i, c := range columns {
		if t.widths[i] > 0 {
			out = append(out, c.Title)
		}
	}
	return out
}

type layout struct {
	style   Style
	columns []Column
	rows    [][]Cell
	widths  []int // 0: dropped
	least   []int
}

// measure finds each column's natural and least width. A column without any
// content is left out.
func (t *layout) measure() {
	t.widths = make([]int, len(t.columns))
	t.least = make([]int, len(t.columns))
	for i, c := range t.columns {
		if c.drawn() {
			if t.style.Decor {
				t.widths[i] = max(c.Min, Width(c.Title))
				t.least[i] = t.widths[i]
			}
			continue
		}
		natural := 0
		for _, row := range t.rows {
			natural = max(natural, Width(row[i].Text))
		}
		if natural == 0 && c.Drop > 0 {
			continue
		}
		natural = max(natural, Width(c.Title))
		t.widths[i], t.least[i] = natural, natural
	}
}

func (t *layout) fit() {
	limit := t.style.Width
	if limit <= 0 {
		t.spread(1 << 20)
		return
	}
	for _, give := range t.gives() {
		if sum(t.least) <= limit {
			break
		}
		give()
	}
	for sum(t.widths) > limit && t.shrink() {
	}
	t.spread(limit - sum(t.widths))
}

// gives lists what can be given up to save room, what matters least first:
// text is cut to its least, columns are dropped, and at last all text that may
// be cut is cut hard.
func (t *layout) gives() []func() {
	type give struct {
		rank int
		do   func()
	}
	var all []give
	for i, c := range t.columns {
		if c.Min > 0 && !c.drawn() {
			all = append(all, give{c.Yield, func() { t.least[i] = min(t.least[i], max(c.Min, Width(c.Title))) }})
			all = append(all, give{-1, func() { t.least[i] = min(t.least[i], hard) }})
		}
		if c.Drop > 0 {
			all = append(all, give{c.Drop, func() { t.widths[i], t.least[i] = 0, 0 }})
		}
	}
	slices.SortStableFunc(all, func(a, b give) int { return b.rank - a.rank })
	out := make([]func(), len(all))
	for i, g := range all {
		out[i] = g.do
	}
	return out
}

// shrink takes a column off the one that has most to give.
func (t *layout) shrink() bool {
	best := -1
	for i := range t.columns {
		if room := t.widths[i] - t.least[i]; room > 0 && (best < 0 || t.widths[i] > t.widths[best]) {
			best = i
		}
	}
	if best < 0 {
		return false
	}
	t.widths[best]--
	return true
}

// spread gives spare room to drawn columns, one column at a time in turn.
func (t *layout) spread(spare int) {
	for grown := true; grown && spare > 0; {
		grown = false
		for i, c := range t.columns {
			if c.drawn() && t.widths[i] > 0 && t.widths[i] < c.Max && spare > 0 {
				t.widths[i]++
				spare--
				grown = true
			}
		}
	}
}

func sum(widths []int) int {
	total := 0
	for _, w := range widths {
		if w > 0 {
			total += w + gap
		}
	}
	return max(0, total-gap)
}

func (t *layout) line(b *strings.Builder, cells []Cell) {
	var line strings.Builder
	for i, cell := range cells {
		w := t.widths[i]
		if w == 0 {
			continue
		}
		text := cell.Text
		if cell.Draw != nil {
			text = cell.Draw(w)
		}
		if cell.Middle {
			text = t.style.TruncateMiddle(text, w)
		} else {
			text = t.style.Truncate(text, w)
		}
		space := strings.Repeat(" ", max(0, w-Width(text)))
		text = t.style.Paint(cell.Tone, text)
		if t.columns[i].Right {
			text, space = space, text
		}
		line.WriteString(text + space + strings.Repeat(" ", gap))
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}
