package analyze

import (
	"fmt"
	"io"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"

	"gitlab.com/nines-sre/nines/internal/analyze"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Answer is what `nines analyze -o json` prints.
type Answer struct {
	File      string    `json:"file"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Good      float64   `json:"good"`
	Total     float64   `json:"total"`
	Attained  *float64  `json:"attained"`
	Coverage  float64   `json:"coverage"`
	Suggested *string   `json:"suggested"` // target; null where none was kept
	Bound     *float64  `json:"bound,omitempty"`
	Targets   []Trial   `json:"targets"`
	Days      []Period  `json:"days"`
	Weeks     []Period  `json:"weeks"`
	Warnings  []string  `json:"warnings"`
}

// Trial is how a target would have fared.
type Trial struct {
	Target         string   `json:"target"`
	Kept           bool     `json:"kept"`
	Days           int      `json:"days"`
	DaysKept       int      `json:"days_kept"`
	Weeks          int      `json:"weeks"`
	WeeksKept      int      `json:"weeks_kept"`
	WorstRemaining *float64 `json:"worst_remaining"`
}

// Period is a day or a week.
type Period struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Good     float64   `json:"good"`
	Total    float64   `json:"total"`
	Attained *float64  `json:"attained"`
	Part     bool      `json:"part,omitempty"` // the data covers only a part of it
}

func (f findings) json(w io.Writer) error {
	r := f.report
	a := Answer{
		File: f.file, From: r.Whole.Span.From.Time(), To: r.Whole.Span.To.Time(),
		Good: r.Whole.Stretch.Good.Float(), Total: r.Whole.Stretch.Total.Float(),
		Attained: r.Whole.Attained(), Coverage: r.Whole.Stretch.Coverage(),
		Targets: []Trial{}, Days: periods(r.Days), Weeks: periods(r.Weeks), Warnings: f.warnings(),
	}
	if f.target != 0 {
		a.Suggested = new(f.target.String())
	}
	if f.values != nil {
		a.Bound = new(f.bound.Value.Float())
	}
	for _, t := range r.Trials {
		a.Targets = append(a.Targets, Trial{t.Target.String(), t.Whole, t.Days, t.DaysMet, t.Weeks, t.WeeksMet, t.Remaining})
	}
	return host.JSON(w, a)
}

func periods(ps []analyze.Period) []Period {
	out := make([]Period, len(ps))
	for i, p := range ps {
		out[i] = Period{p.Span.From.Time(), p.Span.To.Time(), p.Stretch.Good.Float(), p.Stretch.Total.Float(), p.Attained(), p.Part}
	}
	return out
}

func (f findings) warnings() []string {
	out := append([]string{}, f.data.notes...)
	if f.values != nil {
		out = append(out, f.values.Warnings...)
	}
	return append(out, f.report.Warnings...)
}

// text prints the suggestion first, then what it rests on.
func (f findings) text(st term.Style) string {
	var b strings.Builder
	para := func(tone term.Tone, text string) {
		for _, line := range term.Wrap(text, st.Width) {
			b.WriteString(st.Paint(tone, line) + "\n")
		}
	}
	para(term.Strong, f.headline())
	para(term.Plain, f.summary())
	for _, w := range f.warnings() {
		para(term.Notice, "note: "+term.Clean(w))
	}
	f.quantiles(&b, st)
	f.trials(&b, st)
	f.calendar(&b, st, "WEEK OF", f.report.Weeks)
	f.calendar(&b, st, "DAY", f.report.Days)
	return b.String()
}

func (f findings) headline() string {
	switch {
	case f.target == 0:
		return "No target that was tried was kept as a whole and in every week."
	case f.values != nil:
		return fmt.Sprintf("Suggested: %s%% of the steps %s %s", f.target.Percent(), side(f.data.op), term.Count(f.bound.Value.Float()))
	default:
		return "Suggested: " + f.target.Percent() + "%, the highest target kept as a whole and in every week"
	}
}

func side(op slo.Op) string {
	switch op {
	case slo.LessThan:
		return "below"
	case slo.GreaterThan:
		return "above"
	case slo.GreaterOrEqual:
		return "at least"
	case slo.LessOrEqual:
	}
	return "at most"
}

func (f findings) summary() string {
	w := f.report.Whole
	if w.Span.Empty() {
		return term.Clean(f.file) + ": no data"
	}
	what := "events, good: "
	if f.values != nil {
		what = "steps, within the bound: "
	}
	return fmt.Sprintf("%s: %s to %s (%s), %s %s%s, measured: %s", term.Clean(f.file),
		term.Instant(w.Span.From.Time().In(f.zone)), term.Instant(w.Span.To.Time().In(f.zone)),
		term.Duration(w.Span.Len().Duration()), term.Count(w.Stretch.Total.Float()), what,
		term.PercentOf(w.Attained(), 4), term.Percent(w.Stretch.Coverage(), 1))
}

func (f findings) quantiles(b *strings.Builder, st term.Style) {
	if f.values == nil {
		return
	}
	var rows [][]term.Cell
	for _, q := range f.values.Quantiles {
		rows = append(rows, []term.Cell{term.Text(q.Share.Percent() + "%"), term.Text(term.Count(q.Value.Float()))})
	}
	b.WriteString("\n" + st.Table([]term.Column{{Title: "OF THE STEPS", Right: true}, {Title: "NOT ABOVE", Right: true}}, rows))
	rows = nil
	for _, t := range analyze.ValueTargets() {
		if bound, ok := f.values.Bounds[t]; ok {
			rows = append(rows, []term.Cell{term.Text(t.Percent() + "%"), term.Text(term.Count(bound.Value.Float()))})
		}
	}
	b.WriteString("\n" + st.Table([]term.Column{{Title: "TARGET", Right: true}, {Title: "TIGHTEST BOUND KEPT", Right: true}}, rows))
}

func (f findings) trials(b *strings.Builder, st term.Style) {
	rows := make([][]term.Cell, 0, len(f.report.Trials))
	for _, t := range f.report.Trials {
		kept := term.Toned(term.Bad, "no")
		if t.Whole {
			kept = term.Toned(term.Good, "yes")
		}
		worst := term.Text(term.PercentOf(t.Remaining, 1))
		if t.Remaining != nil && *t.Remaining <= 0 {
			worst.Tone = term.Bad
		}
		rows = append(rows, []term.Cell{
			term.Text(t.Target.Percent() + "%"), kept, term.Text(fmt.Sprintf("%d of %d", t.DaysMet, t.Days)),
			term.Text(fmt.Sprintf("%d of %d", t.WeeksMet, t.Weeks)), worst,
		})
	}
	if len(rows) > 0 {
		b.WriteString("\n" + st.Table([]term.Column{
			{Title: "TARGET", Right: true},
			{Title: "KEPT"},
			{Title: "DAYS", Right: true},
			{Title: "WEEKS", Right: true},
			{Title: "LEFT IN THE WORST " + slo.FormatLength(f.window), Right: true, Drop: 1},
		}, rows))
	}
}

// calendar prints periods, with a bar of how much of the suggested target's
// budget each would have spent by itself.
func (f findings) calendar(b *strings.Builder, st term.Style, title string, ps []analyze.Period) {
	rows := make([][]term.Cell, 0, len(ps))
	for _, p := range ps {
		left := f.target.Remaining(p.Stretch.Count)
		tone, word := term.Plain, ""
		if left != nil && *left < 0 && f.target != 0 {
			tone, word = term.Bad, "missed"
		}
		if p.Part {
			word = strings.TrimSpace(word + " part")
		}
		rows = append(rows, []term.Cell{
			term.Text(p.Span.From.Time().In(f.zone).Format("Mon 2006-01-02")), term.Text(term.Count(p.Stretch.Total.Float())),
			term.Text(term.Count(p.Stretch.Bad().Float())), term.Toned(tone, term.PercentOf(p.Attained(), 4)), term.Toned(tone, word),
		})
	}
	if len(rows) > 0 {
		b.WriteString("\n" + st.Table([]term.Column{
			{Title: title},
			{Title: "EVENTS", Right: true, Drop: 2},
			{Title: "BAD", Right: true, Drop: 3},
			{Title: "GOOD", Right: true},
			{Title: "", Drop: 1},
		}, rows))
	}
}
