package judge_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// steady is minutes that are all alike.
func steady(minutes int, nb, xb, nc, xc int64) []judge.Sample {
	out := make([]judge.Sample, minutes)
	for i := range out {
		out[i] = judge.Sample{At: slo.Minute(100 + i), Baseline: judge.Arm{Total: nb, Bad: xb}, Canary: judge.Arm{Total: nc, Bad: xc}}
	}
	return out
}

func values(minutes int, base, canary float64) []judge.Sample {
	out := make([]judge.Sample, minutes)
	for i := range out {
		b, c := base+.01*float64(i%3), canary+.01*float64(i%2)
		out[i] = judge.Sample{At: slo.Minute(100 + i), Baseline: judge.Arm{Value: &b}, Canary: judge.Arm{Value: &c}}
	}
	return out
}

// shaped is a metric of buckets that are a tenth wide, 100 requests of each version a
// minute, around a bucket of each.
func shaped(minutes, base, canary int) judge.Metric {
	m := judge.Metric{}
	for i := range 19 {
		m.Edges = append(m.Edges, math.Pow(1.1, float64(i)))
	}
	around := func(at int) []int64 {
		out := make([]int64, 20)
		out[at-1], out[at], out[at+1] = 30, 40, 30
		return out
	}
	for i := range minutes {
		m.Samples = append(m.Samples, judge.Sample{
			At: slo.Minute(1 + i), Baseline: judge.Arm{Buckets: around(base)}, Canary: judge.Arm{Buckets: around(canary)},
		})
	}
	return m
}

func one(p judge.Policy, m judge.Metric) judge.Result {
	if m.Name == "" {
		m.Name = "availability"
	}
	return judge.Judge(judge.Request{Subject: "pay", Policy: p, Metrics: []judge.Metric{m}})
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	limit := func(l judge.Limit) judge.Policy { return judge.Policy{Method: judge.Threshold, Limit: &l} }
	for name, c := range map[string]struct {
		policy judge.Policy
		metric judge.Metric
		want   decision.Verdict
		text   string
	}{
		"worse":             {judge.Policy{}, judge.Metric{Samples: steady(30, 900, 9, 100, 5)}, decision.Fail, "by chance that comes once in"},
		"as good":           {judge.Policy{}, judge.Metric{Samples: steady(30, 900, 9, 100, 1)}, decision.Pass, "no worse by 1 point or more"},
		"too few":           {judge.Policy{}, judge.Metric{Samples: steady(3, 90, 1, 10, 0)}, decision.Inconclusive, "more requests of the canary are at least missing"},
		"within the margin": {judge.Policy{Margin: judge.Margin{Add: .1}}, judge.Metric{Samples: steady(30, 900, 9, 100, 5)}, decision.Pass, "no worse by 10 points"},
		"own margin":        {judge.Policy{}, judge.Metric{Margin: &judge.Margin{Add: .1}, Samples: steady(30, 900, 9, 100, 5)}, decision.Pass, ""},
		"ratio":             {judge.Policy{Margin: judge.Margin{Ratio: 2}}, judge.Metric{Samples: steady(60, 900, 9, 100, 5)}, decision.Fail, "more than the 2 times the rate"},
		"ratio is kept":     {judge.Policy{Margin: judge.Margin{Ratio: 8}}, judge.Metric{Samples: steady(60, 900, 9, 100, 2)}, decision.Pass, "8 times"},
		"both margins":      {judge.Policy{Margin: judge.Margin{Ratio: 2, Add: .1}}, judge.Metric{Samples: steady(60, 900, 9, 100, 5)}, decision.Pass, ""},
		"bursts":            {judge.Policy{Bursts: true}, judge.Metric{Samples: steady(200, 900, 0, 100, 50)}, decision.Fail, ""},
		"least":             {judge.Policy{Least: 4000}, judge.Metric{Samples: steady(30, 900, 9, 100, 1)}, decision.Inconclusive, "1,000 more"},
		"no canary":         {judge.Policy{}, judge.Metric{Samples: steady(30, 900, 9, 0, 0)}, decision.Inconclusive, "The canary had no request"},
		"no baseline":       {judge.Policy{}, judge.Metric{Samples: steady(30, 0, 0, 9, 0)}, decision.Inconclusive, "beside the canary had no request"},
		"nothing":           {judge.Policy{}, judge.Metric{}, decision.Inconclusive, "Neither"},
		"all fail":          {judge.Policy{}, judge.Metric{Samples: steady(3, 100, 100, 100, 100)}, decision.Inconclusive, ""},
		"299":               {limit(judge.Limit{Good: .99}), judge.Metric{Samples: steady(13, 0, 0, 23, 0)}, decision.Pass, "supports 99 %"},
		"298":               {limit(judge.Limit{Good: .99}), judge.Metric{Samples: steady(149, 0, 0, 2, 0)}, decision.Inconclusive, "1 more request without an error is missing"},
		"below the limit":   {limit(judge.Limit{Good: .99}), judge.Metric{Samples: steady(10, 0, 0, 100, 5)}, decision.Fail, "below the limit of 99 %"},
		"no limit":          {judge.Policy{Method: judge.Threshold}, judge.Metric{Samples: steady(10, 0, 0, 100, 5)}, decision.Inconclusive, "needs a limit"},
		"limit, no request": {limit(judge.Limit{Good: .99}), judge.Metric{Samples: steady(10, 5, 0, 0, 0)}, decision.Inconclusive, "299 without an error"},
		"count kept":        {limit(judge.Limit{Count: new(int64(10))}), judge.Metric{Samples: steady(10, 0, 0, 100, 1)}, decision.Pass, "10 bad requests in 1,000"},
		"count exceeded":    {limit(judge.Limit{Count: new(int64(9))}), judge.Metric{Samples: steady(10, 0, 0, 100, 1)}, decision.Fail, "at most 9 may be"},
		"value kept":        {limit(judge.Limit{Value: new(200.)}), judge.Metric{Unit: "ms", Samples: values(5, 100, 120)}, decision.Pass, "within the limit of 200 ms"},
		"value exceeded":    {limit(judge.Limit{Value: new(110.)}), judge.Metric{Samples: values(5, 100, 120)}, decision.Fail, "the limit is 110"},
		"value below":       {limit(judge.Limit{Value: new(130.), Below: true}), judge.Metric{Samples: values(5, 100, 120)}, decision.Fail, "lowest"},
		"two limits":        {limit(judge.Limit{Good: .9, Count: new(int64(3))}), judge.Metric{Samples: steady(10, 0, 0, 100, 1)}, decision.Fail, ""},
		"values worse":      {judge.Policy{}, judge.Metric{Samples: values(30, 100, 120)}, decision.Fail, "above"},
		"values alike":      {judge.Policy{}, judge.Metric{Samples: values(30, 100, 100.2)}, decision.Fail, ""},
		"values, a margin":  {judge.Policy{Margin: judge.Margin{Ratio: 1.1}}, judge.Metric{Samples: values(30, 100, 100.2)}, decision.Pass, "no worse"},
		"values, few":       {judge.Policy{Margin: judge.Margin{Ratio: 1.1}}, judge.Metric{Samples: values(3, 100, 100.2)}, decision.Inconclusive, "not sure"},
		"values downwards":  {judge.Policy{}, judge.Metric{Worse: judge.Decrease, Samples: values(30, 120, 100)}, decision.Fail, ""},
		"values either way": {judge.Policy{}, judge.Metric{Worse: judge.Either, Samples: values(30, 120, 100)}, decision.Fail, ""},
		"shape worse":       {judge.Policy{}, shaped(30, 5, 9), decision.Fail, "99th percentile is 1.46 times"},
		"shape alike":       {judge.Policy{Slack: judge.Margin{Ratio: 1.05}}, shaped(60, 5, 5), decision.Inconclusive, ""},
		"shape passes":      {judge.Policy{Slack: judge.Margin{Ratio: 1.5}}, shaped(60, 5, 5), decision.Pass, "no worse"},
		"ratio and bursts":  {judge.Policy{Bursts: true}, judge.Metric{Margin: &judge.Margin{Ratio: 2}, Samples: steady(30, 9, 1, 9, 1)}, decision.Inconclusive, "bursts"},
		"unknown method":    {judge.Policy{}, judge.Metric{Method: "guess", Samples: values(3, 1, 1)}, decision.Inconclusive, "guess"},
	} {
		got := one(c.policy, c.metric)
		if got.Verdict != c.want || len(got.Findings) != 1 || !strings.Contains(got.Findings[0].Text, c.text) || got.Findings[0].Text == "" {
			t.Errorf("%s: %s, not %s: %+v", name, got.Verdict, c.want, got.Findings)
		}
	}
}

// What cannot be judged is never passed, and says what is wrong.
func TestUnsoundRequests(t *testing.T) {
	t.Parallel()
	good := judge.Metric{Name: "a", Samples: steady(30, 900, 9, 100, 1)}
	broken := func(change func(m *judge.Metric)) []judge.Metric {
		m := good
		m.Samples = slices.Clone(m.Samples)
		change(&m)
		return []judge.Metric{m}
	}
	nan := math.NaN()
	for name, r := range map[string]judge.Request{
		"no metrics":  {},
		"no name":     {Metrics: []judge.Metric{{}}},
		"same name":   {Metrics: []judge.Metric{good, good}},
		"alpha":       {Policy: judge.Policy{Alpha: 1}, Metrics: []judge.Metric{good}},
		"alpha nan":   {Policy: judge.Policy{Alpha: nan}, Metrics: []judge.Metric{good}},
		"beta":        {Policy: judge.Policy{Beta: -1}, Metrics: []judge.Metric{good}},
		"prior":       {Policy: judge.Policy{Prior: 2}, Metrics: []judge.Metric{good}},
		"margin":      {Policy: judge.Policy{Margin: judge.Margin{Add: 1}}, Metrics: []judge.Metric{good}},
		"ratio":       {Policy: judge.Policy{Margin: judge.Margin{Ratio: .5}}, Metrics: []judge.Metric{good}},
		"slack":       {Policy: judge.Policy{Slack: judge.Margin{Ratio: 1}}, Metrics: []judge.Metric{good}},
		"least":       {Policy: judge.Policy{Least: -1}, Metrics: []judge.Metric{good}},
		"limit":       {Policy: judge.Policy{Limit: &judge.Limit{Good: 1}}, Metrics: []judge.Metric{good}},
		"no limit":    {Policy: judge.Policy{Limit: &judge.Limit{}}, Metrics: []judge.Metric{good}},
		"weights":     {Policy: judge.Policy{Weights: map[string]float64{"a": 60, "b": 60}}, Metrics: []judge.Metric{good}},
		"weight":      {Policy: judge.Policy{Weights: map[string]float64{"a": nan}}, Metrics: []judge.Metric{good}},
		"scores":      {Policy: judge.Policy{Pass: 50, Marginal: 60}, Metrics: []judge.Metric{good}},
		"mannwhitney": {Policy: judge.Policy{Method: "x"}, Metrics: []judge.Metric{good}},
		"more bad":    {Metrics: broken(func(m *judge.Metric) { m.Samples[3].Canary.Bad = 101 })},
		"negative":    {Metrics: broken(func(m *judge.Metric) { m.Samples[3].Baseline.Bad = -1 })},
		"huge":        {Metrics: broken(func(m *judge.Metric) { m.Samples[3].Baseline.Total = math.MaxInt64 })},
		"order":       {Metrics: broken(func(m *judge.Metric) { m.Samples[3].At = m.Samples[2].At })},
		"value":       {Metrics: broken(func(m *judge.Metric) { m.Samples[3].Canary.Value = &nan })},
		"buckets":     {Metrics: broken(func(m *judge.Metric) { m.Samples[3].Canary.Buckets = []int64{1, 2} })},
		"edges":       {Metrics: broken(func(m *judge.Metric) { m.Edges = []float64{2, 1} })},
		"worse":       {Metrics: broken(func(m *judge.Metric) { m.Worse = "sideways" })},
		"own margin":  {Metrics: broken(func(m *judge.Metric) { m.Margin = &judge.Margin{Add: nan} })},
		"own limit":   {Metrics: broken(func(m *judge.Metric) { m.Limit = &judge.Limit{Value: &nan} })},
	} {
		d, got := judge.Decide(r, time.Unix(1e9, 0))
		if got.Verdict != decision.Inconclusive || d.Verdict != got.Verdict || len(got.Reasons) == 0 || got.Reasons[0].Text == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A request is the same however its metrics are ordered, and in whatever unit its
// values are.
func TestOrderAndUnits(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	for range 20 {
		var req judge.Request
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			req.Metrics = append(req.Metrics, judge.Metric{
				Name: name, Critical: r.IntN(4) == 0, Muted: r.IntN(6) == 0,
				Samples: traffic(r, 30, .01, []float64{.01, .03, .08}[r.IntN(3)]),
			})
		}
		n := 20 + r.IntN(20)
		req.Metrics = append(req.Metrics, judge.Metric{Name: "cpu", Samples: values(n, 10+r.Float64(), 10+r.Float64())})
		got := judge.Judge(req)
		other := req
		other.Metrics = slices.Clone(req.Metrics)
		r.Shuffle(len(other.Metrics), func(i, j int) { other.Metrics[i], other.Metrics[j] = other.Metrics[j], other.Metrics[i] })
		for i, m := range other.Metrics {
			if m.Name == "cpu" {
				m.Samples = slices.Clone(m.Samples)
				for k, s := range m.Samples {
					b, c := *s.Baseline.Value*1024, *s.Canary.Value*1024
					m.Samples[k].Baseline.Value, m.Samples[k].Canary.Value = &b, &c
				}
				other.Metrics[i] = m
			}
		}
		again := judge.Judge(other)
		if got.Verdict != again.Verdict || *got.Score != *again.Score {
			t.Fatalf("%s %v became %s %v", got.Verdict, *got.Score, again.Verdict, *again.Score)
		}
		for _, f := range got.Findings {
			i := slices.IndexFunc(again.Findings, func(g judge.Finding) bool { return g.Metric == f.Metric })
			if g := again.Findings[i]; g.Verdict != f.Verdict || g.Decided != f.Decided || math.Abs(g.LogE-f.LogE) > 1e-9 {
				t.Fatalf("%+v became %+v", f, g)
			}
		}
	}
}

// drawRequest is a request of a few metrics of counts.
func drawRequest(t *rapid.T) judge.Request {
	r := judge.Request{Subject: "pay", Policy: judge.Policy{
		Method: rapid.SampledFrom([]judge.Method{judge.EProcess, judge.Threshold}).Draw(t, "method"),
		Limit:  &judge.Limit{Good: .95},
		Margin: rapid.SampledFrom([]judge.Margin{{}, {Add: .02}, {Ratio: 2}, {Add: .02, Ratio: 1.5}}).Draw(t, "margin"),
		Pass:   rapid.SampledFrom([]float64{0, 60}).Draw(t, "pass"),
	}}
	r.Policy.Bursts = r.Policy.Margin.Ratio == 0 && rapid.Bool().Draw(t, "bursts")
	r.Policy.Marginal = min(r.Policy.Pass, 40)
	for _, name := range []string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(t, "metrics")] {
		m := judge.Metric{
			Name: name, Critical: rapid.Bool().Draw(t, "critical"), Muted: rapid.IntRange(0, 5).Draw(t, "muted") == 0,
			Group: rapid.SampledFrom([]string{"", "g"}).Draw(t, "group"),
		}
		rate := rapid.SampledFrom([]float64{0, .03, .3}).Draw(t, "rate")
		for i := range rapid.IntRange(0, 25).Draw(t, "minutes") {
			nb, nc := rapid.Int64Range(0, 300).Draw(t, "nb"), rapid.Int64Range(0, 100).Draw(t, "nc")
			few := rapid.Float64Range(0, 2*rate+.01)
			m.Samples = append(m.Samples, judge.Sample{
				At:       slo.Minute(10 + i),
				Baseline: judge.Arm{Total: nb, Bad: int64(float64(nb) * rapid.Float64Range(0, .05).Draw(t, "xb"))},
				Canary:   judge.Arm{Total: nc, Bad: int64(float64(nc) * few.Draw(t, "xc"))},
			})
		}
		r.Metrics = append(r.Metrics, m)
	}
	return r
}

// Worse data never improves a verdict.
func TestWorseDataNeverImproves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		m := rapid.IntRange(0, len(r.Metrics)-1).Draw(t, "which")
		samples := r.Metrics[m].Samples
		if len(samples) == 0 {
			t.Skip("no minutes")
		}
		i := rapid.IntRange(0, len(samples)-1).Draw(t, "minute")
		c := &samples[i].Canary
		if c.Bad == c.Total {
			t.Skip("all are bad")
		}
		before := judge.Judge(r)
		c.Bad += rapid.Int64Range(1, c.Total-c.Bad).Draw(t, "more")
		after := judge.Judge(r)
		if before.Verdict.WorseThan(after.Verdict) {
			t.Fatalf("%s became %s", before.Verdict, after.Verdict)
		}
		if before.Findings[m].Verdict.WorseThan(after.Findings[m].Verdict) {
			t.Fatalf("the finding %s became %s", before.Findings[m].Verdict, after.Findings[m].Verdict)
		}
	})
}

// Once a look was sure of harm, it stays failed, whatever comes; and what the
// request does not span is not looked at.
func TestFailedStaysFailed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		whole := judge.Judge(r)
		short := r
		short.From, short.To = 1, slo.Minute(10+rapid.IntRange(0, 25).Draw(t, "to"))
		part := judge.Judge(short)
		for i, f := range part.Findings {
			if f.Verdict == decision.Fail && whole.Findings[i].Verdict != decision.Fail {
				t.Fatalf("%+v became %+v", f, whole.Findings[i])
			}
			if f.Decided >= short.To {
				t.Fatalf("decided at %d, beyond %d", f.Decided, short.To)
			}
		}
		if part.Verdict == decision.Fail && whole.Verdict != decision.Fail {
			t.Fatalf("fail became %s", whole.Verdict)
		}
	})
}

// A decision can be replayed: the same request gives the same, through JSON too.
func TestReplay(t *testing.T) {
	t.Parallel()
	r := judge.Request{Subject: "pay", Metrics: []judge.Metric{{Name: "a", Samples: steady(30, 900, 9, 100, 5)}}}
	at := time.Unix(1.7e9, 0)
	d, res := judge.Decide(r, at)
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var again judge.Request
	if err := json.Unmarshal(raw, &again); err != nil {
		t.Fatal(err)
	}
	e, other := judge.Decide(again, at)
	a, _ := json.Marshal([]any{d, res})
	b, _ := json.Marshal([]any{e, other})
	if string(a) != string(b) {
		t.Errorf("%s\nbecame\n%s", a, b)
	}
	if d.Policy != "judge" || d.InputDigest == "" || len(d.Evidence) == 0 || d.Verdict != decision.Fail || d.Subject != "pay" {
		t.Errorf("%+v", d)
	}
}

// FuzzJudge feeds it whatever is JSON: it never panics, and what it passes has
// evidence.
func FuzzJudge(f *testing.F) {
	for _, r := range []judge.Request{
		{Metrics: []judge.Metric{{Name: "a", Samples: steady(3, 900, 9, 100, 5)}}},
		{Policy: judge.Policy{Method: judge.Threshold, Limit: &judge.Limit{Good: .99}}, Metrics: []judge.Metric{{Name: "a", Samples: steady(3, 9, 1, 100, 0)}}},
		{Metrics: []judge.Metric{{Name: "v", Worse: judge.Either, Samples: values(9, 1, 2)}}},
		{Metrics: []judge.Metric{{Name: "h", Edges: []float64{1, 2}, Samples: []judge.Sample{{At: 1, Baseline: judge.Arm{Buckets: []int64{9, 1, 0}}, Canary: judge.Arm{Buckets: []int64{1, 9, 3}}}}}}},
	} {
		raw, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r judge.Request
		if json.Unmarshal(raw, &r) != nil {
			return
		}
		d, res := judge.Decide(r, time.Unix(0, 0))
		if _, err := json.Marshal(res); err != nil {
			t.Fatalf("%v: %+v", err, res)
		}
		if len(d.Reasons) == 0 {
			t.Fatal("no reason")
		}
		if res.Verdict != decision.Pass {
			return
		}
		for _, f := range res.Findings {
			if f.Verdict == decision.Pass && f.Canary.Total == 0 && f.Canary.Rate == nil && f.Effect == nil {
				t.Fatalf("passed on nothing: %+v", f)
			}
		}
	})
}
