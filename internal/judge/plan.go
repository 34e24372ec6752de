package judge

import (
	"math"

	"gitlab.com/nines-sre/nines/internal/judge/eprocess"
)

// Traffic is what a canary will get.
type Traffic struct {
	Rate   float64 `json:"rate"`   // requests a minute to both versions together
	Weight float64 `json:"weight"` // the canary's share of them, above 0 and below 1
	Errors float64 `json:"errors"` // rate of bad requests of a version that is good
}

// Sight is how long it takes to see one thing. Minutes and requests are nil where
// it is not seen within a hundred years.
type Sight struct {
	What     string   `json:"what"`
	Canary   float64  `json:"canary"` // the canary's rate of bad requests
	Minutes  *float64 `json:"minutes"`
	Requests *float64 `json:"canary_requests"`
	Baseline *float64 `json:"baseline_requests"`
	// Bad is how many requests the canary has failed by then, beyond those that the
	// other version would have.
	Bad *float64 `json:"harmed"`
}

// Outlook is what a canary can see.
type Outlook struct {
	Traffic Traffic `json:"traffic"`
	Margin  Margin  `json:"margin"`
	Slack   Margin  `json:"slack"`
	Alpha   float64 `json:"alpha"`
	Beta    float64 `json:"beta"`
	Minutes float64 `json:"minutes"` // the length of the canary; 0: not given
	// Worse are canaries that are worse, and when four of five of them are found.
	Worse []Sight `json:"worse"`
	// Pass is when four of five canaries that are as good as the baseline have
	// passed; Floor is below what nothing can pass: the evidence a request gives on
	// average, so many times that it is enough.
	Pass  Sight `json:"pass"`
	Floor Sight `json:"floor"`
	// Detectable is the least rate of a canary that one of Minutes shows, with a
	// chance of 80 %; nil: none, or no length.
	Detectable *float64 `json:"detectable"`
	// Enough says that Minutes let a good canary pass with a chance of 80 %.
	Enough bool `json:"enough"`
	// Weights are other shares, for the first of Worse that one can hope to see;
	// Best is the share that is fastest.
	Weights []WeightSight `json:"weights"`
	Best    float64       `json:"best_weight"`
}

// WeightSight is what another share would do: the minutes until a good canary
// passes, and until a bad one is found.
type WeightSight struct {
	Weight float64  `json:"weight"`
	Pass   *float64 `json:"pass_minutes"`
	Found  *float64 `json:"found_minutes"`
	Bad    *float64 `json:"harmed"`
}

// times are the effects that are asked about: a canary whose rate is so many times
// as high.
func times() [4]float64 { return [4]float64{2, 3, 5, 10} }

// Plan says what a canary of a traffic sees, of a length in minutes (0: not
// given), at weights up to a limit. It is approximate where the test is exact: it
// takes rates to be steady. Errors are fault.Invalid.
func Plan(t Traffic, p Policy, minutes, limit float64) (Outlook, error) {
	if err := p.Check(); err != nil {
		return Outlook{}, err
	}
	switch {
	case !(t.Rate > 0 && t.Rate < 1e12):
		return Outlook{}, invalid("%v requests a minute: nothing can be seen without requests", t.Rate)
	case !(t.Weight > 0 && t.Weight < 1):
		return Outlook{}, invalid("a weight of %v: the canary's share is above 0 and below 1 (5 %% is 0.05)", t.Weight)
	case !(t.Errors >= 0 && t.Errors < .5):
		return Outlook{}, invalid("errors of %v: the rate of bad requests of a good version is from 0 to below 0.5", t.Errors)
	case !(limit > 0 && limit < 1):
		return Outlook{}, invalid("a limit of %v for the weight: it is above 0 and below 1", limit)
	case !(minutes >= 0 && minutes < forever):
		return Outlook{}, invalid("%v minutes: a length is not negative", minutes)
	}
	p = p.Normal()
	m := Metric{}
	o := Outlook{
		Traffic: t, Margin: p.margin(&m), Slack: p.slack(&m, Margin{Add: defaultSlack}), Alpha: p.Alpha, Beta: p.Beta, Minutes: minutes,
	}
	o.worse()
	o.certify()
	if s := t.after(minutes); minutes > 0 {
		if d, ok := detectable(s, o.Margin, o.Alpha); ok {
			d += s.rate
			o.Detectable = &d
		}
		o.Enough = o.Pass.Minutes != nil && *o.Pass.Minutes <= minutes
	}
	o.weights(limit)
	return o, nil
}

// forever is a hundred years, in minutes.
const forever = 100 * 366 * 24 * 60

// after is the sample after a number of minutes.
func (t Traffic) after(minutes float64) sample {
	n := t.Rate * minutes
	return sample{nb: n * (1 - t.Weight), nc: n * t.Weight, rate: max(t.Errors, 1e-9)}
}

// first returns the first whole minute in which a sample is enough; nil: never.
func (t Traffic) first(enough func(sample) bool) *float64 {
	lo, hi := 0.0, 1.0
	for !enough(t.after(hi)) {
		if lo, hi = hi, 2*hi; hi > forever {
			return nil
		}
	}
	for hi-lo > 1 {
		if m := math.Floor((lo + hi) / 2); enough(t.after(m)) {
			hi = m
		} else {
			lo = m
		}
	}
	return &hi
}

// sight says when a sample is enough.
func (t Traffic) sight(what string, canary float64, enough func(sample) bool) Sight {
	out := Sight{What: what, Canary: canary, Minutes: t.first(enough)}
	if out.Minutes == nil {
		return out
	}
	s := t.after(*out.Minutes)
	bad := s.nc * max(canary-t.Errors, 0)
	out.Requests, out.Baseline, out.Bad = &s.nc, &s.nb, &bad
	return out
}

// worse looks at canaries that are worse: by factors, and twice as far off as the
// margin allows.
func (o *Outlook) worse() {
	o.Worse = []Sight{}
	add := func(what string, canary float64) {
		if canary < 1 && canary > 0 {
			o.Worse = append(o.Worse, o.Traffic.sight(what, canary, func(s sample) bool { return o.found(s, canary) }))
		}
	}
	for _, n := range times() {
		add(number(n)+" times the errors", n*o.Traffic.Errors)
	}
	for _, n := range []float64{.01, .05} {
		add(points(n)+" more", o.Traffic.Errors+n)
	}
	if m := o.Margin.Add; m > 0 {
		add("twice the margin", o.Traffic.Errors+2*m)
	}
}

func (o *Outlook) found(s sample, canary float64) bool {
	return s.shown(canary, o.Margin, math.Log(1/o.Alpha))
}

// certify looks at a canary that is as good as the baseline.
func (o *Outlook) certify() {
	o.Pass = o.Traffic.sight("as good, and passed", o.Traffic.Errors, o.passed)
	o.Floor = o.Traffic.sight("nothing passes before", o.Traffic.Errors, func(s sample) bool {
		mean, _ := s.good(o.Slack)
		return mean >= math.Log(1/o.Beta)
	})
}

// spread is what the bets of the mirrored test cost.
const spread = 0.9

func (o *Outlook) passed(s sample) bool {
	mean, sd := s.good(o.Slack)
	return mean-math.Sqrt2*math.Erfinv(2*power-1)*sd >= math.Log(1/o.Beta)+spread
}

// good is the evidence that a canary as good as the baseline gives for a pass: its
// mean and deviation.
func (s sample) good(slack Margin) (mean, sd float64) {
	if slack.Add == 0 {
		xb, xc := s.nb*s.rate, s.nc*s.rate
		theta, q := slack.Ratio*s.nc/(slack.Ratio*s.nc+s.nb), s.nc/(s.nc+s.nb)
		return (xb + xc) * eprocess.Divergence(q, theta), math.Sqrt((xb + xc) * scatter(q, theta))
	}
	h := eprocess.Hardest(eprocess.Arms{Nb: s.nb, Pb: s.rate, Nc: s.nc, Pc: s.rate}, slack.Add)
	mean = s.nc*eprocess.Divergence(s.rate, h.Pc) + s.nb*eprocess.Divergence(s.rate, h.Pb)
	return mean, math.Sqrt(s.nc*scatter(s.rate, h.Pc) + s.nb*scatter(s.rate, h.Pb))
}

// weights looks at other shares. The canary that is to be found has five times the
// errors, or a percentage point more where there are none.
func (o *Outlook) weights(limit float64) {
	bad := max(5*o.Traffic.Errors, o.Traffic.Errors+defaultSlack)
	if bad >= 1 {
		bad = (1 + o.Traffic.Errors) / 2
	}
	o.Weights = []WeightSight{}
	fastest := math.Inf(1)
	for _, w := range []float64{.01, .02, .05, .1, .2, .25, .3, .4, .5, limit} {
		if w > limit || len(o.Weights) > 0 && w <= o.Weights[len(o.Weights)-1].Weight {
			continue
		}
		t := o.Traffic
		t.Weight = w
		found := t.sight("", bad, func(s sample) bool { return o.found(s, bad) })
		pass := t.first(o.passed)
		o.Weights = append(o.Weights, WeightSight{Weight: w, Pass: pass, Found: found.Minutes, Bad: found.Bad})
		if pass != nil && *pass < fastest {
			fastest, o.Best = *pass, w
		}
	}
}
