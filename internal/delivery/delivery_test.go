package delivery_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/delivery"
)

func day(n float64) time.Time {
	return time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n * 24 * float64(time.Hour)))
}

// quarter is a request of 90 days in which one bad change was caught by a canary,
// one was found by a watch, and one by people.
func quarter() delivery.Request {
	req := delivery.Request{Service: "payment-api", From: day(0), To: day(90), Since: day(-10)}
	for i := range 30 {
		d := delivery.Deployment{ID: fmt.Sprintf("d%02d", i), Version: fmt.Sprintf("v%d", i), At: day(3*float64(i) + .5)}
		d.Committed = d.At.Add(-time.Duration(i+1) * time.Hour)
		req.Deployments = append(req.Deployments, d)
	}
	at := req.Deployments[10].At
	req.Undos = []delivery.Undo{{At: at.Add(10 * time.Minute), From: "v10", To: "v9", Stage: "watch"}}
	req.Incidents = []delivery.Incident{
		{ID: "i1", Deploy: "v10", Deployed: at, From: at.Add(5 * time.Minute), To: at.Add(10 * time.Minute), Stage: "watch"},
		{ID: "i2", Deploy: "v20", From: req.Deployments[20].At.Add(time.Hour), To: req.Deployments[21].At},
		{ID: "i3", From: day(80), To: day(81)},
	}
	req.Catches = []delivery.Catch{{At: day(50), Version: "v16b", Stage: "canary"}}
	return req
}

func value(t *testing.T, m delivery.Measure) float64 {
	t.Helper()
	if m.Value == nil {
		t.Fatalf("not known: %s", m.Why)
	}
	return *m.Value
}

func TestAQuarter(t *testing.T) {
	r := delivery.Count(quarter())
	if r.Deployments != 30 || r.Failed != 2 || r.Days != 90 {
		t.Errorf("%d deployments, %d failed, %g days", r.Deployments, r.Failed, r.Days)
	}
	if f := value(t, r.Frequency); f != 30./90 {
		t.Errorf("frequency %g", f)
	}
	// Exact interval for 30 events: 20.24 to 42.83 (Garwood).
	if low, high := *r.Frequency.Low*90, *r.Frequency.High*90; math.Abs(low-20.24) > .005 || math.Abs(high-42.83) > .005 {
		t.Errorf("%g to %g events", low, high)
	}
	if v := value(t, r.LeadTime); v != 15.5*3600 || *r.LeadTime.Low != 10*3600 || *r.LeadTime.High != 21*3600 {
		t.Errorf("lead time %g, %g to %g hours", v/3600, *r.LeadTime.Low/3600, *r.LeadTime.High/3600)
	}
	if v := value(t, r.FailRate); v != 2./30 || r.FailRate.Count != 2 || r.FailRate.Of != 30 {
		t.Errorf("fail rate %+v", r.FailRate)
	}
	// 5 minutes, and the 71 hours until the next deployment.
	if v := value(t, r.Recovery); v != (300+71*3600)/2. || r.Recovery.Count != 2 || r.Recovery.Low != nil {
		t.Errorf("recovery %+v", v)
	}
	// The watch's rollback, which is a deployment of its own, and the one that ended the
	// second incident.
	if r.Rework.Count != 2 || r.Rework.Of != 31 {
		t.Errorf("rework %+v", r.Rework)
	}
	if v := value(t, r.Caught); v != 1./3 || r.Caught.Of != 3 || *r.CaughtIfHalf != 1./5 {
		t.Errorf("caught %+v, %v", r.Caught, r.CaughtIfHalf)
	}
	var names []string
	for _, s := range r.Stages {
		names = append(names, fmt.Sprintf("%s %d %v", s.Name, s.Count, s.Before))
	}
	if got := strings.Join(names, ", "); got != "canary 1 true, users 1 false, watch 1 false" {
		t.Errorf("stages: %s", got)
	}
}

func TestNothingIsKnown(t *testing.T) {
	r := delivery.Count(delivery.Request{From: day(0), To: day(90)})
	for name, m := range map[string]delivery.Measure{"frequency": r.Frequency, "lead": r.LeadTime, "fail": r.FailRate, "recovery": r.Recovery, "rework": r.Rework, "caught": r.Caught} {
		if m.Value != nil || m.Low != nil || m.Why == "" {
			t.Errorf("%s: %+v", name, m)
		}
	}
	// On record, and nothing was deployed in these 90 days: that is known.
	r = delivery.Count(delivery.Request{From: day(0), To: day(90), Since: day(-30), Deployments: []delivery.Deployment{{ID: "d", Version: "1", At: day(-20)}}})
	if r.Frequency.Value == nil || *r.Frequency.Value != 0 || math.Abs(*r.Frequency.High*90-3.689) > .001 || r.FailRate.Value != nil {
		t.Errorf("%+v, %+v", r.Frequency, r.FailRate)
	}
}

func TestMonths(t *testing.T) {
	req := quarter()
	all := delivery.Months(req)
	if len(all) != 3 {
		t.Fatalf("%d months", len(all))
	}
	n, failed := 0, 0
	for _, m := range all {
		n, failed = n+m.Deployments, failed+m.Failed
	}
	whole := delivery.Count(req)
	if n != whole.Deployments || failed != whole.Failed {
		t.Errorf("the months hold %d and %d, the whole %d and %d", n, failed, whole.Deployments, whole.Failed)
	}
}

// TestPoisson holds the exact interval against its definition, in exact sums.
func TestPoisson(t *testing.T) {
	below := func(n int, mean float64) float64 {
		term, sum := big.NewFloat(1).SetPrec(200), big.NewFloat(1).SetPrec(200)
		for i := 1; i <= n; i++ {
			term = new(big.Float).SetPrec(200).Mul(term, big.NewFloat(mean/float64(i)))
			sum.Add(sum, term)
		}
		f, _ := sum.Float64()
		return f * math.Exp(-mean)
	}
	for n := range 60 {
		low, high := delivery.Poisson(n)
		if p := below(n, high); math.Abs(p-.025) > 1e-9 {
			t.Errorf("%d: %g or fewer of %g have a chance of %g", n, float64(n), high, p)
		}
		if p := 1 - below(n-1, low); n > 0 && math.Abs(p-.025) > 1e-9 {
			t.Errorf("%d or more of %g have a chance of %g", n, low, p)
		}
	}
	if low, high := delivery.Poisson(5000); low < 4862 || low > 4864 || high < 5140 || high > 5142 {
		t.Errorf("5000: %g to %g", low, high)
	}
}

// TestAgainstANaiveCount computes the counts a second time, from the definitions,
// over requests that were made up.
func TestAgainstANaiveCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		req := delivery.Request{From: day(10), To: day(40), Since: day(rapid.Float64Range(-5, 20).Draw(t, "since"))}
		at := rapid.Custom(func(t *rapid.T) time.Time { return day(float64(rapid.IntRange(0, 50*24).Draw(t, "hour")) / 24) })
		version := rapid.SampledFrom([]string{"a", "b", "c", "d", ""})
		for i := range rapid.IntRange(0, 12).Draw(t, "deployments") {
			d := delivery.Deployment{ID: fmt.Sprint(i), Version: rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "version"), At: at.Draw(t, "at"), Repair: rapid.Bool().Draw(t, "repair")}
			if rapid.Bool().Draw(t, "known") {
				d.Committed = at.Draw(t, "committed")
			}
			req.Deployments = append(req.Deployments, d)
		}
		for i := range rapid.IntRange(0, 5).Draw(t, "incidents") {
			in := delivery.Incident{ID: fmt.Sprint("i", i), Deploy: version.Draw(t, "by"), From: at.Draw(t, "from")}
			if rapid.Bool().Draw(t, "over") {
				in.To = in.From.Add(time.Duration(rapid.IntRange(1, 72).Draw(t, "hours")) * time.Hour)
			}
			req.Incidents = append(req.Incidents, in)
		}
		for range rapid.IntRange(0, 4).Draw(t, "catches") {
			req.Catches = append(req.Catches, delivery.Catch{At: at.Draw(t, "caught"), Version: "x", Stage: rapid.SampledFrom([]string{"canary", "canary in staging"}).Draw(t, "stage")})
		}
		in := func(x time.Time) bool { return !x.Before(req.From) && x.Before(req.To) }
		deployed, failed, caught := 0, 0, 0
		var leads, took []float64
		for _, d := range req.Deployments {
			if !in(d.At) {
				continue
			}
			deployed++
			if !d.Committed.IsZero() && !d.Committed.After(d.At) {
				leads = append(leads, d.At.Sub(d.Committed).Seconds())
			}
			if blamed(req, d) {
				failed++
			}
		}
		for _, i := range req.Incidents {
			for _, d := range req.Deployments {
				if in(d.At) && latest(req, i) == d.ID && !i.To.IsZero() {
					took = append(took, i.To.Sub(i.From).Seconds())
				}
			}
		}
		for _, c := range req.Catches {
			if in(c.At) {
				caught++
			}
		}
		r := delivery.Count(req)
		if r.Deployments != deployed || r.Failed != failed || r.FailRate.Count != failed || r.Caught.Count != caught || r.Caught.Of != caught+failed {
			t.Fatalf("%d deployments, %d failed, %d caught; counted again %d, %d, %d", r.Deployments, r.Failed, r.Caught.Count, deployed, failed, caught)
		}
		same(t, "lead time", r.LeadTime, leads)
		same(t, "recovery", r.Recovery, took)
		for _, m := range []delivery.Measure{r.Frequency, r.LeadTime, r.FailRate, r.Recovery, r.Rework, r.Caught} {
			if m.Value == nil && (m.Low != nil || m.Why == "") {
				t.Fatalf("nothing is known, and no reason given: %+v", m)
			}
			if m.Low != nil && (*m.Low > *m.Value+1e-12 || *m.High < *m.Value-1e-12) {
				t.Fatalf("%g does not lie in %g to %g", *m.Value, *m.Low, *m.High)
			}
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
	})
}

// latest is the deployment of an incident's version that was there when it began.
func latest(req delivery.Request, in delivery.Incident) string {
	id, at := "", time.Time{}
	for _, d := range req.Deployments {
		if d.Version == in.Deploy && !d.At.After(in.From) && (id == "" || !d.At.Before(at)) {
			id, at = d.ID, d.At
		}
	}
	return id
}

func blamed(req delivery.Request, d delivery.Deployment) bool {
	return slices.ContainsFunc(req.Incidents, func(in delivery.Incident) bool { return latest(req, in) == d.ID })
}

// same holds a median against the middle of the sorted values.
func same(t *rapid.T, name string, m delivery.Measure, values []float64) {
	slices.Sort(values)
	if len(values) == 0 {
		if m.Value != nil {
			t.Fatalf("%s of nothing: %g", name, *m.Value)
		}
		return
	}
	want := values[len(values)/2]
	if len(values)%2 == 0 {
		want = (want + values[len(values)/2-1]) / 2
	}
	if m.Value == nil || *m.Value != want || m.Count != len(values) || (m.Low != nil) != (len(values) >= 6) {
		t.Fatalf("%s: %+v, want %g of %d", name, m, want, len(values))
	}
}
