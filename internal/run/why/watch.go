package why

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	runwatch "gitlab.com/nines-sre/nines/internal/run/watch"
	"gitlab.com/nines-sre/nines/internal/watch"
)

// ofWatch says whether an entry's body is a watch's decision.
func ofWatch(body []byte) bool {
	var b struct {
		Watch json.RawMessage `json:"watch"`
	}
	return json.Unmarshal(body, &b) == nil && len(b.Watch) > 0
}

// explainWatch tells what a watch decided, what it compared, and what was done.
func explainWatch(ctx context.Context, env *run.Env, e ledger.Entry) (Explanation, error) {
	var rec watch.Record
	if err := json.Unmarshal(e.Body, &rec); err != nil {
		return Explanation{Entry: e}, fault.Wrap(fault.Corrupt, "decision "+e.ID, err, "`nines why --replay` says more")
	}
	rec.Decision.ID = e.ID
	req, d := &rec.Watch, &rec.Decision
	res := watch.Judge(*req, d.At)
	what := d.Subject
	if req.Version != "" {
		what += " " + req.Version
	}
	if req.Environment != "" {
		what += " in " + req.Environment
	}
	lines := []string{fmt.Sprintf("%s  %s, watched from %s, decided %s", strings.ToUpper(d.Verdict.String()), what, env.Show(req.Deployed), env.Show(d.At))}
	t := &teller{env: env, entry: e, dec: d}
	lines = append(lines, t.because()...)
	for i := range res.Findings {
		text := contrasted(&res.Findings[i])
		if i == 0 {
			lines = append(lines, label("Compared")+" "+text)
		} else {
			lines = append(lines, more(text))
		}
	}
	p := req.Policy.Normal()
	lines = append(lines, more(fmt.Sprintf("over %d of %d minutes; it hurts from e^%.1f on, once in %.0f watches by chance", res.Looked, p.Duration, watch.Bar(&p), 1/p.Alpha)))
	done, err := undone(ctx, env, e)
	if err != nil {
		return Explanation{Entry: e}, err
	}
	lines = append(lines, done...)
	lines = append(lines, fmt.Sprintf("%s %s, by policy %s; `nines replay %s` recomputes it", label("Recorded"), e.ID, d.Policy, e.ID))
	return Explanation{Entry: e, Decision: *d, Lines: lines}, nil
}

// contrasted is what a metric was held against.
func contrasted(f *watch.Finding) string {
	parts := []string{fmt.Sprintf("%s: %d of %d requests bad", f.Metric, f.After.Bad, f.After.Total)}
	for _, a := range f.Against {
		what := "before"
		if a.Reference != "before" {
			what = "earlier weeks"
		}
		parts = append(parts, fmt.Sprintf("%s %d of %d (evidence e^%.1f)", what, a.Tally.Bad, a.Tally.Total, a.LogE))
	}
	return strings.Join(parts, "; ")
}

// undone says what was done about a watch's decision: it stands in the entries
// behind it.
func undone(ctx context.Context, env *run.Env, e ledger.Entry) ([]string, error) {
	var out []string
	q := ledger.Query{Kinds: []ledger.Kind{ledger.KindRollout}, Subject: e.Subject, From: e.At}
	for r, err := range env.Ledger.Scan(ctx, q) {
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "read the ledger", err, "")
		}
		var b runwatch.Body
		if json.Unmarshal(r.Body, &b) != nil || b.Stage != runwatch.Stage || b.Decision != e.ID || b.Phase != runwatch.PhaseEnd {
			continue
		}
		if text := b.Undo.Text(); text != "" {
			out = append(out, label("Done")+" "+text)
		}
		if b.Incident != "" {
			out = append(out, label("Incident")+" "+b.Incident)
		}
	}
	return out, nil
}

// replayWatch recomputes a watch's decision. wrong are the differences.
func replayWatch(body []byte) (recorded, again decision.Decision, wrong []string) {
	var rec watch.Record
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&rec); err != nil {
		return rec.Decision, again, []string{"what was recorded cannot be read: " + err.Error()}
	}
	again, _ = watch.Decide(rec.Watch, rec.Decision.At)
	if sum, err := decision.Digest(rec.Watch); err != nil || sum != rec.Decision.InputDigest {
		wrong = append(wrong, "the inputs are not those it was decided on: their digest differs")
	}
	return rec.Decision, again, wrong
}
