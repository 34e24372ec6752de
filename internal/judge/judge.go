// Package judge compares a canary with what serves beside it, and says whether it
// is worse, as good, or not known yet. It only computes: what was counted comes
// in, minute by minute, and every verdict carries its effect, interval, sample
// and evidence.
//
// The arithmetic of the methods lives in folders below and knows only numbers;
// here it gets one shape: a metric and a policy in, a finding out, and the
// findings together are one verdict.
package judge

import (
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Method is a way to judge one metric.
type Method string

// The methods.
const (
	EProcess    Method = "eprocess"    // anytime-valid tests on counts or histograms; the default
	MannWhitney Method = "mannwhitney" // ranks of values per minute, as Kayenta's judge
	Threshold   Method = "threshold"   // a limit for the canary alone
)

// Methods returns the methods, the default first.
func Methods() []Method { return []Method{EProcess, MannWhitney, Threshold} }

// Arm is what one version did in one minute. The zero value is a minute without
// requests.
type Arm struct {
	// Total is how many requests it had, Bad how many of them were bad (failed, or
	// slower than the bound). 0 <= Bad <= Total.
	Total int64 `json:"total,omitempty"`
	Bad   int64 `json:"bad,omitempty"`
	// Value is a number of the minute that is no count (a percentile, a mean, CPU);
	// nil: there is none. NaN and infinity are not allowed.
	Value *float64 `json:"value,omitempty"`
	// Buckets counts requests by value: Buckets[0] is up to and with Edges[0], the
	// last is beyond the last edge. nil: there are none.
	Buckets []int64 `json:"buckets,omitempty"`
}

// Sample is one minute of both versions, measured in both.
type Sample struct {
	At       slo.Minute `json:"at"`
	Baseline Arm        `json:"baseline"`
	Canary   Arm        `json:"canary"`
}

// Direction is which way a value gets worse. Counts of bad requests always get
// worse upwards.
type Direction string

// The directions; the zero value is Increase.
const (
	Increase Direction = ""
	Decrease Direction = "decrease"
	Either   Direction = "either"
)

// Margin is how much worse the canary may be. The zero value allows nothing: any
// difference counts.
type Margin struct {
	Add   float64 `json:"add,omitempty"`   // canary's rate up to baseline's plus this (0.001: a tenth of a percentage point)
	Ratio float64 `json:"ratio,omitempty"` // or up to this times baseline's; above 1
}

// Limit is a limit for the canary alone.
type Limit struct {
	// Good is the least share of good requests, 0 to 1 (0.99 for --threshold 99).
	Good float64 `json:"good,omitempty"`
	// Value is the most that [Arm.Value] may be, or the least with Below.
	Value *float64 `json:"value,omitempty"`
	Below bool     `json:"below,omitempty"`
	// Count is the most bad requests in the whole stretch; nil: no such limit.
	Count *int64 `json:"count,omitempty"`
}

// Metric is one thing that is compared.
type Metric struct {
	Name  string `json:"name"`
	Group string `json:"group,omitempty"` // shares a weight; "": one of its own
	Unit  string `json:"unit,omitempty"`  // of values and edges
	// Method is how it is judged; "": the policy's.
	Method Method    `json:"method,omitempty"`
	Worse  Direction `json:"worse,omitempty"`
	// Critical: where it fails, all fails.
	Critical bool `json:"critical,omitempty"`
	// Muted: judged and shown, decides nothing.
	Muted  bool      `json:"muted,omitempty"`
	Margin *Margin   `json:"margin,omitempty"` // nil: the policy's
	Limit  *Limit    `json:"limit,omitempty"`  // nil: the policy's; for Threshold
	Edges  []float64 `json:"edges,omitempty"`  // upper edges of Buckets, ascending
	// Samples are the minutes, ascending. A minute that is not measured on both
	// sides is left out.
	Samples []Sample `json:"samples"`
}

// Policy is how it is judged. The zero value is completed by [Policy.Normal].
type Policy struct {
	Method Method `json:"method,omitempty"` // "": eprocess
	// Alpha bounds the chance that a good canary fails, Beta that a bad one (worse
	// by more than the margin) passes, over all metrics and all looks. 0: 0.05.
	Alpha float64 `json:"alpha,omitempty"`
	Beta  float64 `json:"beta,omitempty"`
	// Margin is how much worse the canary may be; Slack is the margin of the
	// mirrored test, by which it passes: zero: Margin, and where that is zero too,
	// one percentage point for counts and a tenth for values.
	Margin Margin `json:"margin,omitzero"`
	Slack  Margin `json:"slack,omitzero"`
	// Prior is the rate of bad requests that is expected before anything is
	// counted. 0: 0.001.
	Prior float64 `json:"prior,omitempty"`
	// Limit is for Threshold.
	Limit *Limit `json:"limit,omitempty"`
	// Least is how many requests each version has to have before anything passes.
	Least int64 `json:"least,omitempty"`
	// Bursts takes the minute for the unit of evidence, not the request: for errors
	// that come in bursts, retries among them. It needs many more minutes.
	Bursts bool `json:"bursts,omitempty"`
	// Weights are of groups, in per cent; groups without one share the rest. A
	// metric without a group is one, by its name. Empty: all alike.
	Weights map[string]float64 `json:"weights,omitempty"`
	// Pass and Marginal are scores, 0 to 100, from which it passes and from which
	// it is not failed. 0: 95 and 75.
	Pass     float64 `json:"pass,omitempty"`
	Marginal float64 `json:"marginal,omitempty"`
	// Kayenta judges MannWhitney as Kayenta does, its faults included.
	Kayenta *Kayenta `json:"kayenta,omitempty"`
}

// Kayenta are the settings of the judge of that name, for MannWhitney. Without
// Compatible they mean the same for the tests without its faults, but that an
// interval's confidence is at least what alpha leaves, that Tolerance is the share
// of the baseline's median that a pass rules out, and that outliers are kept.
type Kayenta struct {
	Compatible bool    `json:"compatible,omitempty"`
	Confidence float64 `json:"confidence,omitempty"` // 0: 0.98
	Tolerance  float64 `json:"tolerance,omitempty"`  // 0: 0.25
	// Effect is meanRatio or cles; the allowed effects are of that measure. 0:
	// 1.0, and 0.5 for cles.
	Effect           string  `json:"effect,omitempty"`
	AllowedIncrease  float64 `json:"allowed_increase,omitempty"`
	AllowedDecrease  float64 `json:"allowed_decrease,omitempty"`
	CriticalIncrease float64 `json:"critical_increase,omitempty"`
	CriticalDecrease float64 `json:"critical_decrease,omitempty"`
	// NaN is remove or replace; Outliers keep or remove, with OutlierFactor (0: 3).
	NaN           string  `json:"nan,omitempty"`
	Outliers      string  `json:"outliers,omitempty"`
	OutlierFactor float64 `json:"outlier_factor,omitempty"`
	MustHaveData  bool    `json:"must_have_data,omitempty"`
}

// Class is what a metric was found to be, in Kayenta's words.
type Class string

// The classes.
const (
	ClassPass   Class = "Pass"
	ClassHigh   Class = "High"
	ClassLow    Class = "Low"
	ClassNodata Class = "Nodata"
	ClassError  Class = "Error"
	// ClassNodataFail is Nodata of a metric that must have data.
	ClassNodataFail Class = "NodataFailMetric"
	// ClassOpen is not known yet; Kayenta has no such class.
	ClassOpen Class = "Open"
)

// Tally is what one version did over all minutes.
type Tally struct {
	Total int64    `json:"total"`
	Bad   int64    `json:"bad"`
	Rate  *float64 `json:"rate"` // Bad/Total, or the mean of values; nil: nothing was counted
}

// Finding is what was found about one metric.
type Finding struct {
	Metric  string           `json:"metric"`
	Group   string           `json:"group,omitempty"`
	Method  Method           `json:"method"`
	Verdict decision.Verdict `json:"verdict"`
	Class   Class            `json:"class"`
	// Critical says that it decides alone.
	Critical bool       `json:"critical,omitempty"`
	Muted    bool       `json:"muted,omitempty"`
	Minutes  int        `json:"minutes"`
	Decided  slo.Minute `json:"decided,omitempty"` // the minute at which it was sure; 0: never
	Baseline Tally      `json:"baseline"`
	Canary   Tally      `json:"canary"`
	// Effect is how much worse the canary is, in EffectUnit ("rate": difference of
	// rates; "ratio"; the metric's unit); Low and High hold it with the policy's
	// confidence at every look. nil: not known.
	Effect     *float64 `json:"effect"`
	Low        *float64 `json:"low"`
	High       *float64 `json:"high"`
	EffectUnit string   `json:"effect_unit,omitempty"`
	// LogE is the evidence that it is worse, LogEPass that it is not: natural
	// logarithms of e-values, the largest of any look. 0 for methods without.
	LogE     float64 `json:"log_e"`
	LogEPass float64 `json:"log_e_pass"`
	// Detectable is the least effect that this sample would have shown (power
	// 80 %), in EffectUnit. nil: nothing.
	Detectable *float64 `json:"detectable"`
	// Missing is how many more requests of the canary a pass would need at least;
	// 0: none, or not known.
	Missing int64 `json:"missing,omitempty"`
	// Dispersion is the variance of per-minute counts beside that of independent
	// requests, the worse of the two versions: far above 1, requests do not fail
	// one by one. nil: not known.
	Dispersion *float64 `json:"dispersion,omitempty"`
	Text       string   `json:"text"` // the sentence that explains it
}

// Request is a whole question: what [Judge] answers, and what a replay asks again.
type Request struct {
	Subject string     `json:"subject"`
	Policy  Policy     `json:"policy"`
	Metrics []Metric   `json:"metrics"`
	From    slo.Minute `json:"from"` // the first minute of the comparison
	To      slo.Minute `json:"to"`   // the frontier: minutes before it are usable
}

// Result is the answer.
type Result struct {
	Verdict  decision.Verdict  `json:"verdict"`
	Score    *float64          `json:"score"` // 0 to 100; nil: nothing was judged
	Findings []Finding         `json:"findings"`
	Reasons  []decision.Reason `json:"reasons"`
}
