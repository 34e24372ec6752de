package render_test

import (
	"math"
	"testing"

	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/render"
)

func TestWords(t *testing.T) {
	for _, c := range []struct {
		f                      judge.Finding
		rate, effect, evidence string
	}{
		{judge.Finding{}, "-", "-", "-"},
		{judge.Finding{
			Canary: judge.Tally{Total: 1000, Bad: 12, Rate: new(.012)}, EffectUnit: "rate", Effect: new(.0031), Low: new(.0005), High: new(.006),
			LogE: math.Log(54), LogEPass: .1,
		}, "1.2 %", "+0.31 points (0.05 to 0.6)", "very strong that it is worse (54 : 1)"},
		{judge.Finding{
			Canary: judge.Tally{Total: 1000, Rate: new(0.)}, EffectUnit: "rate", Effect: new(-.0001), LogE: 0, LogEPass: 50,
		}, "0 %", "-0.01 points", "decisive that it is not (over a million : 1)"},
		{judge.Finding{
			Canary: judge.Tally{Rate: new(212.04)}, EffectUnit: "ratio", Effect: new(1.25), Low: new(1.1), High: new(1.4), LogE: .1,
		}, "212 ms", "1.25 x (1.1 to 1.4)", "hardly any that it is worse (1.11 : 1)"},
		{judge.Finding{Canary: judge.Tally{Rate: new(1234567.)}, EffectUnit: "ms", Effect: new(3.), Missing: 299}, "1234567 ms", "+3 ms", "299 requests are missing"},
		{judge.Finding{Canary: judge.Tally{Total: 1, Rate: new(1e-9)}, EffectUnit: "rate", Effect: new(1e-9)}, "0.0000001 %", "+0.0000001 points", "-"},
		{ // what is left of a difference of equal rates is none
			judge.Finding{Canary: judge.Tally{Total: 1, Rate: new(0.)}, EffectUnit: "rate", Effect: new(1.08e-19), Low: new(-.0025), High: new(.0026)},
			"0 %", "0 points (-0.25 to 0.26)", "-",
		},
	} {
		if got := render.Rate(&c.f, c.f.Canary, "ms"); got != c.rate {
			t.Errorf("rate %q, want %q", got, c.rate)
		}
		if got := render.Effect(&c.f); got != c.effect {
			t.Errorf("effect %q, want %q", got, c.effect)
		}
		if got := render.Evidence(&c.f); got != c.evidence {
			t.Errorf("evidence %q, want %q", got, c.evidence)
		}
	}
}

func TestSeries(t *testing.T) {
	m := judge.Metric{Samples: []judge.Sample{
		{At: 100, Baseline: judge.Arm{Total: 10, Bad: 1}, Canary: judge.Arm{Total: 2}},
		{At: 101, Baseline: judge.Arm{Total: 10, Bad: 3}, Canary: judge.Arm{Total: 2, Bad: 2}},
		{At: 104, Baseline: judge.Arm{Total: 10}, Canary: judge.Arm{}},
	}}
	s := render.SeriesOf(&m, 3)
	if s.Minutes != 2 || s.Length != 5 || len(s.Canary) != 3 {
		t.Fatalf("%+v", s)
	}
	if s.Baseline[0] != .2 || s.Canary[0] != .5 || !math.IsNaN(s.Baseline[1]) || !math.IsNaN(s.Canary[2]) || s.Most() != .5 {
		t.Errorf("%+v", s)
	}
	if old, now := render.Spark(s.Baseline, s.Most()), render.Spark(s.Canary, s.Most()); old != "▄·▁" || now != "█··" {
		t.Errorf("%s %s", old, now)
	}
	values := judge.Metric{Samples: []judge.Sample{{At: 7, Canary: judge.Arm{Value: new(3.)}}, {At: 8, Canary: judge.Arm{Value: new(5.)}}}}
	if s := render.SeriesOf(&values, 1); s.Canary[0] != 4 {
		t.Errorf("%+v", s)
	}
	if s := render.SeriesOf(&judge.Metric{}, 9); s.Most() != 0 || render.Spark(s.Canary, 0) != "" {
		t.Errorf("%+v", s)
	}
}
