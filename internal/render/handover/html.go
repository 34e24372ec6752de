package handover

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
)

//go:embed page.html
var page string

// HTML is the report as one page that needs nothing else: no script, no font, no
// picture from elsewhere.
func (r *Report) HTML() ([]byte, error) {
	tmpl, err := template.New("handover").Funcs(template.FuncMap{
		"percent": func(v *float64) string {
			if v == nil {
				return "unknown"
			}
			return notify.Percent(*v)
		},
		"share": notify.Percent, "show": r.show,
		"spark": func(o Objective) template.HTML { return spark(o.Trend) },
		"when":  func(o Objective) string { return o.when() }, "was": func(o Objective) string { return o.was() },
		"incident": func(i Incident) string { return r.incident(&i) },
		"hours":    r.bars,
		"span":     func(l Loss) string { return notify.Span(l.To.Sub(l.From)) },
	}).Parse(page)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "handover", err, "")
	}
	var out bytes.Buffer
	if err := tmpl.Execute(&out, struct {
		*Report
		Lists []list
	}{r, r.lists()}); err != nil {
		return nil, fault.Wrap(fault.Internal, "handover", err, "")
	}
	return out.Bytes(), nil
}

// list is a section that is shown line by line.
type list struct {
	Title, Empty string
	Lines        []string
}

// lists are the sections that need no table.
func (r *Report) lists() []list {
	var out []list
	const tables = 3 // what burned, what runs out, alerts: they have their own form
	for _, s := range r.sections()[tables:] {
		l := list{s.title, s.empty, nil}
		for _, line := range s.lines {
			l.Lines = append(l.Lines, clean(strings.TrimSpace(line)))
		}
		out = append(out, l)
	}
	return out
}

// bars are the alerts by hour of the day: pages at the foot, tickets on them,
// the night shaded.
func (r *Report) bars() template.HTML {
	most := 1
	for _, h := range r.Hours {
		most = max(most, h.Pages+h.Tickets)
	}
	const width, height, base = 29, 60, 72
	var b strings.Builder
	b.WriteString(`<svg class="hours" viewBox="0 0 720 96" role="img" aria-label="alerts by hour of the day">`)
	for i, h := range r.Hours {
		x := 12 + i*width
		if h.Night {
			fmt.Fprintf(&b, `<rect x="%d" y="0" width="%d" height="%d" fill="#e8edf3"/>`, x, width, base)
		}
		pages, tickets := h.Pages*height/most, h.Tickets*height/most
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="19" height="%d" fill="#b3261e"/><rect x="%d" y="%d" width="19" height="%d" fill="#c98a2b"/>`,
			x+5, base-pages, pages, x+5, base-pages-tickets, tickets)
		if n := h.Pages + h.Tickets; n > 0 {
			fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%d</text>`, x+14, base-pages-tickets-3, n)
		}
		if i%3 == 0 {
			fmt.Fprintf(&b, `<text x="%d" y="%d">%02d:00</text>`, x, base+14, i)
		}
	}
	b.WriteString(`<line x1="12" x2="708" y1="72" y2="72" stroke="#57606a"/></svg><small>pages red, tickets amber; the night is shaded</small>`)
	return template.HTML(b.String()) //nolint:gosec // numbers only
}

// spark is the budget left, day by day, as a small line.
func spark(values []float64) template.HTML {
	const w, h = 120.0, 28.0
	if len(values) < 2 {
		return ""
	}
	low, high := 0.0, 1.0
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	points := make([]string, len(values))
	y := func(v float64) float64 { return h - (v-low)/(high-low)*h }
	for i, v := range values {
		points[i] = fmt.Sprintf("%.1f,%.1f", float64(i)*w/float64(len(values)-1), y(v))
	}
	return template.HTML(fmt.Sprintf(`<svg class="spark" viewBox="-1 -2 %.0f %.0f" role="img" aria-label="budget left, day by day: from %s to %s"><line x1="0" x2="%.0f" y1="%.1f" y2="%.1f"/><polyline points="%s"/></svg>`, //nolint:gosec // numbers only
		w+2, h+4, notify.Percent(values[0]), notify.Percent(values[len(values)-1]), w, y(0), y(0), strings.Join(points, " ")))
}
