package junit

import (
	"strings"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/render"
)

// Judged is a verdict as a case: fail is a failure, inconclusive an error, a
// warning passes with its text in the output.
func Judged(c Case, v decision.Verdict, message, text string) Case {
	switch v {
	case decision.Pass, decision.Warn:
		c.Outcome, c.Out = Passed, text
	case decision.Fail:
		c.Outcome, c.Message, c.Text = Failed, message, text
	case decision.Inconclusive:
		c.Outcome, c.Message, c.Text = Errored, message, text
	}
	return c
}

// Rollout is a canary or a watch as a suite: the verdict first, then each metric
// that counts for it.
func Rollout(r *render.Rollout) Suite {
	class := "nines." + r.Verb + "." + r.Service
	d := &r.Decision
	whole := Case{Class: class, Name: "verdict"}
	texts := make([]string, len(d.Reasons))
	for i, reason := range d.Reasons {
		texts[i] = reason.Text
	}
	first := d.Verdict.String()
	if len(d.Reasons) > 0 {
		whole.Kind, first = d.Reasons[0].Code, d.Reasons[0].Text
	}
	out := Suite{Name: "nines " + r.Verb + " " + r.Service}
	out.Cases = append(out.Cases, Judged(whole, d.Verdict, first, strings.Join(texts, "\n")))
	for i := range r.Result.Findings {
		f := &r.Result.Findings[i]
		v := f.Verdict
		if f.Muted { // it is shown, and decides nothing
			v = decision.Pass
		}
		out.Cases = append(out.Cases, Judged(Case{Class: class, Name: f.Metric, Kind: string(f.Class)}, v, f.Text, f.Text))
	}
	return out
}
