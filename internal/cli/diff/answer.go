package diff

import (
	"fmt"
	"strings"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/run/status"
)

// Answer is what `nines diff -o json` prints. What came has no old, what went
// no new.
type Answer struct {
	Changes  []Change  `json:"changes"`
	Budgets  []Budget  `json:"budgets"`
	Verdicts []Verdict `json:"verdicts"`
}

// Change is one thing that differs in the documents.
type Change struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Field  string `json:"field,omitempty"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	Text   string `json:"text"`
	Place  string `json:"place,omitempty"`
}

// Budget is an objective's budget under both.
type Budget struct {
	Objective string `json:"objective"`
	Old       *Left  `json:"old"`
	New       *Left  `json:"new"`
}

// Left is what is left of a budget; nil Remaining: not known.
type Left struct {
	Remaining *float64 `json:"remaining"`
	Level     string   `json:"level"`
}

// Verdict is what the gate says of a service under both.
type Verdict struct {
	Service string  `json:"service"`
	Old     *Ground `json:"old"`
	New     *Ground `json:"new"`
}

// Ground is a verdict and the row that decided.
type Ground struct {
	Verdict string `json:"verdict"`
	Reason  string `json:"reason"`
}

func answer(was, is side) Answer {
	a := Answer{Changes: []Change{}, Budgets: []Budget{}, Verdicts: []Verdict{}}
	for _, c := range config.Diff(was.catalog, is.catalog) {
		a.Changes = append(a.Changes, Change{c.Kind, c.Name, c.Field, c.Before, c.After, c.String(), c.Place.String()})
	}
	for _, k := range keys(was.entries, is.entries) {
		a.Budgets = append(a.Budgets, Budget{k, left(was.entries, k), left(is.entries, k)})
	}
	for _, k := range keys(was.verdicts, is.verdicts) {
		a.Verdicts = append(a.Verdicts, Verdict{k, ground(was.verdicts, k), ground(is.verdicts, k)})
	}
	return a
}

func left(entries map[string]status.Entry, key string) *Left {
	e, ok := entries[key]
	if !ok {
		return nil
	}
	return &Left{e.Status.Budget.Remaining, e.Status.Level.String()}
}

func ground(verdicts map[string]verdict, key string) *Ground {
	v, ok := verdicts[key]
	if !ok {
		return nil
	}
	return &Ground{v.word, v.reason}
}

// text prints changes first; of budgets and verdicts all are shown, those that
// differ marked.
func (a Answer) text(st term.Style) string {
	var b strings.Builder
	if len(a.Changes) == 0 {
		b.WriteString("the documents mean the same\n")
	}
	for _, c := range a.Changes {
		for i, line := range term.Wrap(term.Clean(c.Text), max(0, st.Width-2)) {
			if i > 0 {
				line = "  " + line
			}
			b.WriteString(line + "\n")
		}
	}
	columns := func(name string) []term.Column {
		return []term.Column{{Title: name, Min: 16}, {Title: "OLD", Min: 8}, {Title: "NEW", Min: 8}, {Title: "", Drop: 1}}
	}
	rows := make([][]term.Cell, 0, len(a.Budgets)+len(a.Verdicts))
	for _, x := range a.Budgets {
		rows = append(rows, row(x.Objective, x.Old.String(), x.New.String()))
	}
	if len(rows) > 0 {
		b.WriteString("\n" + st.Table(columns("BUDGET LEFT"), rows))
	}
	rows = rows[:0]
	for _, v := range a.Verdicts {
		rows = append(rows, row(v.Service, v.Old.String(), v.New.String()))
	}
	if len(rows) > 0 {
		b.WriteString("\n" + st.Table(columns("VERDICT"), rows))
	}
	return b.String()
}

func row(name, was, is string) []term.Cell {
	cells := []term.Cell{{Text: term.Clean(name), Middle: true}, term.Text(was), term.Text(is), term.Text("")}
	if was != is {
		cells[2].Tone, cells[3] = term.Strong, term.Toned(term.Notice, "changes")
	}
	return cells
}

// String prints what is left in a word or two; "-" where there is no objective.
func (l *Left) String() string {
	if l == nil {
		return term.Unknown
	}
	return fmt.Sprintf("%s %s", term.PercentOf(l.Remaining, 1), l.Level)
}

// String prints the verdict with its reason; "-" where there is no service.
func (g *Ground) String() string {
	if g == nil {
		return term.Unknown
	}
	return g.Verdict + " (" + g.Reason + ")"
}
