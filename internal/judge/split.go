package judge

import (
	"fmt"
	"math"

	"gitlab.com/nines-sre/nines/internal/decision"
)

// Share is a stretch in which the canary was to have a share of the traffic.
type Share struct {
	Asked    float64 `json:"asked"` // above 0 and below 1
	Baseline int64   `json:"baseline"`
	Canary   int64   `json:"canary"`
}

// SplitResult is what [SplitCheck] found.
type SplitResult struct {
	// Verdict is Fail where the split is surely not as asked, Pass where what was
	// seen fits, Inconclusive where nothing was seen or asked for soundly.
	Verdict decision.Verdict `json:"verdict"`
	LogE    float64          `json:"log_e"`    // evidence that it is not
	Asked   float64          `json:"asked"`    // of all segments, by requests
	Seen    *float64         `json:"seen"`     // the canary's share; nil: no request
	Text    string           `json:"text"`     // in words
	Needs   float64          `json:"needs"`    // the evidence that fails it
	Total   int64            `json:"requests"` // of both
}

// believed is how many requests the asked share is worth beforehand: the larger,
// the closer the shares that are bet on lie to it. With ten, shares far off are
// found within a few requests, and small ones with many.
const believed = 10

// SplitCheck says whether the traffic was split as asked, a segment for each
// weight, with a chance of at most alpha that a split which is gets refused, at
// whatever look (Lindon and Malek, NeurIPS 2022). Segments may grow between looks;
// those that are over must not change. It needs requests that are routed one by
// one: many of one client that sticks to a version break it.
func SplitCheck(segments []Share, alpha float64) SplitResult {
	out := SplitResult{Needs: math.Log(1 / alpha)}
	var canary int64
	for _, s := range segments {
		if !(s.Asked > 0 && s.Asked < 1) || s.Baseline < 0 || s.Canary < 0 || s.Baseline > most || s.Canary > most || !(alpha > 0 && alpha < 1) {
			out.Text = fmt.Sprintf("The split cannot be checked: %v of the traffic, %d and %d requests.", s.Asked, s.Canary, s.Baseline)
			return out
		}
		n := s.Baseline + s.Canary
		out.LogE += SplitEvidence(s, believed)
		out.Asked += s.Asked * float64(n)
		out.Total += n
		canary += s.Canary
	}
	if out.Total == 0 {
		out.Text = "No request was seen, so nothing is known about the split."
		return out
	}
	seen := float64(canary) / float64(out.Total)
	out.Asked /= float64(out.Total)
	out.Seen = &seen
	out.Verdict = decision.Pass
	word := "that fits"
	if out.LogE >= out.Needs {
		out.Verdict = decision.Fail
		word = "that is not the split that was asked for; by chance it comes once in " + often(out.LogE) + " rollouts at most"
	}
	out.Text = fmt.Sprintf("The canary had %s of %s, %s were asked for: %s.",
		percent(seen), plural(out.Total, "request", "requests"), percent(out.Asked), word)
	return out
}

// SplitEvidence is the logarithm of the e-value of one segment: how much better
// shares around the asked one, which is worth some requests, explain what was seen
// than the asked one itself. It serves errors that are split by traffic just as
// well as traffic.
func SplitEvidence(s Share, worth float64) float64 {
	a, b := worth*s.Asked, worth*(1-s.Asked)
	c, n := float64(s.Canary), float64(s.Baseline)
	return logBeta(a+c, b+n) - logBeta(a, b) - c*math.Log(s.Asked) - n*math.Log1p(-s.Asked)
}

func logBeta(a, b float64) float64 {
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	return la + lb - lab
}
