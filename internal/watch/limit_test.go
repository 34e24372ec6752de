package watch_test

import (
	"math"
	"testing"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/watch"
)

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]watch.Limit{
		"200":       {Kind: watch.LimitLatency, Value: 200, Text: "200"},
		" 200ms ":   {Kind: watch.LimitLatency, Value: 200, Text: "200ms"},
		"1.5s":      {Kind: watch.LimitLatency, Value: 1500, Text: "1.5s"},
		"50errors":  {Kind: watch.LimitErrors, Value: 50, Text: "50errors"},
		"1 error":   {Kind: watch.LimitErrors, Value: 1, Text: "1 error"},
		"0errors":   {Kind: watch.LimitErrors, Value: 0, Text: "0errors"},
		"0.5%":      {Kind: watch.LimitRate, Value: 0.005, Text: "0.5%"},
		"0%":        {Kind: watch.LimitRate, Value: 0, Text: "0%"},
		"99.9 %":    {Kind: watch.LimitRate, Value: 0.9990000000000001, Text: "99.9 %"},
		".5%":       {Kind: watch.LimitRate, Value: 0.005, Text: ".5%"},
		"00200ms":   {Kind: watch.LimitLatency, Value: 200, Text: "00200ms"},
		"1000000ms": {Kind: watch.LimitLatency, Value: 1e6, Text: "1000000ms"},
	} {
		got, err := watch.ParseLimit(text)
		if err != nil || got.Kind != want.Kind || got.Text != want.Text || math.Abs(got.Value-want.Value) > 1e-12 {
			t.Errorf("ParseLimit(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "ms", "-1ms", "+5", "1e3", "NaN", "Inf%", "0x10", "1.2.3", ".", "200 apples", "0ms", "0", "100%", "150%", "99999999999999ms", "200ms,0.5%", "5e-1%", "１00ms", "5 %%",
	} {
		if got, err := watch.ParseLimit(text); fault.KindOf(err) != fault.Invalid {
			t.Errorf("ParseLimit(%q) = %+v, %v, want an Invalid", text, got, err)
		}
	}
}

func FuzzParseLimit(f *testing.F) {
	for _, s := range []string{"200", "200ms", "1.5s", "50errors", "0.5%", "", "-1", "1e9", "0x1p4", "99999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := watch.ParseLimit(text)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || l.Kind != "" && l.Text == "" {
				t.Fatalf("%q: %+v, %v", text, l, err)
			}
			return
		}
		if math.IsNaN(l.Value) || l.Value < 0 || l.Value > 1e9 || l.String() == "" {
			t.Fatalf("%q: %+v", text, l)
		}
		again, err := watch.ParseLimit(l.Text)
		if err != nil || again != l {
			t.Fatalf("%q reads as %+v, its text as %+v, %v", text, l, again, err)
		}
		if err := (watch.Policy{Limits: []watch.Limit{l}}).Validate(); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

func TestPolicies(t *testing.T) {
	if err := (watch.Policy{}).Validate(); err != nil {
		t.Errorf("the zero policy: %v", err)
	}
	for name, p := range map[string]watch.Policy{
		"duration": {Duration: watch.MaxDuration + 1}, "negative": {Duration: -1}, "alpha": {Alpha: 0.6}, "nan": {Alpha: math.NaN()},
		"margin": {Margin: -0.1}, "weeks": {Weeks: 9}, "breaches": {Breaches: -1}, "undo": {Undo: "perhaps"}, "detect": {Detect: 2}, "wait": {Wait: -1},
		"limit": {Limits: []watch.Limit{{Kind: "taste", Value: 1, Text: "1taste"}}},
	} {
		if err := p.Validate(); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want an Invalid", name, err)
		}
	}
}
