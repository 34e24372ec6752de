package status

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/render/term"
	runstatus "gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// CSV prints one record an objective, numbers unrounded, unknown ones empty.
func (v View) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := make([][]string, 0, 1+len(v.Entries))
	rows = append(rows, []string{
		"service", "slo", "objective", "target", "window", "method", "good", "total", "sli",
		"allowed", "spent", "remaining", "burn_1h", "burn_6h", "exhausts_in_seconds_1h", "coverage", "level", "flags", "frontier",
	})
	for _, e := range v.Entries {
		rows = append(rows, record(e))
	}
	return out.WriteAll(rows) // it flushes
}

func record(e runstatus.Entry) []string {
	o := objective(e)
	frontier := ""
	if f := instant(e.Status.Frontier); f != nil {
		frontier = f.Format("2006-01-02T15:04:05Z07:00")
	}
	exhausts := ""
	for _, x := range o.Exhausts {
		if x.Name == "1h" && x.Value != nil {
			exhausts = strconv.FormatInt(*x.Value, 10)
		}
	}
	return []string{
		o.Service, o.SLO, o.Objective, o.Target, o.Window, o.Method, number(o.Good), number(o.Total), number(o.SLI),
		number(o.Budget.Allowed), number(o.Budget.Spent), number(o.Budget.Remaining),
		number(rate(e.Status, slo.Hour)), number(rate(e.Status, 6*slo.Hour)), exhausts,
		number(covered(e.Status.Stretch)), o.Level, strings.ReplaceAll(flags(e), ",", " "), frontier,
	}
}

func rate(s slo.Status, length slo.Minute) *float64 {
	for _, b := range s.Burns {
		if b.Lookback == length {
			return finite(b.Rate)
		}
	}
	return nil
}

func number(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

// Markdown prints a table for a merge request or a page.
func (v View) Markdown() string {
	var b strings.Builder
	b.WriteString("| Objective | Target | SLI | Budget left | Burn 1h | Burn 6h | Exhausts | Coverage | Level | Flags |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|---|---|\n")
	for _, e := range v.Entries {
		s := e.Status
		cells := []string{
			v.name(e), target(e), sli(e), term.PercentOf(finite(s.Budget.Remaining), 1), burn(s, slo.Hour).Text,
			burn(s, 6*slo.Hour).Text, exhausts(s), coverageCell(s).Text, level(e), strings.ReplaceAll(flags(e), ",", ", "),
		}
		for i, c := range cells {
			cells[i] = escape(c)
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	return b.String()
}

// escape keeps text from being read as markup.
func escape(text string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "<", "&lt;", "*", "\\*", "_", "\\_", "`", "\\`").Replace(term.Clean(text))
}
