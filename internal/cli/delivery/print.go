package delivery

import (
	"fmt"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/delivery"
	"gitlab.com/nines-sre/nines/internal/render/gitlab"
	"gitlab.com/nines-sre/nines/internal/render/term"
	rundelivery "gitlab.com/nines-sre/nines/internal/run/delivery"
)

// row is one measure as it is shown.
type row struct {
	name, value, interval, from, note string
}

// rows are the measures in DORA's order, then what was caught.
func rows(r *delivery.Report) []row {
	out := []row{
		shown("deployment frequency", &r.Frequency, fmt.Sprintf("%d in %.0f days", r.Frequency.Count, r.Days)),
		shown("change lead time, median", &r.LeadTime, fmt.Sprintf("%d of %d deployments", r.LeadTime.Count, r.LeadTime.Of)),
		shown("change fail rate", &r.FailRate, fmt.Sprintf("%d of %d deployments", r.FailRate.Count, r.FailRate.Of)),
		shown("failed deployment recovery, median", &r.Recovery, fmt.Sprintf("%d of %d incidents", r.Recovery.Count, r.Recovery.Of)),
		shown("deployment rework rate", &r.Rework, fmt.Sprintf("%d of %d deployments", r.Rework.Count, r.Rework.Of)),
		shown("caught before production", &r.Caught, fmt.Sprintf("%d of %d bad changes", r.Caught.Count, r.Caught.Of)),
	}
	if half := r.CaughtIfHalf; half != nil && r.Failed > 0 {
		out[len(out)-1].note += fmt.Sprintf("; were only every second one noticed, it would be %s", term.Percent(*half, 1))
	}
	return out
}

func shown(name string, m *delivery.Measure, from string) row {
	r := row{name: name, value: "not known", from: from, note: m.Why}
	if m.Value != nil {
		r.value = number(*m.Value, m.Unit)
	}
	if m.Low != nil && m.High != nil {
		r.interval = number(*m.Low, m.Unit) + " to " + number(*m.High, m.Unit)
	}
	return r
}

// number writes a value in its unit.
func number(v float64, unit string) string {
	switch unit {
	case "seconds":
		return term.Duration(time.Duration(v * float64(time.Second)))
	case "per day":
		if v > 0 && v < 1 {
			return fmt.Sprintf("%.2g a week", 7*v)
		}
		return fmt.Sprintf("%.3g a day", v)
	}
	return term.Percent(v, 1)
}

func text(all []rundelivery.Answer, st term.Style) string {
	var b strings.Builder
	for i := range all {
		a := &all[i]
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(st.Paint(term.Strong, title(&a.Report)) + "\n\n" + table(&a.Report, st))
		if s := stages(&a.Report); s != "" {
			b.WriteString("\nBad changes: " + s + "\n")
		}
		if a.Overrides > 0 {
			fmt.Fprintf(&b, "Gates opened by override: %d\n", a.Overrides)
		}
		if len(a.Months) > 0 {
			b.WriteString("\n" + months(a.Months, st))
		}
	}
	return b.String()
}

func title(r *delivery.Report) string {
	s := term.Clean(r.Service)
	if r.Environment != "" {
		s += " in " + term.Clean(r.Environment)
	}
	return fmt.Sprintf("%s, %s to %s", s, r.From.Format(time.DateOnly), r.To.Format(time.DateOnly))
}

func table(r *delivery.Report, st term.Style) string {
	var cells [][]term.Cell
	for _, x := range rows(r) {
		cells = append(cells, []term.Cell{term.Text(x.name), term.Text(x.value), term.Text(x.interval), term.Text(x.from), term.Text(x.note)})
	}
	return st.Table([]term.Column{{Title: "MEASURE"}, {Title: "VALUE"}, {Title: "95 % INTERVAL", Drop: 2}, {Title: "FROM", Drop: 3}, {Title: "NOTE", Drop: 1, Min: 20, Yield: 9}}, cells)
}

// stages says what found how many bad changes.
func stages(r *delivery.Report) string {
	var parts []string
	for _, s := range r.Stages {
		where := "before production"
		if !s.Before {
			where = "in production"
		}
		parts = append(parts, fmt.Sprintf("%d found by %s %s", s.Count, term.Clean(s.Name), where))
	}
	return strings.Join(parts, ", ")
}

func months(all []delivery.Report, st term.Style) string {
	var cells [][]term.Cell
	for i := range all {
		line := []term.Cell{term.Text(all[i].From.Format("2006-01"))}
		for _, x := range rows(&all[i]) {
			v := x.value
			if v == "not known" {
				v = "-"
			}
			line = append(line, term.Text(v))
		}
		cells = append(cells, line)
	}
	return st.Table([]term.Column{
		{Title: "MONTH"}, {Title: "FREQUENCY"}, {Title: "LEAD TIME"}, {Title: "FAIL RATE"}, {Title: "RECOVERY"}, {Title: "REWORK"}, {Title: "CAUGHT"},
	}, cells)
}

func markdown(all []rundelivery.Answer, _ term.Style) string {
	var b strings.Builder
	for i := range all {
		a := &all[i]
		fmt.Fprintf(&b, "## %s\n\n| measure | value | 95 %% interval | from | note |\n|---|---|---|---|---|\n", gitlab.Escape(title(&a.Report)))
		for _, x := range rows(&a.Report) {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", x.name, x.value, x.interval, x.from, gitlab.Escape(x.note))
		}
		if s := stages(&a.Report); s != "" {
			b.WriteString("\nBad changes: " + gitlab.Escape(s) + ".\n")
		}
		if a.Overrides > 0 {
			fmt.Fprintf(&b, "\nGates opened by override: %d.\n", a.Overrides)
		}
		if len(a.Months) > 0 {
			b.WriteString("\n| month | frequency | lead time | fail rate | recovery | rework | caught |\n|---|---|---|---|---|---|---|\n")
			for k := range a.Months {
				b.WriteString("| " + a.Months[k].From.Format("2006-01"))
				for _, x := range rows(&a.Months[k]) {
					b.WriteString(" | " + x.value)
				}
				b.WriteString(" |\n")
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
