package judge

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Judge answers a request. It looks at every minute from the first on, so a longer
// request says at least what a shorter one said: what failed stays failed. A
// request that is unsound is inconclusive and says why; it never passes.
func Judge(r Request) Result {
	if err := r.check(); err != nil {
		return Result{Findings: []Finding{}, Reasons: []decision.Reason{{Code: "invalid", Text: err.Error()}}}
	}
	p := r.Policy.Normal()
	outs := make([]outcome, len(r.Metrics))
	metrics := make([]Metric, len(r.Metrics))
	for i := range r.Metrics {
		metrics[i] = r.usable(r.Metrics[i])
		outs[i] = judged(&metrics[i], &p)
	}
	settle(outs, p.Alpha)
	res := Result{Findings: make([]Finding, len(outs))}
	res.Verdict, res.Score = verdict(outs, &p)
	if p.compatible() {
		res.Verdict, res.Score = kayentaScore(outs, &p)
	}
	for i := range outs {
		outs[i].explain(&p, &metrics[i])
		outs[i].because()
		res.Findings[i] = outs[i].Finding
	}
	res.Reasons = reasons(res, &p)
	return res
}

// check says what is wrong with a request, nil for nothing.
func (r *Request) check() error {
	if err := r.Policy.Check(); err != nil {
		return err
	}
	if len(r.Metrics) == 0 {
		return invalid("there is no metric to judge by")
	}
	seen := map[string]bool{}
	for i := range r.Metrics {
		switch name := r.Metrics[i].Name; {
		case name == "":
			return invalid("metric %d has no name", i+1)
		case seen[name]:
			return invalid("there are two metrics %q", name)
		default:
			seen[name] = true
		}
	}
	return nil
}

// usable is a metric with the minutes of the request alone.
func (r *Request) usable(m Metric) Metric {
	s := m.Samples
	if r.To > r.From && slices.IsSortedFunc(s, func(a, b Sample) int { return cmp.Compare(a.At, b.At) }) {
		from, _ := slices.BinarySearchFunc(s, r.From, func(s Sample, at slo.Minute) int { return cmp.Compare(s.At, at) })
		to, _ := slices.BinarySearchFunc(s, r.To, func(s Sample, at slo.Minute) int { return cmp.Compare(s.At, at) })
		s = s[from:to]
	}
	m.Samples = s
	return m
}

// reasons are the findings that decide, the worst first, then what the metrics
// come to.
func reasons(r Result, p *Policy) []decision.Reason {
	fs := slices.Clone(r.Findings)
	slices.SortStableFunc(fs, func(a, b Finding) int {
		if a.Verdict != b.Verdict {
			if a.Verdict.WorseThan(b.Verdict) {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Metric, b.Metric)
	})
	var out []decision.Reason
	for _, f := range fs {
		if !f.Muted {
			out = append(out, decision.Reason{Code: code(&f), Text: f.Metric + ": " + f.Text})
		}
	}
	if len(out) == 0 {
		return []decision.Reason{{Code: "muted", Text: "Every metric is muted: nothing decides."}}
	}
	if len(out) > 1 && r.Score != nil {
		text := fmt.Sprintf("The metrics that are known come to %s of 100; it passes from %s and is not failed from %s.",
			number(*r.Score), number(p.Pass), number(p.Marginal))
		out = append(out, decision.Reason{Code: "score", Text: text})
	}
	return out
}

// code is a finding in a word for machines.
func code(f *Finding) string {
	switch {
	case f.Class == ClassNodata || f.Class == ClassNodataFail:
		return "no-data"
	case f.Class == ClassError:
		return "error"
	case f.Verdict == decision.Fail:
		return "worse"
	case f.Verdict == decision.Pass:
		return "no-worse"
	}
	return "not-sure"
}

// Decide answers a request as a decision that can be recorded and replayed.
func Decide(r Request, now time.Time) (decision.Decision, Result) {
	res := Judge(r)
	d := decision.Decision{
		Subject: r.Subject, Verdict: res.Verdict, Reasons: res.Reasons,
		Evidence: evidence(res), Policy: "judge", At: now.UTC(),
	}
	digest, err := decision.Digest(r)
	if err != nil { // a request that cannot be recorded decides nothing
		d.Verdict, res.Verdict = decision.Inconclusive, decision.Inconclusive
		d.Reasons = []decision.Reason{{Code: "invalid", Text: err.Error()}}
	}
	d.InputDigest = digest
	return d, res
}

// evidence are the numbers of the findings.
func evidence(r Result) []decision.Evidence {
	out := []decision.Evidence{}
	number := func(name, unit string, v *float64) {
		out = append(out, decision.Evidence{Name: name, Value: v, Unit: unit})
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		whole := func(n int64) *float64 { v := float64(n); return &v }
		number(f.Metric+" canary requests", "requests", whole(f.Canary.Total))
		number(f.Metric+" canary bad", "requests", whole(f.Canary.Bad))
		number(f.Metric+" baseline requests", "requests", whole(f.Baseline.Total))
		number(f.Metric+" baseline bad", "requests", whole(f.Baseline.Bad))
		number(f.Metric+" effect", f.EffectUnit, f.Effect)
		number(f.Metric+" effect from", f.EffectUnit, f.Low)
		number(f.Metric+" effect to", f.EffectUnit, f.High)
		number(f.Metric+" detectable effect", f.EffectUnit, f.Detectable)
		number(f.Metric+" log e-value", "", &f.LogE)
		number(f.Metric+" log e-value to pass", "", &f.LogEPass)
	}
	number("score", "", r.Score)
	return out
}
