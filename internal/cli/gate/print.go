package gate

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/report"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/gate"
	rendering "gitlab.com/nines-sre/nines/internal/render"
	"gitlab.com/nines-sre/nines/internal/render/dotenv"
	"gitlab.com/nines-sre/nines/internal/render/junit"
	"gitlab.com/nines-sre/nines/internal/render/openmetrics"
	"gitlab.com/nines-sre/nines/internal/render/term"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
)

// answer is an outcome, ready to be printed.
type answer struct {
	rungate.Outcome
	zone *time.Location
	kept bool // the decision was recorded for good
	job  string
	// owner looks after the service; "" where nobody is written down.
	owner string
	forge forge.Forge
}

// report is the answer in each form that it is printed in.
func (a answer) report() report.Answer {
	return report.Answer{
		Text: a.text, Object: a.object(), Vars: a.vars(), Links: a.shown().Links(), Metrics: a.metrics(),
		Suite: junit.Suite{Name: "nines gate " + a.Decision.Subject, Cases: []junit.Case{a.junitCase()}},
	}
}

// object is the decision with fields more: the code the call ends with, who looks
// after the service, and what may be done.
func (a answer) object() any {
	return struct {
		decision.Decision
		ExitCode int      `json:"exit_code"`
		Owner    string   `json:"owner,omitempty"`
		Advice   []string `json:"advice,omitempty"`
	}{a.Decision, a.ExitCode, a.owner, a.Advice}
}

// vars are the variables for later jobs.
func (a answer) vars() []dotenv.Var {
	codes := make([]string, len(a.Decision.Reasons))
	for i, r := range a.Decision.Reasons {
		codes[i] = r.Code
	}
	return []dotenv.Var{
		{Name: "NINES_VERDICT", Value: a.Decision.Verdict.String()},
		{Name: "NINES_EXIT_CODE", Value: strconv.Itoa(a.ExitCode)},
		{Name: "NINES_DECISION_ID", Value: a.Decision.ID},
		{Name: "NINES_SERVICE", Value: a.Decision.Subject},
		{Name: "NINES_POLICY", Value: a.Decision.Policy},
		{Name: "NINES_REASONS", Value: strings.Join(codes, ",")},
		{Name: "NINES_AT", Value: a.Decision.At.UTC().Format(time.RFC3339)},
	}
}

// metrics are the verdict and what the budgets have left.
func (a answer) metrics() []openmetrics.Family {
	budgets := make([]rendering.Budget, len(a.Request.States))
	for i := range a.Request.States {
		s := &a.Request.States[i]
		budgets[i] = rendering.Budget{SLO: s.Service + "/" + s.SLO, Left: s.Remaining}
	}
	service := openmetrics.Label{Name: "service", Value: a.Decision.Subject}
	return append([]openmetrics.Family{openmetrics.Verdict("nines_gate_verdict", service, a.Decision.Verdict)},
		openmetrics.Budgets(a.Decision.Subject, budgets)...)
}

func (a answer) junitCase() junit.Case {
	c := junit.Case{Class: "nines.gate", Name: a.Decision.Subject}
	first := ""
	if len(a.Decision.Reasons) > 0 {
		c.Kind, first = a.Decision.Reasons[0].Code, a.Decision.Reasons[0].Text
	}
	return junit.Judged(c, a.Decision.Verdict, first, a.text(term.Style{}))
}

// headline says a verdict in a sentence.
func headline(v decision.Verdict) (string, term.Tone) {
	switch v {
	case decision.Pass:
		return "may go", term.Good
	case decision.Warn:
		return "may go, with care", term.Notice
	case decision.Fail:
		return "is held", term.Dire
	case decision.Inconclusive:
	}
	return "cannot be decided", term.Notice
}

// text prints the verdict first, then why, what may be done, and the numbers.
func (a answer) text(st term.Style) string {
	d := a.Decision
	var b strings.Builder
	says, tone := headline(d.Verdict)
	what := term.Clean(d.Subject)
	if v := a.Request.Change.Version; v != "" {
		what += " " + term.Clean(v)
	}
	b.WriteString(st.Paint(tone, strings.ToUpper(d.Verdict.String())) + "  " + what + " " + says + a.codeNote() + "\n")
	for _, r := range d.Reasons {
		b.WriteString(st.Hang(term.Faint, "  "+term.Clean(r.Code)+"  ", r.Text))
	}
	if len(a.Advice) > 0 {
		b.WriteString("\n" + st.Paint(term.Strong, "What may be done now") + "\n")
		for _, line := range a.Advice {
			b.WriteString(st.Hang(term.Faint, "  "+st.Pick("•", "-")+"  ", line))
		}
	}
	a.evidence(&b, st)
	b.WriteByte('\n')
	for _, line := range term.Wrap(a.record(), st.Width) {
		b.WriteString(st.Paint(term.Faint, line) + "\n")
	}
	return b.String()
}

// codeNote names the exit code where it is not the verdict's own.
func (a answer) codeNote() string {
	if a.ExitCode == a.Decision.Verdict.ExitCode() {
		return ""
	}
	return fmt.Sprintf(" (ends with %d)", a.ExitCode)
}

// evidence is a line an objective; every number stands in the JSON.
func (a answer) evidence(b *strings.Builder, st term.Style) {
	rows := make([][]term.Cell, 0, len(a.Request.States))
	for i := range a.Request.States {
		s := &a.Request.States[i]
		name := s.Service + "/" + s.SLO
		if s.Dependency {
			name += " (dependency)"
		}
		words := make([]string, len(s.Flags))
		for i, f := range s.Flags {
			words[i] = string(f)
		}
		rows = append(rows, []term.Cell{
			{Text: "  " + term.Clean(name), Middle: true},
			term.Text(term.PercentOf(s.Remaining, 1)),
			term.Text(gate.Number(s.Spent)), term.Text(gate.Number(s.Allowed)), term.Text(s.Window),
			term.Text(term.Percent(s.Coverage, 1)), term.Text(s.Level.String()), term.Text(strings.Join(words, ",")),
		})
	}
	if len(rows) == 0 {
		return
	}
	b.WriteByte('\n')
	b.WriteString(st.Table([]term.Column{
		{Title: "  EVIDENCE", Min: 20},
		{Title: "LEFT", Right: true},
		{Title: "SPENT", Right: true, Drop: 3},
		{Title: "ALLOWED", Right: true, Drop: 4},
		{Title: "IN", Drop: 6},
		{Title: "COVERAGE", Right: true, Drop: 5},
		{Title: "LEVEL", Drop: 1},
		{Title: "FLAGS", Drop: 2, Min: 9, Yield: 3},
	}, rows))
}

func (a answer) record() string {
	d := a.Decision
	text := fmt.Sprintf("policy %s, at %s", term.Clean(d.Policy), term.Instant(d.At.In(a.zone)))
	if a.owner != "" {
		text += ", owner " + term.Clean(a.owner)
	}
	switch {
	case a.Spooled:
		return text + "; recorded when the store is back"
	case d.ID == "" || !a.kept:
		return text + "; recorded nowhere"
	}
	return fmt.Sprintf("decision %s, %s; `nines why %s` says more", d.ID, text, d.ID)
}
