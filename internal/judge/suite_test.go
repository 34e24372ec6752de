package judge_test

import (
	"testing"

	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/judge/judgetest"
)

func TestMethods(t *testing.T) {
	for _, c := range []struct {
		name   string
		claims judgetest.Claims
	}{
		{"ranks of values", judgetest.Claims{
			Policy: judge.Policy{Method: judge.MannWhitney}, Values: true, Alpha: 0.05, Few: 9,
			Found:  []judgetest.Found{{Moved: 10, Spread: 1, Share: 0.95}, {Moved: 0, Spread: 4, Share: 0.5}},
			Passes: []judgetest.Found{{Moved: 0, Spread: 1, Share: 0.95}},
		}},
		{"ranks, counts", judgetest.Claims{
			Policy: judge.Policy{Method: judge.MannWhitney}, Nulls: judgetest.Nulls(0.01), Alpha: 0.05, Few: 100,
			Found:  []judgetest.Found{{World: judgetest.Shifted("5 %", 0.01, 0.05), Share: 0.99}},
			Passes: []judgetest.Found{{World: judgetest.Shifted("as good", 0.001, 0.001), Share: 0.9}},
		}},
		{"evidence on counts", judgetest.Claims{
			Policy: judge.Policy{}, Nulls: judgetest.Nulls(0.01), Alpha: 0.05, Few: 100,
			Found:  []judgetest.Found{{World: judgetest.Shifted("5 %", 0.01, 0.05), Share: 0.99}},
			Passes: []judgetest.Found{{World: judgetest.Shifted("as good", 0.001, 0.001), Share: 0.9}},
		}},
		{"evidence on values", judgetest.Claims{
			Policy: judge.Policy{}, Values: true, Alpha: 0.05, Few: 5,
			Found:  []judgetest.Found{{Moved: 15, Spread: 1, Share: 0.9}},
			Passes: []judgetest.Found{{Moved: 0, Spread: 1, Share: 0.5}},
		}},
		{"limits", judgetest.Claims{
			Policy: judge.Policy{Method: judge.Threshold, Limit: &judge.Limit{Good: 0.99}},
			Nulls:  judgetest.Nulls(0.005)[:2], Alpha: 0.05, Few: 298,
			Found:  []judgetest.Found{{World: judgetest.Shifted("5 %", 0.01, 0.05), Share: 0.9}},
			Passes: []judgetest.Found{{World: judgetest.Shifted("good", 0.001, 0.001), Share: 0.7}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { judgetest.Run(t, judge.Judge, c.claims) })
	}
}
