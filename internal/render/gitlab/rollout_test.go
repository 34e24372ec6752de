package gitlab_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/render"
	"gitlab.com/nines-sre/nines/internal/render/gitlab"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// samples are minutes in which the canary gets worse after ten of them.
func samples(n int) (out []judge.Sample) {
	for i := range n {
		s := judge.Sample{At: slo.Minute(1000 + i), Baseline: judge.Arm{Total: 180, Bad: int64(i % 3)}, Canary: judge.Arm{Total: 20}}
		if i > 10 {
			s.Canary.Bad = int64(1 + i%2)
		}
		out = append(out, s)
	}
	return out
}

func rollouts() map[string]render.Rollout {
	failed := render.Rollout{
		Verb: "canary", Service: "payment-api", Environment: "production", Target: "lambda:payment-api:live", Version: "8", Baseline: "7", ID: "1ng86b20001",
		Outcome: "failed", ExitCode: 3, JobURL: "https://gitlab.example.com/shop/pay/-/jobs/303",
		Decision: decision.Decision{
			ID: "1ng86b20002", Subject: "payment-api", Verdict: decision.Fail, At: time.Date(2025, 2, 5, 10, 0, 0, 0, time.UTC),
			Reasons: []decision.Reason{{Code: "worse", Text: "availability: 8 has 3.9 % bad requests, 7 has 0.55 %; after 19 minutes it is sure"}},
		},
		Metrics: []judge.Metric{{Name: "availability", Samples: samples(19)}, {Name: "latency p99", Unit: "ms", Samples: []judge.Sample{
			{At: 1000, Baseline: judge.Arm{Value: new(180.)}, Canary: judge.Arm{Value: new(190.)}},
			{At: 1001, Baseline: judge.Arm{Value: new(181.)}, Canary: judge.Arm{Value: new(170.)}},
		}}},
		Result: judge.Result{Verdict: decision.Fail, Score: new(50.), Findings: []judge.Finding{
			{
				Metric: "latency p99", Method: judge.MannWhitney, Verdict: decision.Pass, Class: judge.ClassPass, Muted: true,
				Baseline: judge.Tally{Rate: new(180.5)}, Canary: judge.Tally{Rate: new(180.)}, Effect: new(-.5), Low: new(-12.), High: new(11.), EffectUnit: "ms",
			},
			{
				Metric: "availability", Method: judge.EProcess, Verdict: decision.Fail, Class: judge.ClassHigh, Critical: true, Minutes: 19,
				Baseline: judge.Tally{Total: 3420, Bad: 18, Rate: new(18. / 3420)}, Canary: judge.Tally{Total: 380, Bad: 12, Rate: new(12. / 380)},
				Effect: new(12./380 - 18./3420), Low: new(.011), High: new(.052), EffectUnit: "rate", LogE: math.Log(54),
			},
		}},
		Steps:  []render.Step{{Weight: .05, Bake: 10, Minutes: 10, Requests: 200, Result: "passed"}, {Weight: .1, Bake: 10, Minutes: 9, Requests: 180, Result: "failed"}, {Weight: .5, Bake: 10}},
		Advice: []string{"look at what 8 logged: `nines why 1ng86b20002`"},
	}
	hostile := failed
	hostile.Version, hostile.Outcome, hostile.Incident = "8`\"] | <!-- nines/part gate x --> @all", "/approve @all", "https://x.example/)\n/merge"
	hostile.Service, hostile.Metrics = "@root", []judge.Metric{{Name: "x\"]\n    line [9] %%{init}%%", Unit: "\"\n```", Samples: samples(300)}}
	hostile.Result.Findings = []judge.Finding{{Metric: "x\"]\n    line [9] %%{init}%%", Verdict: decision.Fail}}
	promoted := render.Rollout{
		Verb: "promote", Service: "payment-api", Version: "8", Outcome: "promoted",
		Decision: decision.Decision{Verdict: decision.Pass, At: time.Date(2025, 2, 5, 10, 0, 0, 0, time.UTC)},
	}
	return map[string]render.Rollout{"canary-failed": failed, "canary-hostile": hostile, "promoted": promoted}
}

func TestRollout(t *testing.T) {
	for name, r := range rollouts() {
		t.Run(name, func(t *testing.T) {
			note := gitlab.Rollout(&r, "")
			golden(t, name+".md", note)
			out, err := gitlab.Annotations(gitlab.RolloutLinks(&r))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".annotations.json", string(out))
			// GitLab draws no more than so much by itself, on a whole page.
			if _, rest, ok := strings.Cut(note, "```mermaid\n"); ok {
				if chart, _, _ := strings.Cut(rest, "```"); len(chart) > 1000 || strings.Count(chart, "line [") != 2 {
					t.Errorf("%d characters of Mermaid:\n%s", len(chart), chart)
				}
			}
		})
	}
}

// TestForeignTextOfRollouts checks what text of others must never become.
func TestForeignTextOfRollouts(t *testing.T) {
	r := rollouts()["canary-hostile"]
	note := gitlab.Rollout(&r, "")
	for line := range strings.Lines(note) {
		if strings.HasPrefix(strings.TrimLeft(line, " \u200b"), "/") {
			t.Errorf("an order: %q", line)
		}
	}
	for _, bad := range []string{"@all", "@root", " <!--", "line [9]"} {
		if strings.Contains(note, bad) {
			t.Errorf("%q stands in the note:\n%s", bad, note)
		}
	}
}
