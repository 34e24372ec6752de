package watch

import (
	"fmt"
	"strings"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/render"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runwatch "gitlab.com/nines-sre/nines/internal/run/watch"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/watch"
)

// answer is an outcome, ready to be printed.
type answer struct {
	runwatch.Outcome
	place string
}

// headline says a verdict in a sentence.
func headline(v decision.Verdict) (string, term.Tone) {
	switch v {
	case decision.Pass:
		return "does no harm", term.Good
	case decision.Warn:
		return "does no harm that is known, and something is odd", term.Notice
	case decision.Fail:
		return "hurts", term.Dire
	case decision.Inconclusive:
	}
	return "cannot be judged", term.Notice
}

func (a answer) text(st term.Style) string {
	var b strings.Builder
	says, tone := headline(a.Decision.Verdict)
	what := term.Clean(a.Decision.Subject)
	if v := a.Request.Version; v != "" {
		what += " " + term.Clean(v)
	}
	b.WriteString(st.Paint(tone, strings.ToUpper(a.Decision.Verdict.String())) + "  " + what + " " + says + "\n")
	for _, r := range a.Decision.Reasons {
		b.WriteString(st.Hang(term.Faint, "  "+term.Clean(r.Code)+"  ", r.Text))
	}
	if t := a.Undo.Text(); t != "" {
		b.WriteString(st.Hang(term.Faint, "  rollback  ", t))
	}
	if a.Incident != "" {
		b.WriteString(st.Hang(term.Faint, "  incident  ", a.Incident))
	}
	fmt.Fprintf(&b, "\nwatched %d of %d minutes since %s, confidence: %s\n", a.Result.Looked, a.Request.Policy.Normal().Duration,
		a.Request.Deployed.Format("2006-01-02 15:04 UTC"), a.Result.Confidence())
	if id := a.Decision.ID; id != "" {
		b.WriteString(st.Paint(term.Faint, "`nines why "+id+"` says more") + "\n")
	}
	return b.String()
}

// object is what is printed as JSON: the decision, and what else is known.
func (a answer) object() any {
	return struct {
		decision.Decision
		ExitCode   int             `json:"exit_code"`
		Watch      string          `json:"watch"`
		Version    string          `json:"version,omitempty"`
		Before     string          `json:"before,omitempty"`
		Confidence string          `json:"confidence"`
		Findings   []watch.Finding `json:"findings"`
		Metric     string          `json:"metric,omitempty"`
		Since      string          `json:"since,omitempty"`
		Rollback   *runwatch.Undo  `json:"rollback,omitempty"`
		Incident   string          `json:"incident,omitempty"`
	}{
		a.Decision, a.Decision.Verdict.ExitCode(), a.ID, a.Request.Version, a.Request.Before, a.Result.Confidence(),
		a.Result.Findings, a.Result.Metric, minute(a.Result.Since), a.Undo, a.Incident,
	}
}

func minute(m slo.Minute) string {
	if m == 0 {
		return ""
	}
	return m.Time().Format("2006-01-02T15:04:05Z")
}

// rollout is the answer as reports take it: the time before stands in the
// baseline's place, minute beside minute.
func (a answer) rollout() *render.Rollout {
	r := &render.Rollout{
		Verb: "watch", Service: a.Decision.Subject, Environment: a.Request.Environment, Target: a.place,
		Version: a.Request.Version, Baseline: a.Request.Before, ID: a.ID, Outcome: a.outcome(), Decision: a.Decision,
		ExitCode: a.Decision.Verdict.ExitCode(), Incident: a.Incident,
	}
	r.Result.Verdict, r.Result.Reasons = a.Decision.Verdict, a.Decision.Reasons
	for i := range a.Request.Metrics {
		m := &a.Request.Metrics[i]
		jm := judge.Metric{Name: m.Name, Method: judge.EProcess}
		for k := range min(len(m.After.Total), len(m.Before.Total)) {
			if m.After.Total[k] < 0 || m.Before.Total[k] < 0 {
				continue
			}
			jm.Samples = append(jm.Samples, judge.Sample{
				At:       m.After.From + slo.Minute(k),
				Baseline: judge.Arm{Total: m.Before.Total[k], Bad: m.Before.Bad[k]},
				Canary:   judge.Arm{Total: m.After.Total[k], Bad: m.After.Bad[k]},
			})
		}
		r.Metrics = append(r.Metrics, jm)
	}
	for i := range a.Result.Findings {
		r.Result.Findings = append(r.Result.Findings, a.finding(&a.Result.Findings[i]))
	}
	if t := a.Undo.Text(); t != "" {
		r.Advice = append(r.Advice, t)
	}
	return r
}

// finding is one in the judge's words: the time before is its baseline.
func (a answer) finding(f *watch.Finding) judge.Finding {
	out := judge.Finding{
		Metric: f.Metric, Method: judge.EProcess, Class: judge.ClassPass, Verdict: decision.Pass, Minutes: f.After.Minutes,
		Canary: judge.Tally{Total: f.After.Total, Bad: f.After.Bad, Rate: f.After.Rate()}, EffectUnit: "rate", LogE: f.LogE,
	}
	if f.Metric == a.Result.Metric {
		out.Verdict, out.Class, out.Decided = decision.Fail, judge.ClassHigh, a.Result.Sure
	} else if a.Decision.Verdict == decision.Inconclusive {
		out.Verdict, out.Class = decision.Inconclusive, judge.ClassOpen
	}
	for _, x := range f.Against {
		if x.Reference == "before" || out.Baseline.Total == 0 {
			out.Baseline = judge.Tally{Total: x.Tally.Total, Bad: x.Tally.Bad, Rate: x.Tally.Rate()}
			out.Detectable = x.Detectable
		}
	}
	if b, c := out.Baseline.Rate, out.Canary.Rate; b != nil && c != nil {
		out.Effect = new(*c - *b)
	}
	return out
}

// outcome is the watch's own word.
func (a answer) outcome() string {
	switch {
	case a.Undo != nil && a.Undo.Done:
		return "rolled back"
	case a.Decision.Verdict == decision.Fail:
		return runwatch.Failed
	case a.Decision.Verdict == decision.Inconclusive:
		return runwatch.Inconclusive
	case a.Decision.Verdict == decision.Warn:
		return runwatch.Warned
	}
	return runwatch.Passed
}

// teller prints how it goes, once a look.
func teller(h *host.Host) func(runwatch.Look) {
	return func(l runwatch.Look) {
		var parts []string
		for i := range l.Result.Findings {
			f := &l.Result.Findings[i]
			part := fmt.Sprintf("%s %d of %d bad", f.Metric, f.After.Bad, f.After.Total)
			if len(f.Against) > 0 {
				part += fmt.Sprintf(" (evidence e^%.1f)", f.LogE)
			}
			parts = append(parts, part)
		}
		line := fmt.Sprintf("%s  minute %d of %d  %s", l.At.UTC().Format("15:04:05"), l.Result.Looked, l.Request.Policy.Duration, strings.Join(parts, ", "))
		if l.Trouble != "" {
			line += "; nothing newer: " + l.Trouble
		}
		h.Note("%s", line)
	}
}
