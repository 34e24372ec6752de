package watch_test

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/watch"
)

// deployed is the instant of every deployment here: a Friday, 14:00:20.
func deployed() time.Time { return time.Date(2025, 1, 31, 14, 0, 20, 0, time.UTC) }

func binomial(r *rand.Rand, n int64, p float64) int64 {
	var bad int64
	for i := int64(-1); p > 0; bad++ {
		i += 1 + int64(math.Log(1-r.Float64())/math.Log1p(-p))
		if i >= n {
			break
		}
	}
	return bad
}

// counts draws minutes of n requests with a rate that may change.
func counts(r *rand.Rand, from slo.Minute, minutes int, n int64, rate func(i int) float64) watch.Counts {
	c := watch.Counts{From: from}
	for i := range minutes {
		c.Total = append(c.Total, n)
		c.Bad = append(c.Bad, binomial(r, n, rate(i)))
	}
	return c
}

func flat(p float64) func(int) float64 { return func(int) float64 { return p } }

// world is a deployment to be watched: rates of bad requests after, before, and in
// three earlier weeks.
type world struct {
	n             int64
	after, before func(int) float64
	weeks         func(int) float64
}

func (w world) request(seed uint64) watch.Request {
	r := rand.New(rand.NewPCG(seed, 7))
	start := watch.FirstWhole(deployed())
	m := watch.Metric{
		Name: "availability", After: counts(r, start, 30, w.n, w.after), Before: counts(r, start-31, 30, w.n, w.before),
	}
	for k := 1; k <= 3 && w.weeks != nil; k++ {
		m.Weeks = append(m.Weeks, watch.Week{Back: k, Counts: counts(r, start-slo.Minute(k)*slo.Week, 30, w.n, w.weeks)})
	}
	return watch.Request{Subject: "payment-api", Version: "8", Before: "7", Deployed: deployed(), Frontier: start + 30, Metrics: []watch.Metric{m}}
}

func end() time.Time { return deployed().Add(35 * time.Minute) }

// outcomes counts verdicts of many worlds, and the median minute at which harm was sure.
func outcomes(w world, runs int, change func(*watch.Request)) (verdicts map[decision.Verdict]int, median slo.Minute) {
	verdicts = map[decision.Verdict]int{}
	var sure []slo.Minute
	for i := range runs {
		req := w.request(uint64(i))
		if change != nil {
			change(&req)
		}
		res := watch.Judge(req, end())
		verdicts[res.Verdict]++
		if res.Sure > 0 {
			sure = append(sure, res.Sure-req.Start()+1)
		}
	}
	slices.Sort(sure)
	if len(sure) > 0 {
		median = sure[len(sure)/2]
	}
	return verdicts, median
}

// trials is how many runs a test makes: few in every change's test, many with
// NINES_FULL=1.
func trials(few, many int) int {
	if os.Getenv("NINES_FULL") != "" {
		return many
	}
	return few
}

// TestFalseAlarms: deployments that change nothing are taken for harmful at most as
// often as Alpha says, at all looks together.
func TestFalseAlarms(t *testing.T) {
	t.Parallel()
	runs := trials(60, 2000)
	step := func(i int) float64 {
		if i >= 15 {
			return 0.01
		}
		return 0.001
	}
	for _, c := range []struct {
		name string
		w    world
	}{
		{"nothing changes", world{300, flat(.001), flat(.001), flat(.001)}},
		{"at the edge of the margin", world{300, flat(.002), flat(.001), flat(.001)}},
		{"many errors", world{300, flat(.05), flat(.05), flat(.05)}},
		{"the hour is bad every week", world{300, flat(.01), flat(.001), flat(.01)}},
		{"a storm that comes every week", world{300, step, flat(.001), step}},
		{"it was bad before already", world{300, flat(.02), flat(.02), flat(.001)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, _ := outcomes(c.w, runs, nil)
			t.Logf("%v", got)
			if most := int(.01*float64(runs) + 3.5*math.Sqrt(.01*float64(runs))); got[decision.Fail] > most {
				t.Errorf("%d of %d taken for harmful", got[decision.Fail], runs)
			}
		})
	}
}

// TestFindsHarm: what hurts is found, and soon.
func TestFindsHarm(t *testing.T) {
	t.Parallel()
	runs := trials(20, 200)
	late := func(i int) float64 {
		if i >= 12 {
			return .05
		}
		return .001
	}
	for _, c := range []struct {
		name  string
		w     world
		least float64 // of the runs
		by    slo.Minute
	}{
		{"1 %", world{300, flat(.01), flat(.001), flat(.001)}, .99, 12},
		{"2 %", world{300, flat(.02), flat(.001), flat(.001)}, .99, 5},
		{"20 %", world{300, flat(.2), flat(.001), flat(.001)}, .99, 1},
		{"5 % from the 12th minute on", world{300, late, flat(.001), flat(.001)}, .99, 15},
		{"5 % with ten requests a minute", world{10, flat(.05), flat(.001), flat(.001)}, .5, 30},
		{"without earlier weeks", world{300, flat(.02), flat(.001), nil}, .99, 5},
		{"from 1 % to 5 %", world{300, flat(.05), flat(.01), flat(.01)}, .99, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, median := outcomes(c.w, runs, nil)
			t.Logf("%v, median minute %d", got, median)
			if float64(got[decision.Fail]) < c.least*float64(runs) || median > c.by {
				t.Errorf("%d of %d found, median minute %d, want %g of them and %d", got[decision.Fail], runs, median, c.least, c.by)
			}
		})
	}
}

func codes(r watch.Result) string {
	var out []string
	for _, x := range r.Reasons {
		out = append(out, x.Code)
	}
	return strings.Join(out, ",")
}
