package cost

import (
	"fmt"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runcost "gitlab.com/nines-sre/nines/internal/run/cost"
)

// money prints an amount: cents where they matter, and the first two digits of
// what is less than a cent.
func money(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.001:
		return "<0.001"
	case v < 1:
		return strconv.FormatFloat(v, 'f', 3, 64)
	case v < 1000:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return term.Count(v)
}

// units is how many units of a bill's first and greatest item.
func units(b cost.Bill) string {
	if len(b.Lines) == 0 {
		return ""
	}
	return term.Count(float64(int64(b.Lines[0].Units+0.5))) + " " + b.Lines[0].What
}

// ways are the rows of the table: the way asked for, then the others.
func ways(r runcost.Report) []cost.Bill {
	asked := r.Bill
	out := []cost.Bill{asked}
	for _, b := range r.Others {
		if b.Name != asked.Name {
			out = append(out, b)
		}
	}
	return out
}

func text(r runcost.Report, st term.Style) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s a month for %s %s\n", money(r.Bill.Total), r.Currency, term.Plural(r.Load.Objectives, "objective"), r.Bill.Name)
	b.WriteString(counted(r) + "\n\n")
	rows := [][]term.Cell{}
	for i, w := range ways(r) {
		name := term.Cell{Text: w.Name}
		if i == 0 {
			name.Tone = term.Strong
		}
		rows = append(rows, []term.Cell{name, term.Text(money(w.Total)), term.Text(money(w.PerObjective)), term.Text(units(w))})
	}
	b.WriteString(st.Table([]term.Column{
		{Title: "WAY", Min: 24, Yield: 1}, {Title: r.Currency + " A MONTH", Right: true}, {Title: "EACH", Right: true}, {Title: "UNITS", Drop: 1},
	}, rows))
	fmt.Fprintf(&b, "\n%s: %s %s, %s\n\n", r.Backfill.Name, money(r.Backfill.Total), r.Currency, units(r.Backfill))
	b.WriteString(st.Table([]term.Column{
		{Title: "SERVICE, OBJECTIVE ALONE", Min: 24, Yield: 1}, {Title: "METRICS", Right: true}, {Title: r.Currency + " A MONTH", Right: true},
	}, breakdown(r)))
	b.WriteString("\n")
	for _, line := range remarks(r) {
		for i, part := range term.Wrap(line, max(40, st.Width)) {
			if st.Width == 0 {
				b.WriteString(line + "\n")
				break
			}
			if i > 0 {
				part = "  " + part
			}
			b.WriteString(part + "\n")
		}
	}
	return b.String()
}

// counted says what a reading requests.
func counted(r runcost.Report) string {
	out := "one reading requests " + term.Plural(r.Load.Metrics, "metric")
	if r.Load.Unshared > r.Load.Metrics {
		out += fmt.Sprintf("; %d if each objective read for itself", r.Load.Unshared)
	}
	return out
}

func breakdown(r runcost.Report) [][]term.Cell {
	var rows [][]term.Cell
	for _, s := range r.Services {
		rows = append(rows, []term.Cell{term.Toned(term.Strong, term.Clean(s.Name)), term.Text(strconv.Itoa(s.Metrics)), term.Text(money(s.Price))})
		for _, o := range s.Objectives {
			rows = append(rows, []term.Cell{{Text: "  " + term.Clean(o.Key), Middle: true}, term.Text(strconv.Itoa(o.Metrics)), term.Text(money(o.Price))})
		}
	}
	return rows
}

// remarks are hints, what is not counted, and what the prices are worth.
func remarks(r runcost.Report) []string {
	var out []string
	for _, h := range r.Hints {
		out = append(out, fmt.Sprintf("saves %s %s a month: %s", money(h.Saves), r.Currency, term.Clean(h.Text)))
	}
	for _, n := range r.Notes {
		out = append(out, "note: "+term.Clean(n))
	}
	if len(r.Free) > 0 {
		out = append(out, "billed by nobody: "+term.Clean(strings.Join(r.Free, ", ")))
	}
	for _, w := range r.Others {
		if w.Note != "" {
			out = append(out, w.Name+": "+w.Note)
		}
	}
	out = append(out, fmt.Sprintf("prices of %s, %s; %s", r.Date, term.Clean(r.Region), term.Clean(r.Note)))
	if len(r.Unverified) > 0 {
		names := make([]string, len(r.Unverified))
		for i, item := range r.Unverified {
			names[i] = string(item)
		}
		out = append(out, "not verified by the vendor's page: "+strings.Join(names, ", "))
	}
	if r.Stale {
		out = append(out, "warning: the prices are more than a year old; write a new file: `nines cost --print-prices`")
	}
	return out
}

// markdown is the same for a merge request or a wiki.
func markdown(r runcost.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s %s a month** for %s %s. %s.\n\n", money(r.Bill.Total), r.Currency,
		term.Plural(r.Load.Objectives, "objective"), r.Bill.Name, strings.ToUpper(counted(r)[:1])+counted(r)[1:])
	fmt.Fprintf(&b, "| way | %s a month | each | units |\n|---|---:|---:|---|\n", r.Currency)
	for _, w := range ways(r) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(w.Name), money(w.Total), money(w.PerObjective), cell(units(w)))
	}
	fmt.Fprintf(&b, "| %s | %s once | %s | %s |\n", cell(r.Backfill.Name), money(r.Backfill.Total), money(r.Backfill.PerObjective), cell(units(r.Backfill)))
	fmt.Fprintf(&b, "\n| service, objective alone | metrics | %s a month |\n|---|---:|---:|\n", r.Currency)
	for _, s := range r.Services {
		fmt.Fprintf(&b, "| **%s** | %d | %s |\n", cell(s.Name), s.Metrics, money(s.Price))
		for _, o := range s.Objectives {
			fmt.Fprintf(&b, "| %s | %d | %s |\n", cell(o.Key), o.Metrics, money(o.Price))
		}
	}
	b.WriteString("\n")
	for _, line := range remarks(r) {
		b.WriteString("* " + strings.ReplaceAll(line, "|", `\|`) + "\n")
	}
	return b.String()
}

func cell(text string) string { return strings.ReplaceAll(term.Clean(text), "|", `\|`) }
