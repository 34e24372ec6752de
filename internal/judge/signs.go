package judge

import (
	"math"
	"slices"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge/eprocess"
)

// signs judges values that are no counts: in how many minutes is the canary's
// value beyond the baseline's? Were both alike it would be in half of them,
// whatever the values are like and however both drift. It takes minutes to be
// independent of each other given what both share.
type signs struct {
	m           *Metric
	p           *Policy
	harm, slack Margin
	n           float64 // minutes in which both have a value
	up, down    wins
	diffs       []float64
	base, can   float64 // sums
	out         outcome
}

// wins counts one direction.
type wins struct {
	harm, harmOf float64 // beyond the margin; ties with it are left out
	pass         float64 // beyond the slack, ties with it too
}

func newSigns(m *Metric, p *Policy) *signs {
	s := &signs{m: m, p: p, harm: p.margin(m), slack: p.slack(m, Margin{Ratio: valueSlack})}
	s.out.byE = true
	return s
}

// beyond is how far a value lies above what a margin allows beside another.
func (m Margin) beyond(canary, base float64) float64 {
	return canary - base - max(m.Add, max(m.Ratio-1, 0)*math.Abs(base))
}

func (w *wins) add(harm, pass float64) {
	if harm != 0 {
		w.harmOf++
	}
	if harm > 0 {
		w.harm++
	}
	if pass >= 0 {
		w.pass++
	}
}

func (s *signs) run() outcome {
	floor := math.Log(1 / s.p.Alpha)
	for i := range s.m.Samples {
		b, c := s.m.Samples[i].Baseline.Value, s.m.Samples[i].Canary.Value
		if b == nil || c == nil {
			continue
		}
		s.n++
		s.base += *b
		s.can += *c
		s.diffs = append(s.diffs, *c-*b)
		s.up.add(s.harm.beyond(*c, *b), s.slack.beyond(*c, *b))
		s.down.add(s.harm.beyond(-*c, -*b), s.slack.beyond(-*c, -*b))
		log := s.evidence(func(w *wins) float64 { return eprocess.Above(w.harm, w.harmOf, .5) }, eprocess.Mean)
		s.out.LogE = max(s.out.LogE, log)
		s.out.track.add(s.m.Samples[i].At, log, floor)
		pass := s.evidence(func(w *wins) float64 { return eprocess.Below(w.pass, s.n, .5) }, smaller)
		s.out.LogEPass = max(s.out.LogEPass, pass)
	}
	return s.finding()
}

// smaller is for what both directions have to show.
func smaller(logs ...float64) float64 { return slices.Min(logs) }

// evidence is that of the direction that counts, or of both put together.
func (s *signs) evidence(of func(*wins) float64, both func(...float64) float64) float64 {
	switch s.m.Worse {
	case Decrease:
		return of(&s.down)
	case Either:
		return both(of(&s.up), of(&s.down))
	case Increase:
	}
	return of(&s.up)
}

func (s *signs) finding() outcome {
	out := &s.out
	mb, mc := s.base/s.n, s.can/s.n
	if finite(mb) && finite(mc) { // sums of the largest numbers are beyond numbers
		out.Baseline.Rate, out.Canary.Rate = &mb, &mc
	}
	slices.Sort(s.diffs)
	out.EffectUnit = s.m.Unit
	if mid := s.diffs[len(s.diffs)/2]; finite(mid) {
		out.Effect = &mid
	}
	s.interval()
	out.Class = ClassOpen
	if out.LogEPass >= math.Log(1/s.p.Beta) {
		out.Verdict, out.Class = decision.Pass, ClassPass
	}
	return s.out
}

// interval is of the median difference: what the signs do not speak against.
func (s *signs) interval() {
	need, n := math.Log(2/s.p.Alpha), len(s.diffs)
	for k := n / 2; k >= 0; k-- { // k differences lie below the bound
		if eprocess.Below(float64(k), float64(n), .5) >= need {
			if lo, hi := s.diffs[k], s.diffs[n-1-k]; finite(lo) && finite(hi) {
				s.out.Low, s.out.High = &lo, &hi
			}
			return
		}
	}
}
