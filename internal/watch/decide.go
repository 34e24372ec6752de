package watch

import (
	"math"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
)

// PolicyName is the policy that a watch's decisions name.
const PolicyName = "watch"

// Record is the body of a watch's decision in the ledger: the decision and
// everything it rests on. The decision's ID is empty there: it is the entry's.
type Record struct {
	Watch    Request           `json:"watch"`
	Decision decision.Decision `json:"decision"`
}

// Decide answers one look as a decision.
func Decide(req Request, now time.Time) (decision.Decision, Result) {
	now = now.UTC().Truncate(time.Second)
	res := Judge(req, now)
	d := decision.Decision{Subject: req.Subject, Verdict: res.Verdict, Reasons: res.Reasons, Policy: PolicyName, At: now, Evidence: evidence(&req, &res)}
	if sum, err := decision.Digest(req); err == nil {
		d.InputDigest = sum
	}
	return d, res
}

// evidence is what the decision rests on, as numbers.
func evidence(req *Request, res *Result) []decision.Evidence {
	p := req.Policy.Normal()
	var out []decision.Evidence
	add := func(name string, v *float64, unit string) {
		out = append(out, decision.Evidence{Name: name, Value: v, Unit: unit})
	}
	add("minutes", new(float64(res.Looked)), "min")
	add("of", new(float64(p.Duration)), "min")
	add("evidence", new(finite(res.LogE)), "ln")
	add("bar", new(math.Log(1/p.Alpha)), "ln")
	for i := range res.Findings {
		f := &res.Findings[i]
		add(f.Metric+" requests", new(float64(f.After.Total)), "requests")
		add(f.Metric+" bad", f.After.Rate(), "ratio")
		for j := range f.Against {
			a := &f.Against[j]
			name := f.Metric + " " + a.Reference
			add(name, a.Tally.Rate(), "ratio")
			add(name+" evidence", new(finite(a.LogE)), "ln")
			add(name+" detectable", a.Detectable, "ratio")
			add(name+" dispersion", new(finite(a.Dispersion)), "")
		}
	}
	return out
}

// finite keeps a number within what JSON can say.
func finite(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return max(-1e300, min(x, 1e300))
}

// Do is what a shell is to do next.
type Do string

// What there is to do.
const (
	DoWait Do = "wait" // look again in a minute
	DoUndo Do = "undo" // roll back, verify, and end
	DoEnd  Do = "end"
)

// State is what a watch remembers beside what can be measured again.
type State struct {
	Looks  int  `json:"looks"`
	Undone bool `json:"undone,omitempty"` // a rollback was begun
}

// Next takes a look in: the state behind it, the decision, and what is to be done.
func Next(s State, req Request, now time.Time) (State, decision.Decision, Result, Do) {
	d, res := Decide(req, now)
	s.Looks++
	switch {
	case !res.Over:
		return s, d, res, DoWait
	case res.Verdict == decision.Fail && req.Policy.Undo == UndoAuto && !s.Undone:
		s.Undone = true
		return s, d, res, DoUndo
	}
	return s, d, res, DoEnd
}
