package status

import (
	"fmt"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/render/term"
	runstatus "gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// details shows everything known about the selected objectives.
func (v View) details(st term.Style) string {
	parts := make([]string, len(v.Entries))
	for i, e := range v.Entries {
		d := detail{st: st, v: v, e: e}
		parts[i] = d.text()
	}
	return strings.Join(parts, "\n")
}

// detail prints one objective.
type detail struct {
	st term.Style
	v  View
	e  runstatus.Entry
	b  strings.Builder
}

func (d *detail) text() string {
	d.heading()
	d.budget()
	d.burns()
	d.conditions()
	d.losses()
	return d.b.String()
}

// label is the width of the names on the left.
const label = 12

func (d *detail) field(name, text string, tone term.Tone) {
	if text == "" {
		return
	}
	room := 0
	if d.st.Width > 0 {
		room = max(20, d.st.Width-label-2)
	}
	for i, line := range term.Wrap(text, room) {
		if i > 0 {
			name = ""
		}
		d.b.WriteString("  " + d.st.Paint(term.Faint, term.Pad(name, label)) + d.st.Paint(tone, line) + "\n")
	}
}

func (d *detail) heading() {
	o := d.e.Objective
	title := term.Clean(d.v.name(d.e))
	rest := fmt.Sprintf("%s over %s, %s", target(d.e), o.Window.String(), o.Budgeting)
	for i, line := range term.Wrap(title+"  "+rest, d.st.Width) {
		if i == 0 {
			line = d.st.Paint(term.Strong, line)
		}
		d.b.WriteString(line + "\n")
	}
	d.b.WriteByte('\n')
}

func (d *detail) budget() {
	s := d.e.Status
	d.field("level", level(d.e), tone(s.Level))
	d.field("flags", strings.ReplaceAll(flags(d.e), ",", ", "), flagTone(s))
	columns := 31
	if d.st.Width > 0 {
		columns = min(columns, max(8, d.st.Width-label-2))
	}
	if d.st.Decor {
		d.field("budget", bar(d.st, s, columns), tone(s.Level))
	}
	d.field("remaining", d.remaining(), tone(s.Level))
	d.field("window", stretch(s.Window, d.v.Zone), term.Plain)
	d.field("counted", fmt.Sprintf("%s good of %s, %s bad", term.Count(s.Stretch.Good.Float()),
		term.Count(s.Stretch.Total.Float()), term.Count(s.Stretch.Bad().Float())), term.Plain)
	d.field("indicator", sli(d.e)+" (target "+target(d.e)+")", term.Plain)
	d.field("coverage", d.coverage(), coverageCell(s).Tone)
	d.field("frontier", d.frontier(), term.Plain)
	d.field("exhausted", d.exhausted(), term.Plain)
	d.field("reopens", d.reopens(), term.Plain)
	if d.st.Decor {
		d.field("trend", d.st.Spark(d.e.Trend, columns), term.Faint)
	}
	d.lineage()
	d.composite()
}

func (d *detail) remaining() string {
	b := d.e.Status.Budget
	if finite(b.Remaining) == nil {
		return "not known"
	}
	return fmt.Sprintf("%s: %s spent of %s allowed, %s left", term.Percent(*b.Remaining, 2),
		term.Count(b.Spent), term.Count(b.Allowed), term.Count(b.Allowed-b.Spent))
}

func (d *detail) coverage() string {
	s := d.e.Status.Stretch
	if covered(s) == nil {
		return "nothing was ever measured"
	}
	unit := "minutes"
	if d.e.Objective.Budgeting != slo.Occurrences {
		unit = "slices"
	}
	return fmt.Sprintf("%s: %s of %s %s measured", coverageCell(d.e.Status).Text,
		term.Count(float64(s.Measured)), term.Count(float64(s.Expected)), unit)
}

func (d *detail) frontier() string {
	f := instant(d.e.Status.Frontier)
	if f == nil {
		return ""
	}
	return "measured up to " + term.Instant(f.In(d.v.Zone))
}

func (d *detail) exhausted() string {
	var parts []string
	for _, x := range d.e.Status.Exhausts {
		if x.In != nil && *x.In <= 0 {
			return "already"
		}
		in := soon(d.e.Status, x.In)
		if x.In != nil {
			in = "in " + in
		}
		parts = append(parts, in+" at the pace of the last "+slo.FormatLength(x.Lookback))
	}
	return strings.Join(parts, "; ")
}

func (d *detail) reopens() string {
	if d.e.Reopen == nil {
		return ""
	}
	at := (d.e.Status.Frontier + *d.e.Reopen).Time().In(d.v.Zone)
	return fmt.Sprintf("by itself in %s, at %s, if errors keep arriving as in the last hour",
		term.Duration(d.e.Reopen.Duration()), term.Instant(at))
}

// lineage says since when this is what is measured.
func (d *detail) lineage() {
	meta, ok := d.v.Metas[timeline.ID(d.e.Objective.Indicator)]
	if !ok || len(meta.Lineages) == 0 {
		return
	}
	var parts []string
	for _, l := range slices.Backward(meta.Lineages) {
		parts = append(parts, fmt.Sprintf("%.8s since %s", l.Digest, term.Instant(l.Since.Time().In(d.v.Zone))))
	}
	d.field("lineage", strings.Join(parts, "; before that "), term.Faint)
}

func (d *detail) composite() {
	for _, m := range d.e.Objective.Members {
		d.field("member", m.Objective.Key()+" weighing "+m.Weight.String(), term.Plain)
	}
}

func (d *detail) table(title string, columns []term.Column, rows [][]term.Cell) {
	if len(rows) == 0 {
		return
	}
	d.b.WriteString("\n" + d.st.Paint(term.Strong, title) + "\n")
	inner := d.st
	if inner.Width > 0 {
		inner.Width = max(1, inner.Width-2)
	}
	for line := range strings.Lines(inner.Table(columns, rows)) {
		d.b.WriteString("  " + line)
	}
}

func (d *detail) burns() {
	s := d.e.Status
	rows := make([][]term.Cell, 0, len(s.Burns))
	for _, b := range s.Burns {
		rows = append(rows, []term.Cell{
			term.Text(slo.FormatLength(b.Lookback)), burn(s, b.Lookback),
			term.Text(term.Count(b.Stretch.Bad().Float())), term.Text(term.Count(b.Stretch.Total.Float())),
			term.Text(term.PercentOf(covered(b.Stretch), 1)),
		})
	}
	d.table("How fast the budget goes", []term.Column{
		{Title: "LOOK-BACK"},
		{Title: "BURN", Right: true},
		{Title: "BAD", Right: true, Drop: 1},
		{Title: "TOTAL", Right: true, Drop: 3},
		{Title: "COVERAGE", Right: true, Drop: 2},
	}, rows)
}

func (d *detail) conditions() {
	rows := make([][]term.Cell, 0, len(d.e.Status.Conditions))
	for _, c := range d.e.Status.Conditions {
		holds, tone := "no", term.Plain
		switch {
		case c.Truth == slo.Undetermined:
			holds, tone = "unknown", term.Notice
		case c.Truth == slo.True && c.Severity == slo.Page:
			holds, tone = "YES", term.Bad
		case c.Truth == slo.True:
			holds, tone = "yes", term.Notice
		}
		rows = append(rows, []term.Cell{
			term.Text(term.Clean(c.Name)), term.Text(c.Severity.String()),
			term.Text(slo.FormatLength(c.Condition.Long) + ": " + term.Rate(finite(c.Long))),
			term.Text(slo.FormatLength(c.Condition.Short) + ": " + term.Rate(finite(c.Short))),
			term.Text(c.Threshold.String()), term.Toned(tone, holds),
		})
	}
	d.table("Alert conditions: both burn rates above the threshold", []term.Column{
		{Title: "NAME", Min: 8},
		{Title: "SEVERITY", Drop: 3},
		{Title: "LONG", Drop: 1},
		{Title: "SHORT", Drop: 2},
		{Title: "ABOVE", Right: true},
		{Title: "HOLDS"},
	}, rows)
	for _, left := range d.e.Objective.LeftOut {
		d.field("left out", left, term.Faint)
	}
}

func (d *detail) losses() {
	rows := make([][]term.Cell, 0, len(d.e.Losses))
	for _, l := range d.e.Losses {
		rows = append(rows, []term.Cell{
			term.Text(stretch(l.Span, d.v.Zone)), term.Text(term.Duration(l.Span.Len().Duration())),
			term.Text(term.Count(l.Bad.Float())), term.Text(term.Count(l.Total.Float())),
			term.Text(term.PercentOf(finite(&l.Share), 1)),
		})
	}
	d.table("Where it was lost, worst first", []term.Column{
		{Title: "WHEN", Min: 16},
		{Title: "FOR", Right: true, Drop: 2},
		{Title: "BAD", Right: true, Drop: 1},
		{Title: "OF", Right: true, Drop: 3},
		{Title: "OF BUDGET", Right: true},
	}, rows)
}
