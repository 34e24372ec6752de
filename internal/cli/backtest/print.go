package backtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/backtest"
	page "gitlab.com/nines-sre/nines/internal/render/backtest"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/run"
	runbacktest "gitlab.com/nines-sre/nines/internal/run/backtest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// printer writes an outcome for people.
type printer struct {
	out   *runbacktest.Outcome
	env   *run.Env
	style term.Style
	list  bool
	b     strings.Builder
}

func (p *printer) text() string {
	o := p.out
	p.linef("%s in %s, %s to %s", term.Plural(len(o.Objectives), "objective"), weeks(o.Span), p.at(o.Span.From), p.at(o.Span.To))
	if o.Derived {
		p.linef("%s, derived: stretches that burned faster than the budget allows and spent a share of it", term.Plural(len(o.Incidents), "incident"))
	} else {
		p.linef("%s, as given", term.Plural(len(o.Incidents), "incident"))
	}
	if n := len(o.Incidents); n < backtest.FewIncidents {
		p.linef("Counts, not percentages: %s are too few for those.", term.Plural(n, "incident"))
	}
	p.b.WriteByte('\n')
	p.scores("Pages", func(r *runbacktest.Result) *backtest.Score { return &r.Pages })
	if slices.ContainsFunc(o.Results, func(r runbacktest.Result) bool { return r.Tickets.Total > 0 }) {
		p.b.WriteByte('\n')
		p.scores("Tickets", func(r *runbacktest.Result) *backtest.Score { return &r.Tickets })
	}
	p.gates()
	p.swept()
	if p.list {
		p.lists()
	}
	return p.b.String()
}

func (p *printer) linef(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n", args...) }

func (p *printer) at(m slo.Minute) string { return p.env.Show(m.Time()) }

func weeks(s slo.Span) string { return fmt.Sprintf("%.1f weeks", float64(s.Len())/float64(slo.Week)) }

// scores is a table: a row a figure, a column a policy.
func (p *printer) scores(title string, of func(*runbacktest.Result) *backtest.Score) {
	columns := []term.Column{{Title: title}}
	for i := range p.out.Results {
		columns = append(columns, term.Column{Title: p.out.Results[i].Name, Right: true})
	}
	var rows [][]term.Cell
	add := func(name string, value func(*backtest.Score) string) {
		row := []term.Cell{term.Text(name)}
		for i := range p.out.Results {
			row = append(row, term.Text(value(of(&p.out.Results[i]))))
		}
		rows = append(rows, row)
	}
	add("notifications", func(s *backtest.Score) string { return fmt.Sprint(s.Total) })
	add("  a week and objective", func(s *backtest.Score) string { return fmt.Sprintf("%.2f", s.PerWeek) })
	add("  at night", func(s *backtest.Score) string { return fmt.Sprint(s.Nights.Notifications) })
	add("  worst night", func(s *backtest.Score) string { return fmt.Sprint(s.Nights.Worst) })
	add("  nights over the shift's budget", func(s *backtest.Score) string { return fmt.Sprintf("%d of %d", s.Nights.Over, s.Nights.Shifts) })
	add("precision", func(s *backtest.Score) string { return shown(s.Precision) })
	add("  by budget", func(s *backtest.Score) string { return percent(s.BudgetPrecision) })
	add("recall", func(s *backtest.Score) string { return shown(s.Recall) })
	add("  by budget", func(s *backtest.Score) string { return percent(s.BudgetRecall) })
	add("duplicates", func(s *backtest.Score) string { return fmt.Sprint(s.Duplicates.N) })
	add("minutes to the notification, p50 / p90", func(s *backtest.Score) string { return pair(s.Delay, minutes) })
	add("budget spent by then, p50 / p90", func(s *backtest.Score) string { return pair(s.Spent, percentOf) })
	add("minutes from its end to reset, p50 / p90", func(s *backtest.Score) string { return pair(s.Reset, minutes) })
	add("held back by a page or a dependency", func(s *backtest.Score) string { return fmt.Sprint(s.HeldBack) })
	add("minutes that could not be judged", func(s *backtest.Score) string { return percentOf(s.Silent) })
	p.b.WriteString(p.style.Table(columns, rows))
}

// shown is a share: a percentage with its interval, or counts where they are few.
func shown(s backtest.Share) string {
	if s.Of == 0 {
		return "none"
	}
	if s.Few() {
		return fmt.Sprintf("%d of %d", s.N, s.Of)
	}
	return fmt.Sprintf("%.1f%% (%.1f to %.1f)", 100*s.Value, 100*s.Low, 100*s.High)
}

func percent(v *float64) string {
	if v == nil {
		return "-"
	}
	return percentOf(*v)
}

func percentOf(v float64) string { return fmt.Sprintf("%.1f%%", 100*v) }

func minutes(v float64) string { return fmt.Sprintf("%.0f", v) }

func pair(d backtest.Distribution, as func(float64) string) string {
	if d.P50 == nil || d.P90 == nil {
		return "-"
	}
	return as(*d.P50) + " / " + as(*d.P90)
}

func (p *printer) gates() {
	for i := range p.out.Results {
		r := &p.out.Results[i]
		for _, g := range r.Gates {
			p.linef("\nGate of %s by %s, asked %d times for an ordinary change:", g.Service, g.Policy, g.Asked)
			p.linef("  pass %s, warn %s, fail %s, inconclusive %s", percentOf(g.Shares["pass"]), percentOf(g.Shares["warn"]),
				percentOf(g.Shares["fail"]), percentOf(g.Shares["inconclusive"]))
			p.linef("  closed %s, for %s at most; %d of %s met a closed gate", term.Plural(g.Closures, "time"),
				term.Duration(time.Duration(g.Longest)*time.Minute), g.Closed, term.Plural(g.Incidents, "incident"))
		}
	}
}

func (p *printer) swept() {
	s := p.out.Swept
	if s == nil {
		return
	}
	p.linef("\n%d policies tried, %d of them with at most %g pages a week and objective.", s.Tried, s.Within, s.PerWeek)
	if s.Holdout.Empty() {
		p.linef("The history is too short to hold weeks back: what is shown is what they were chosen by.")
	} else {
		p.linef("Chosen on %s, from %s; held back: %s, from %s.", weeks(s.Train), p.at(s.Train.From), weeks(s.Holdout), p.at(s.Holdout.From))
	}
	if len(s.Best) == 0 {
		p.linef("None keeps that budget. Allow more, or look at the objective: its target may be too strict for what it does.")
		return
	}
	if s.Learnt < backtest.FewIncidents {
		p.linef("They were chosen by %s: too few for the order below to mean much.", term.Plural(s.Learnt, "incident"))
	}
	var rows [][]term.Cell
	for i := range s.Best {
		c := &s.Best[i]
		rows = append(rows, []term.Cell{
			term.Text(c.Spec.Name), term.Text(shown(c.Train.Precision)), term.Text(shown(c.Train.Recall)),
			term.Text(shown(c.Holdout.Precision)), term.Text(shown(c.Holdout.Recall)), term.Text(pair(c.Holdout.Delay, minutes)), term.Text(fmt.Sprintf("%.2f", c.Holdout.PerWeek)),
		})
	}
	p.b.WriteByte('\n')
	p.b.WriteString(p.style.Table([]term.Column{
		{Title: "Policy"},
		{Title: "Precision", Right: true},
		{Title: "recall", Right: true},
		{Title: "held back: precision", Right: true},
		{Title: "recall", Right: true},
		{Title: "min p50 / p90", Right: true},
		{Title: "a week", Right: true},
	}, rows))
}

// lists names every notification, and every incident nobody was told of.
func (p *printer) lists() {
	for i := range p.out.Results {
		r := &p.out.Results[i]
		p.linef("\n%s would have told:", r.Name)
		for _, n := range r.Notices {
			end := "still firing"
			if n.Ended > 0 {
				end = "ended " + p.at(n.Ended)
			}
			p.linef("  %s  %-6s  %s  %s, %s", p.at(n.At), n.Severity, n.Objective, n.Rule, end)
		}
		if len(r.Notices) == 0 {
			p.linef("  nothing")
		}
		for k := range p.out.Incidents {
			x := &p.out.Incidents[k]
			if !told(r.Notices, x) {
				p.linef("  not told: %s to %s  %s, which spent %s of the budget", p.at(x.From), p.at(x.To), x.Subject, percentOf(x.Spent))
			}
		}
	}
}

func told(notices []backtest.Notice, x *backtest.Incident) bool {
	return slices.ContainsFunc(notices, func(n backtest.Notice) bool { return x.About(&n) })
}

// charts is what the pictures show.
func charts(o *runbacktest.Outcome) page.Chart {
	c := page.Chart{Span: o.Span, Objectives: o.Objectives, Incidents: o.Incidents}
	for i := range o.Results {
		c.Policies = append(c.Policies, page.Policy{Name: o.Results[i].Name, Notices: o.Results[i].Notices})
	}
	return c
}
