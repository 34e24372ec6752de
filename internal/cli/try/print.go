package try

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/analyze"
	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/run/try"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// page prints an outcome.
type page struct {
	st     term.Style
	zone   *time.Location
	prices cost.Prices
	out    *try.Outcome
	b      strings.Builder
}

func (p *page) para(tone term.Tone, text string) {
	for _, line := range term.Wrap(term.Clean(text), p.st.Width) {
		p.b.WriteString(p.st.Paint(tone, line) + "\n")
	}
}

// text prints what was attained first, then what it rests on.
func (p *page) text() string {
	span := p.out.Span
	p.para(term.Strong, fmt.Sprintf("%s, %s to %s (%s)", p.out.Ref,
		term.Instant(span.From.Time().In(p.zone)), term.Instant(span.To.Time().In(p.zone)), slo.FormatLength(span.Len())))
	p.b.WriteString("\n")
	p.standing()
	p.origins()
	for _, note := range p.out.Notes {
		p.para(term.Notice, "note: "+note)
	}
	p.strip()
	p.worst()
	p.targets()
	p.b.WriteString("\n")
	p.para(term.Plain, fmt.Sprintf("Read with %s for %s (%.4f %s, prices of %s) and %s; nothing is kept.", term.Plural(int(p.out.Usage.Requests), "request"),
		term.Plural(int(p.out.Usage.Metrics), "metric"), p.prices.Of(cost.MetricRequested, float64(p.out.Usage.Metrics)), p.prices.Currency, p.prices.Date,
		term.Plural(int(p.out.Listed), "list request")))
	p.para(term.Faint, "next: `nines init "+p.out.Ref.String()+" --write slo/"+p.out.Doc.Name+".yaml`")
	return p.b.String()
}

// standing is one line an objective.
func (p *page) standing() {
	rows := make([][]term.Cell, 0, len(p.out.Objectives))
	for i := range p.out.Objectives {
		o := &p.out.Objectives[i]
		w := o.Report.Whole
		name := o.Text
		if name == "" {
			name = o.Name
		}
		if o.State != try.Measured {
			tone := term.Notice
			if o.State == try.Refused {
				tone = term.Faint
			}
			rows = append(rows, []term.Cell{term.Text(name), term.Toned(tone, string(o.State)), term.Text(term.Unknown), term.Text(""), term.Text(""), term.Text(covered(o))})
			continue
		}
		left := term.Text(term.PercentOf(o.Remaining, 1))
		if o.Remaining != nil && *o.Remaining <= 0 {
			left.Tone = term.Bad
		}
		rows = append(rows, []term.Cell{
			term.Text(name), term.Text(down(w.Attained())), left, term.Text(term.Count(w.Stretch.Bad().Float())),
			term.Text(term.Count(w.Stretch.Total.Float())), term.Text(covered(o)),
		})
	}
	p.b.WriteString(p.st.Table([]term.Column{
		{Title: "OBJECTIVE"},
		{Title: "ATTAINED"},
		{Title: "BUDGET LEFT", Right: true},
		{Title: "BAD", Right: true, Drop: 3},
		{Title: "EVENTS", Right: true, Drop: 2},
		{Title: "MEASURED", Right: true, Drop: 1},
	}, rows))
	p.b.WriteString("\n")
}

func down(share *float64) string {
	if share == nil {
		return term.Unknown
	}
	return term.PercentDown(*share, 4)
}

func covered(o *try.Objective) string {
	if o.State == try.Refused {
		return ""
	}
	return term.Percent(o.Coverage, 1)
}

// origins says where each objective comes from, or why it has no number.
func (p *page) origins() {
	for i := range p.out.Objectives {
		o := &p.out.Objectives[i]
		switch {
		case o.State == try.Refused:
			p.para(term.Faint, o.Name+": "+o.Why)
			continue
		case o.Why != "":
			p.para(term.Notice, o.Name+": "+o.Why)
		}
		if o.State != try.Measured {
			continue
		}
		text := o.Text + ": "
		switch o.TargetFrom {
		case try.Suggested:
			text += "suggested, the highest round target kept in every week with a tenth of its budget to spare"
		case try.Given:
			text += "as asked for"
		case try.Assumed:
			text += "a default; the data carry no round target (too few events, or too many of them bad)"
		}
		if o.BoundFrom == try.Suggested {
			text += "; the bound from 95 % of the hours"
		}
		p.para(term.Plain, text)
		for _, w := range o.Report.Warnings {
			p.para(term.Notice, "note: "+o.Name+": "+w)
		}
	}
}

// strip draws a sign a day: a day that was not measured has one of its own.
func (p *page) strip() {
	width := 0
	for i := range p.out.Objectives {
		width = max(width, len(p.out.Objectives[i].Name))
	}
	drawn := false
	for i := range p.out.Objectives {
		o := &p.out.Objectives[i]
		all := days(p.out, o, p.zone)
		if len(all) == 0 || len(all) > 100 {
			continue
		}
		if !drawn {
			p.b.WriteString("\n")
		}
		drawn = true
		fmt.Fprintf(&p.b, "%-*s  ", width, o.Name)
		for _, d := range all {
			p.b.WriteString(p.st.Paint(tone(d.state), string(rune(d.state))))
		}
		p.b.WriteString("\n")
	}
	if drawn {
		p.para(term.Faint, "one sign a day: + kept, x missed, ~ partly measured, . no traffic, ? not measured")
	}
}

func tone(s dayState) term.Tone {
	switch s {
	case kept:
		return term.Good
	case missed:
		return term.Bad
	case partly, unmeasured:
		return term.Notice
	case quiet:
	}
	return term.Faint
}

// worst lists the days that cost most.
func (p *page) worst() {
	const shown = 5
	type bad struct {
		o *try.Objective
		d day
	}
	var all []bad
	for i := range p.out.Objectives {
		o := &p.out.Objectives[i]
		for _, d := range days(p.out, o, p.zone) {
			if d.period.Stretch.Bad() > 0 {
				all = append(all, bad{o, d})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b bad) int { return cmp.Compare(share(b.o, b.d), share(a.o, a.d)) })
	rows := make([][]term.Cell, 0, shown)
	for _, x := range all[:min(shown, len(all))] {
		rows = append(rows, []term.Cell{
			term.Text(x.d.from.Format("Mon 2006-01-02")), term.Text(x.o.Name), term.Text(down(x.d.period.Attained())),
			term.Text(term.Count(x.d.period.Stretch.Bad().Float())), term.Text(term.Percent(share(x.o, x.d), 1)), term.Toned(tone(x.d.state), x.d.state.word()),
		})
	}
	if len(rows) > 0 {
		p.b.WriteString("\n" + p.st.Table([]term.Column{
			{Title: "WORST DAYS"},
			{Title: "OBJECTIVE"},
			{Title: "GOOD", Right: true},
			{Title: "BAD", Right: true, Drop: 2},
			{Title: "OF THE BUDGET", Right: true, Drop: 1},
			{Title: "", Drop: 3},
		}, rows))
	}
}

// share is how much of the whole budget a day spent.
func share(o *try.Objective, d day) float64 {
	f, _ := o.Target.Rat().Float64()
	allowed := o.Report.Whole.Stretch.Total.Float() * (1 - f/100)
	if allowed <= 0 {
		return 0
	}
	return d.period.Stretch.Bad().Float() / allowed
}

// targets says which targets could have been kept.
func (p *page) targets() {
	for i := range p.out.Objectives {
		o := &p.out.Objectives[i]
		shown := telling(o.Report.Trials)
		rows := make([][]term.Cell, 0, len(shown))
		for _, t := range shown {
			answer := term.Toned(term.Bad, "no")
			if t.Whole {
				answer = term.Toned(term.Good, "yes")
			}
			rows = append(rows, []term.Cell{
				term.Text(t.Target.Percent() + "%"), answer, term.Text(fmt.Sprintf("%d of %d", t.DaysMet, t.Days)),
				term.Text(fmt.Sprintf("%d of %d", t.WeeksMet, t.Weeks)), term.Text(term.PercentOf(t.Remaining, 1)),
			})
		}
		if o.State == try.Measured && len(rows) > 0 {
			p.b.WriteString("\n" + p.st.Table([]term.Column{
				{Title: strings.ToUpper(o.Name), Right: true},
				{Title: "KEPT"},
				{Title: "DAYS", Right: true, Drop: 2},
				{Title: "WEEKS", Right: true, Drop: 1},
				{Title: "LEFT IN ALL", Right: true},
			}, rows))
		}
	}
}

// telling are the targets around the border between kept and not kept; JSON has
// them all.
func telling(all []analyze.Trial) []analyze.Trial {
	const below, above = 4, 2
	i := 0
	for i < len(all) && all[i].Whole {
		i++
	}
	return all[max(0, i-below):min(len(all), i+above)]
}
