package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/render/term"
	runstatus "gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// columns of the table. Drop is the order in which a narrow terminal loses
// them, the highest first; the verb's help states it.
func columns() []term.Column {
	return []term.Column{
		{Title: "OBJECTIVE", Min: 26, Yield: 5},
		{Title: "TARGET", Right: true, Drop: 9},
		{Title: "SLI", Right: true, Drop: 10},
		{Title: "BUDGET", Drop: 3, Min: 6, Max: 24},
		{Title: "LEFT", Right: true},
		{Title: "BURN 1h", Right: true, Drop: 2},
		{Title: "BURN 6h", Right: true, Drop: 8},
		{Title: "EXHAUSTS", Right: true, Drop: 4},
		{Title: "COVERAGE", Right: true, Drop: 7},
		{Title: "LEVEL"},
		{Title: "FLAGS", Drop: 1, Min: 9, Yield: 5},
		{Title: "TREND", Drop: 6, Min: 6, Max: 30},
	}
}

func (v View) row(st term.Style, e runstatus.Entry) []term.Cell {
	s := e.Status
	tone := tone(s.Level)
	return []term.Cell{
		{Text: term.Clean(v.name(e)), Middle: true},
		term.Text(target(e)),
		term.Text(sli(e)),
		{Tone: tone, Draw: func(columns int) string { return bar(st, s, columns) }},
		term.Toned(tone, term.PercentOf(finite(s.Budget.Remaining), 1)),
		burn(s, slo.Hour),
		burn(s, 6*slo.Hour),
		term.Text(exhausts(s)),
		coverageCell(s),
		term.Toned(tone, level(e)),
		term.Toned(flagTone(s), flags(e)),
		{Tone: term.Faint, Draw: func(columns int) string { return st.Spark(e.Trend, columns) }},
	}
}

// Text prints the table, or one objective in detail.
func (v View) Text(st term.Style) string {
	if v.Detail {
		return v.details(st)
	}
	if len(v.Entries) == 0 {
		return "no objectives in the documents\n"
	}
	rows := make([][]term.Cell, len(v.Entries))
	for i, e := range v.Entries {
		rows[i] = v.row(st, e)
	}
	if !slices.Contains(st.Shown(columns(), rows), "FLAGS") {
		markFlagged(rows, v.Entries)
	}
	return st.Table(columns(), rows) + v.footer(st)
}

// markFlagged puts a mark behind the levels of flagged objectives, where there
// is no room for the flags themselves.
func markFlagged(rows [][]term.Cell, entries []runstatus.Entry) {
	level := slices.IndexFunc(columns(), func(c term.Column) bool { return c.Title == "LEVEL" })
	for i, e := range entries {
		if len(e.Status.Flags) > 0 {
			rows[i][level].Text += " !"
		}
	}
}

// footer says at which instant the table holds; only for people.
func (v View) footer(st term.Style) string {
	if !st.Decor {
		return ""
	}
	a := v.Answer()
	if a.Frontier == nil {
		return st.Paint(term.Faint, "nothing is measured yet; `nines measure` does") + "\n"
	}
	var b strings.Builder
	b.WriteByte('\n')
	for _, line := range term.Wrap("measured up to "+term.Instant(a.Frontier.In(v.Zone)), st.Width) {
		b.WriteString(st.Paint(term.Faint, line) + "\n")
	}
	return b.String()
}

func tone(l slo.Level) term.Tone {
	switch l {
	case slo.Healthy:
		return term.Good
	case slo.Caution:
		return term.Notice
	case slo.Critical:
		return term.Bad
	case slo.Exhausted:
		return term.Dire
	case slo.Unknown:
	}
	return term.Faint
}

func flagTone(s slo.Status) term.Tone {
	t := term.Plain
	for _, f := range s.Flags {
		switch f {
		case slo.FastBurn:
			return term.Bad
		case slo.SlowBurn, slo.InsufficientData, slo.Stale, slo.Silent, slo.NoTraffic:
			t = term.Notice
		case slo.New, slo.Relineaged:
		}
	}
	return t
}

func bar(st term.Style, s slo.Status, columns int) string {
	left := finite(s.Budget.Remaining)
	if left == nil {
		return strings.Repeat(st.Pick("·", "?"), columns)
	}
	return st.Bar(*left, columns)
}

// target prints the exact target as a percentage, without rounding.
func target(e runstatus.Entry) string { return percentage(e.Objective.Target.String()) }

// percentage moves the point of a decimal's text two places: 0.9995 -> 99.95%.
func percentage(decimal string) string {
	whole, frac, _ := strings.Cut(decimal, ".")
	for len(frac) < 2 {
		frac += "0"
	}
	whole = strings.TrimLeft(whole+frac[:2], "0")
	if whole == "" {
		whole = "0"
	}
	if frac = strings.TrimRight(frac[2:], "0"); frac != "" {
		whole += "." + frac
	}
	return whole + "%"
}

// sli prints the indicator with two digits more than the target has, so that
// what is missing can be seen.
func sli(e runstatus.Entry) string {
	_, frac, _ := strings.Cut(strings.TrimSuffix(target(e), "%"), ".")
	share := finite(e.Status.SLI)
	if share == nil {
		return term.Unknown
	}
	return term.PercentDown(*share, len(frac)+2)
}

func burn(s slo.Status, length slo.Minute) term.Cell {
	for _, b := range s.Burns {
		if b.Lookback != length {
			continue
		}
		rate := finite(b.Rate)
		c := term.Text(term.Rate(rate))
		if rate != nil && *rate > 1 {
			c.Tone = term.Notice
		}
		return c
	}
	return term.Text(term.Unknown)
}

// exhausts is when the budget runs out at the pace of the last hour, or of the
// shortest look-back there is.
func exhausts(s slo.Status) string {
	if len(s.Exhausts) == 0 {
		return term.Unknown
	}
	return soon(s, s.Exhausts[0].In)
}

func soon(s slo.Status, in *slo.Minute) string {
	switch {
	case in == nil && s.Level == slo.Unknown:
		return term.Unknown
	case in == nil:
		return "never"
	case *in <= 0:
		return "spent"
	default:
		return term.Duration(in.Duration())
	}
}

func coverageCell(s slo.Status) term.Cell {
	share := covered(s.Stretch)
	c := term.Text(term.PercentOf(share, 1))
	if share != nil && *share < 0.9 {
		c.Tone = term.Notice
	}
	return c
}

// stretch prints a span in a zone.
func stretch(s slo.Span, zone *time.Location) string {
	from, to := s.From.Time().In(zone), s.To.Time().In(zone)
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		return fmt.Sprintf("%s to %s", from.Format("2006-01-02 15:04"), to.Format("15:04 MST"))
	}
	return fmt.Sprintf("%s to %s", from.Format("2006-01-02 15:04"), term.Instant(to))
}
