package why

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/render"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/canary"
	"gitlab.com/nines-sre/nines/internal/run/lease"
)

// ofJudge says whether an entry's body is a judge's decision.
func ofJudge(body []byte) bool {
	var b struct {
		Judge json.RawMessage `json:"judge"`
	}
	return json.Unmarshal(body, &b) == nil && len(b.Judge) > 0
}

// explainJudge tells what was compared, what it is worth, in which step of which
// rollout, and what was done about it.
func explainJudge(ctx context.Context, env *run.Env, e ledger.Entry) (Explanation, error) {
	var rec canary.Record
	if err := json.Unmarshal(e.Body, &rec); err != nil {
		return Explanation{Entry: e}, fault.Wrap(fault.Corrupt, "decision "+e.ID, err, "`nines why --replay` says more")
	}
	rec.Decision.ID = e.ID
	d := &rec.Decision
	what := d.Subject
	if a := rec.Rollout; a != nil {
		what = strings.Join(strings.Fields(what+" "+a.Version), " ")
		if a.Environment != "" {
			what += " to " + a.Environment
		}
	}
	line := fmt.Sprintf("%s  %s, judged %s", strings.ToUpper(d.Verdict.String()), what, env.Show(d.At))
	if e.Actor != "" && e.Actor != "unknown" {
		line += " for " + e.Actor
	}
	lines := []string{line}
	t := &teller{env: env, entry: e, dec: d}
	lines = append(lines, t.because()...)
	lines = append(lines, compared(&rec)...)
	if a := rec.Rollout; a != nil {
		lines = append(lines, step(a))
		done, err := happened(ctx, env, e, a)
		if err != nil {
			return Explanation{Entry: e}, err
		}
		lines = append(lines, done...)
	}
	lines = append(lines, fmt.Sprintf("%s %s, on the minutes from %s to %s; `nines replay %s` recomputes it",
		label("Recorded"), e.ID, env.Show(rec.Judge.From.Time()), env.Show(rec.Judge.To.Time()), e.ID))
	return Explanation{Entry: e, Decision: *d, Lines: lines}, nil
}

// compared are the metrics: both versions, the effect, the evidence.
func compared(rec *canary.Record) []string {
	out := make([]string, 0, len(rec.Result.Findings))
	for i := range rec.Result.Findings {
		text := found(&rec.Result.Findings[i])
		if i == 0 {
			out = append(out, label("Compared")+" "+text)
		} else {
			out = append(out, more(text))
		}
	}
	return out
}

// found is a metric in a line.
func found(f *judge.Finding) string {
	text := fmt.Sprintf("%s by %s: %s", f.Metric, f.Method, tally(f.Canary))
	if f.Method != judge.Threshold {
		text += ", beside " + tally(f.Baseline)
	}
	text += fmt.Sprintf(", in %d min", f.Minutes)
	if f.Effect != nil {
		text += fmt.Sprintf("; effect %.4g", *f.Effect)
		if f.Low != nil && f.High != nil {
			text += fmt.Sprintf(" (%.4g to %.4g)", *f.Low, *f.High)
		}
		text = strings.TrimSpace(text + " " + f.EffectUnit)
	}
	if f.LogE > 0 || f.LogEPass > 0 {
		text += fmt.Sprintf("; evidence %.3g : 1 that it is worse, %.3g : 1 that it is not", odds(f.LogE), odds(f.LogEPass))
	}
	if f.Detectable != nil {
		text += fmt.Sprintf("; an effect of %.4g would have shown", *f.Detectable)
	}
	if f.Missing > 0 {
		text += "; " + render.Missing(f.Missing)
	}
	if f.Muted {
		text += " (muted)"
	}
	return text
}

func odds(log float64) float64 {
	const most = 13.8 // a million
	return math.Exp(min(log, most))
}

func tally(t judge.Tally) string {
	if t.Total == 0 && t.Rate != nil {
		return fmt.Sprintf("%.4g", *t.Rate)
	}
	return fmt.Sprintf("%d of %d requests bad", t.Bad, t.Total)
}

// step says where in its rollout a decision was taken.
func step(a *canary.About) string {
	text := fmt.Sprintf("step %d of %d of rollout %s", a.Step, a.Steps, a.ID)
	if a.Weight > 0 {
		target, _, _ := strings.Cut(a.Target, "?") // what it is; how it is reached is in the record
		text += ", " + rollout.Percent(a.Weight) + " of " + target
	}
	if a.Baseline != "" {
		text += ", beside " + a.Baseline
	}
	return label("In") + " " + text + "; then: " + a.Next
}

// happened says what came of the rollout: its end, as far as it is recorded.
func happened(ctx context.Context, env *run.Env, e ledger.Entry, a *canary.About) ([]string, error) {
	q := ledger.Query{Kinds: []ledger.Kind{ledger.KindRollout}, Subject: e.Subject, From: e.At}
	for r, err := range env.Ledger.Scan(ctx, q) {
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "read the ledger", err, "")
		}
		var b lease.Body
		if json.Unmarshal(r.Body, &b) != nil || b.Stage != lease.Stage || b.Rollout != a.ID || b.Phase != lease.End {
			continue
		}
		text := fmt.Sprintf("%s at %s", b.State.Outcome, env.Show(r.At))
		if n := len(b.State.Reasons); n > 0 {
			text += ": " + b.State.Reasons[n-1].Text
		}
		return []string{label("Ended") + " " + text}, nil
	}
	return []string{label("Ended") + " not yet, as far as it is recorded"}, nil
}

// replayJudge recomputes a judge's decision. wrong are the differences.
func replayJudge(body []byte) (recorded, again decision.Decision, wrong []string) {
	var rec canary.Record
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&rec); err != nil {
		return rec.Decision, again, []string{"what was recorded cannot be read: " + err.Error()}
	}
	again, res := judge.Decide(rec.Judge, rec.Decision.At)
	if sum, err := decision.Digest(rec.Judge); err != nil || sum != rec.Decision.InputDigest {
		wrong = append(wrong, "the inputs are not those it was decided on: their digest differs")
	}
	was, errA := decision.Digest(rec.Result)
	is, errB := decision.Digest(res)
	if errA != nil || errB != nil || was != is {
		wrong = append(wrong, "the findings were recorded otherwise than they come out")
	}
	return rec.Decision, again, wrong
}
