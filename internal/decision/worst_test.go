package decision_test

import (
	"testing"

	"gitlab.com/nines-sre/nines/internal/decision"
)

func TestWorst(t *testing.T) {
	ladder := []decision.Verdict{decision.Pass, decision.Warn, decision.Inconclusive, decision.Fail}
	for i, a := range ladder {
		for j, b := range ladder {
			if got, want := a.WorseThan(b), i > j; got != want {
				t.Errorf("%v worse than %v: %v", a, b, got)
			}
			if got, want := decision.Worst(a, b), ladder[max(i, j)]; got != want {
				t.Errorf("worst of %v and %v: %v", a, b, got)
			}
		}
	}
	if got := decision.Worst(); got != decision.Inconclusive {
		t.Errorf("worst of nothing: %v", got)
	}
}

func TestVerdictNames(t *testing.T) {
	for v, want := range map[decision.Verdict]struct {
		name string
		exit int
	}{
		decision.Inconclusive: {"inconclusive", 4}, decision.Pass: {"pass", 0},
		decision.Warn: {"warn", 5}, decision.Fail: {"fail", 3}, 99: {"inconclusive", 4},
	} {
		if v.String() != want.name || v.ExitCode() != want.exit {
			t.Errorf("%d: %s %d, want %s %d", v, v, v.ExitCode(), want.name, want.exit)
		}
		if got, err := decision.ParseVerdict(want.name); v <= decision.Fail && (err != nil || got != v) {
			t.Errorf("ParseVerdict(%q) = %v, %v", want.name, got, err)
		}
	}
	if v, err := decision.ParseVerdict("Pass"); err == nil || v != decision.Inconclusive {
		t.Errorf("ParseVerdict(Pass) = %v, %v", v, err)
	}
}
