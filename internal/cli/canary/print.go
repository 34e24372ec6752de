package canary

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cli/report"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/render"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/rollout"
	runcanary "gitlab.com/nines-sre/nines/internal/run/canary"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
)

// shown is an outcome, ready to be printed.
type shown struct {
	verb    string
	out     runcanary.Outcome
	ask     *runcanary.Options
	catalog *config.Catalog
}

// say prints the answer, writes the reports and the note, and ends with the code.
func (o *options) say(ctx context.Context, h *host.Host, out report.Out, s *shown) error {
	r := s.rollout(h)
	if err := out.Say(h, report.Rollout(r, s.text, s.object())); err != nil {
		return err
	}
	policy := rungate.PolicyFor(s.catalog, r.Service)
	if o.note {
		report.Note(ctx, h, report.Forge(h, &o.forge, &policy), r)
	}
	return host.ExitWith(s.out.ExitCode)
}

// version is the new version, as far as it is known.
func (s *shown) version() string {
	return cmp.Or(s.out.State.Version, s.ask.Release.Version, s.ask.Canary)
}

func (s *shown) baseline() string {
	if b := s.out.State.Base; b != nil {
		return b.Stable
	}
	return s.ask.Baseline
}

// answer is the decision that the call comes to: the rollout's verdict, with its
// own reasons before the judge's.
func (s *shown) answer() decision.Decision {
	d := s.out.Decision
	if d.Subject == "" {
		d = decision.Decision{Subject: s.ask.Rollout.Service, Policy: "rollout", At: s.ask.Clock.Now().UTC(), Evidence: []decision.Evidence{}}
	}
	d.Verdict = s.out.Verdict
	d.Reasons = append([]decision.Reason{}, s.ends()...)
	d.Reasons = append(d.Reasons, s.out.Decision.Reasons...)
	return d
}

// ends are the reasons of the end: without those that tell of steps on the way.
func (s *shown) ends() []decision.Reason {
	from := s.out.State.Reasons
	if len(from) == 0 {
		from = s.out.Reasons
	}
	var out []decision.Reason
	for _, r := range from {
		switch r.Code {
		case "step", "passed", "worse", "unsure", "warned":
			// The judge says it himself, with the numbers.
			if s.out.Decision.Subject != "" || r.Code == "step" {
				continue
			}
		}
		out = append(out, r)
	}
	return out
}

// rollout is what reports are made of.
func (s *shown) rollout(h *host.Host) *render.Rollout {
	st := &s.out.State
	r := &render.Rollout{
		Verb: s.verb, Service: s.ask.Rollout.Service, Environment: s.ask.Rollout.Environment, Version: s.version(), Baseline: s.baseline(),
		ID: st.ID, Outcome: string(st.Outcome), Decision: s.answer(), Result: s.out.Result, Metrics: s.out.Request.Metrics,
		ExitCode: s.out.ExitCode, Advice: s.advice(),
	}
	if s.ask.Rollout.Target.Kind != "" {
		r.Target = placeName(s.ask.Rollout.Target)
	}
	for i, p := range st.Plan.Steps {
		if s.verb != "canary" {
			break
		}
		step := render.Step{Weight: p.Weight, Bake: int(p.Bake)}
		switch {
		case st.Phase == rollout.Begin, i > st.Step, st.Since == 0:
		case i == st.Step && st.Outcome == rollout.Failed:
			step.Result, step.Minutes = "failed", int(st.Minutes)
		case i == st.Step && st.Outcome != rollout.Promoted && st.Outcome != rollout.Held && st.Outcome != rollout.Passed:
			step.Result, step.Minutes = "baking", int(st.Minutes)
		default:
			step.Result, step.Minutes = "passed", int(p.Bake)
		}
		step.Requests = requests(s.out.Request.Metrics, st, i)
		r.Steps = append(r.Steps, step)
	}
	report.Surround(h, r)
	return r
}

// requests are the canary's in a step, of the metric that has most.
func requests(metrics []judge.Metric, st *rollout.State, step int) int64 {
	if step >= len(st.Segments) {
		return 0
	}
	seg, most := st.Segments[step], int64(0)
	for i := range metrics {
		n := int64(0)
		for _, m := range metrics[i].Samples {
			if m.At >= seg.From && (seg.To == 0 || m.At < seg.To) {
				n += m.Canary.Total
			}
		}
		most = max(most, n)
	}
	return most
}

// advice is what may be done now.
func (s *shown) advice() []string {
	st, service := &s.out.State, s.ask.Rollout.Service
	switch {
	case st.Phase == rollout.Pause && s.verb == "canary":
		return []string{"go on: nines canary " + service + " --resume", "give it everything: nines promote " + service, "put the old version back: nines rollback " + service}
	case st.Outcome == rollout.Held:
		return []string{"give it everything: nines promote " + service, "put the old version back: nines rollback " + service}
	case st.Outcome == rollout.Foreign:
		return []string{"somebody has to look: nothing was touched since", "nines rollback " + service + " --to VERSION puts a version of your choice back"}
	case st.Outcome == rollout.Promoted:
		return []string{"look after it: nines watch " + service}
	case s.out.Verdict == decision.Inconclusive && st.Outcome == rollout.Restored:
		return []string{"nines canary plan " + service + " says how long a canary must run to see what"}
	}
	return nil
}

// headline says the outcome in a sentence.
func (s *shown) headline() (string, term.Tone) {
	st, v, target := &s.out.State, s.version(), s.traffic()
	switch st.Outcome {
	case rollout.Promoted:
		return fmt.Sprintf("%s is promoted: it has all of %s", v, target), term.Good
	case rollout.Held:
		return fmt.Sprintf("%s has passed and is held at %s of %s", v, rollout.Percent(st.At().Weight), target), term.Good
	case rollout.Passed:
		return strings.TrimSpace(v + " has passed"), term.Good
	case rollout.Nothing:
		return v + " serves already: there is nothing to do", term.Good
	case rollout.Failed, rollout.Restored:
		return s.restored()
	case rollout.Foreign:
		return fmt.Sprintf("somebody else changed %s: nothing was touched since", target), term.Dire
	case rollout.Abandoned:
		return strings.TrimSpace(v + " was given up"), term.Notice
	}
	switch {
	case st.Phase == rollout.Pause:
		return fmt.Sprintf("%s waits at %s of %s", v, rollout.Percent(st.At().Weight), target), term.Notice
	case s.out.Entry == "":
		return strings.TrimSpace(v + " is held by a freeze"), term.Dire
	}
	return fmt.Sprintf("%s could not be put back", target), term.Dire
}

// traffic names what has the traffic.
func (s *shown) traffic() string {
	if s.ask.Rollout.Target.Kind == "" {
		return "the traffic"
	}
	return placeName(s.ask.Rollout.Target)
}

// restored says why the old version has everything.
func (s *shown) restored() (string, term.Tone) {
	back := fmt.Sprintf(": %s has all of %s back", s.baseline(), s.traffic())
	if s.out.State.Plan.Still {
		back = ""
	}
	v, failed := s.version(), s.out.State.Outcome == rollout.Failed
	switch {
	case s.verb == "rollback" && s.out.State.Base == nil:
		return "had not been moved: its rollout is ended", term.Good
	case failed:
		return strings.TrimSpace(v + " has failed" + back), term.Dire
	case s.out.Verdict == decision.Inconclusive:
		return strings.TrimSpace(v + " cannot be judged" + back), term.Notice
	case s.verb == "canary":
		return v + " has passed its trial" + back, term.Good
	}
	return strings.TrimPrefix(back, ": "), term.Good
}

// text prints the outcome first, then what it rests on.
func (s *shown) text(st term.Style) string {
	var b strings.Builder
	says, tone := s.headline()
	b.WriteString(st.Paint(tone, strings.ToUpper(s.out.Verdict.String())) + "  " + term.Clean(s.ask.Rollout.Service+" "+says) + "\n")
	for _, r := range s.answer().Reasons {
		b.WriteString(st.Hang(term.Plain, "  - ", r.Text))
	}
	for _, n := range s.out.Notes {
		b.WriteString(st.Hang(term.Plain, "  - ", n))
	}
	for i := range s.out.Result.Findings {
		b.WriteString(st.Hang(term.Plain, "  ", finding(&s.out.Result.Findings[i])))
	}
	for i, a := range s.advice() {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString("  " + term.Clean(a) + "\n")
	}
	if id := s.out.Decision.ID; id != "" {
		b.WriteString(st.Paint(term.Faint, "`nines why "+id+"` explains it, `nines replay "+id+"` recomputes it") + "\n")
	}
	return b.String()
}

// finding is a metric in a line.
func finding(f *judge.Finding) string {
	line := fmt.Sprintf("%s: %s in %d usable min", f.Metric, sample(f.Canary), f.Minutes)
	if f.Baseline.Total > 0 && f.Method != judge.Threshold {
		line += ", beside " + sample(f.Baseline)
	}
	if e := render.Effect(f); e != "-" {
		line += ", " + e
	}
	if e := render.Evidence(f); e != "-" {
		line += "; " + e
	}
	return line
}

// sample is what a version did: "12 of 4,312 requests bad (0.28 %)".
func sample(t judge.Tally) string {
	if t.Total == 0 && t.Rate != nil {
		return fmt.Sprintf("%.4g", *t.Rate)
	}
	text := fmt.Sprintf("%s of %s requests bad", term.Count(float64(t.Bad)), term.Count(float64(t.Total)))
	if t.Rate != nil {
		text += " (" + term.Percent(*t.Rate, 2) + ")"
	}
	return text
}

// object is what is printed as JSON: the decision, and what else is known.
func (s *shown) object() any {
	st := &s.out.State
	return struct {
		decision.Decision
		ExitCode    int             `json:"exit_code"`
		Environment string          `json:"environment,omitempty"`
		Target      string          `json:"target,omitempty"`
		Rollout     string          `json:"rollout,omitempty"`
		Version     string          `json:"version,omitempty"`
		Baseline    string          `json:"baseline,omitempty"`
		Outcome     rollout.Outcome `json:"outcome,omitempty"`
		Phase       rollout.Phase   `json:"phase,omitempty"`
		Step        int             `json:"step,omitempty"`
		Steps       int             `json:"steps,omitempty"`
		Requests    int64           `json:"requests"`
		Result      *judge.Result   `json:"result,omitempty"`
		Deployment  string          `json:"deployment,omitempty"`
		Resumed     bool            `json:"resumed,omitempty"`
		Notes       []string        `json:"notes,omitempty"`
		Advice      []string        `json:"advice,omitempty"`
	}{
		s.answer(), s.out.ExitCode, s.ask.Rollout.Environment, targetName(s), st.ID, s.version(), s.baseline(), st.Outcome, st.Phase,
		min(st.Step+1, len(st.Plan.Steps)), len(st.Plan.Steps), s.out.Requests, result(&s.out.Result), s.out.Deployed, s.out.Resumed, s.out.Notes, s.advice(),
	}
}

func targetName(s *shown) string {
	if s.ask.Rollout.Target.Kind == "" {
		return ""
	}
	return placeName(s.ask.Rollout.Target)
}

// placeName is a place without what only the program needs to know.
func placeName(p act.Place) string {
	if p.Kind == "command" {
		return "command:" + p.Params["shift"]
	}
	return p.String()
}

func result(r *judge.Result) *judge.Result {
	if len(r.Findings) == 0 {
		return nil
	}
	return r
}
