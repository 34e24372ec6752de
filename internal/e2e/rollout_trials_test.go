package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/memory"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/judge/confseq"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run/canary"
	"gitlab.com/nines-sre/nines/internal/run/meter"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

const (
	trialRate  = 10.0 // payments a second, of both versions
	trialBake  = 10   // minutes a step
	trialSpare = 5    // minutes more than that, for a step's edges and its lag
	trialLag   = 3    // minutes, CloudWatch's
)

func trialSteps() []float64 { return []float64{0.05, 0.25, 0.5} }

// trials are the minutes that the payment API had in simulated time, by version,
// step and run: "1" without a fault, "2" with one.
type trials struct {
	fault string
	pool  map[string][][][]minuteCounts // version, step, run, minute
}

type minuteCounts struct {
	Run              int
	Total, Bad, Slow int64
}

// simulateTrials lets the real service live through every step of every run.
func simulateTrials(t *testing.T, program, fault string, runs int) *trials {
	t.Helper()
	out := &trials{fault: fault, pool: map[string][][][]minuteCounts{}}
	for version, share := range map[string]func(float64) float64{
		"1": func(w float64) float64 { return 1 - w }, "2": func(w float64) float64 { return w },
	} {
		with := "none"
		if version == "2" {
			with = fault
		}
		for step, w := range trialSteps() {
			// Other seeds for each: nothing in a run repeats itself in another.
			seed := 1 + 1_000_000*step
			if version == "2" {
				seed += 500_000
			}
			text, err := exec.CommandContext(t.Context(), program, "simulate", "-counts", "-runs", fmt.Sprint(runs), "-seed", fmt.Sprint(seed), "-fault", with,
				"-to", "2026-03-02T12:00:00Z", "-for", fmt.Sprintf("%dm", trialBake+trialSpare), "-rate", fmt.Sprint(trialRate*share(w))).Output()
			if err != nil {
				t.Fatal(err)
			}
			byRun := make([][]minuteCounts, runs)
			for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
				var m minuteCounts
				if err := d.Decode(&m); err != nil {
					t.Fatal(err)
				}
				byRun[m.Run] = append(byRun[m.Run], m)
			}
			out.pool[version] = append(out.pool[version], byRun)
		}
	}
	return out
}

// trial is one rollout in simulated time: a clock in which waiting takes none, a
// target in memory, and a meter that gives each minute what the service had at the
// share of the traffic that it had then.
type trial struct {
	*memory.Actor
	all    *trials
	run    int
	now    time.Time
	shifts []trialShift
}

type trialShift struct {
	at   slo.Minute
	step int
}

func (r *trial) Now() time.Time { return r.now }

func (r *trial) Sleep(ctx context.Context, d time.Duration) error {
	r.now = r.now.Add(d)
	return ctx.Err()
}

// Apply implements act.Actor, and notes what share is in force since when.
func (r *trial) Apply(ctx context.Context, c act.Change) (act.Outcome, error) {
	o, err := r.Actor.Apply(ctx, c)
	if step := slices.Index(trialSteps(), c.To.Weight); err == nil && step >= 0 {
		r.shifts = append(r.shifts, trialShift{slo.MinuteOf(r.now), step})
	}
	return o, err //nolint:wrapcheck // the target's own
}

func (r *trial) meter() meter.Meter { return trialMeter{r} }

type trialMeter struct{ *trial }

// Read implements meter.Meter.
func (m trialMeter) Read(_ context.Context, version string, span slo.Span) (meter.Reading, error) {
	out := meter.Reading{Frontier: slo.MinuteOf(m.now) - trialLag}
	errors, slow := meter.Line{Metric: judge.Metric{Name: "availability"}}, meter.Line{Metric: judge.Metric{Name: "latency"}}
	for at := span.From; at < min(span.To, out.Frontier); at++ {
		counts := m.counts(version, at)
		errors.Minutes = append(errors.Minutes, meter.Minute{At: at, Arm: judge.Arm{Total: counts.Total, Bad: counts.Bad}})
		slow.Minutes = append(slow.Minutes, meter.Minute{At: at, Arm: judge.Arm{Total: counts.Total, Bad: counts.Slow}})
	}
	out.Lines = []meter.Line{errors, slow}
	return out, nil
}

// counts is what a version had in a minute.
func (r *trial) counts(version string, at slo.Minute) minuteCounts {
	for _, s := range slices.Backward(r.shifts) {
		if at >= s.at {
			minutes := r.all.pool[version][s.step][r.run]
			return minutes[int(at-s.at)%len(minutes)]
		}
	}
	return minuteCounts{}
}

// trialTally is how often rollouts ended which way, and how long the bad ones took.
type trialTally struct {
	ends map[rollout.Outcome]int
	took []time.Duration // until it was over
	seen int64           // requests that the canary had, of all runs
}

func (all *trials) roll(t *testing.T, run int, into *trialTally) {
	t.Helper()
	env, _ := runtest.Env()
	r := &trial{Actor: memory.New("1", "2"), all: all, run: run, now: env.Now}
	plan := rollout.Plan{Early: true}
	for _, w := range trialSteps() {
		plan.Steps = append(plan.Steps, rollout.Step{Weight: w, Bake: trialBake})
	}
	out, err := canary.Run(t.Context(), env, canary.Options{
		Rollout: config.Rollout{Name: "payment-api", Service: "payment-api", Target: act.Place{Kind: "lambda", Params: map[string]string{"function": "payment-api", "alias": "live"}}, Plan: plan},
		Release: act.Release{Version: "2"}, Actor: r, Meter: r.meter(), Decide: judge.Decide, Clock: r, Holder: "trial",
	})
	if err != nil {
		t.Fatalf("%s, run %d: %v", all.fault, run, err)
	}
	want := act.Split{Stable: "1"}
	if out.State.Outcome == rollout.Promoted {
		want.Stable = "2"
	}
	if got := r.Split(); !got.Same(want) {
		t.Errorf("%s, run %d ends as %s with the traffic at %s", all.fault, run, out.State.Outcome, got)
	}
	into.ends[out.State.Outcome]++
	into.took = append(into.took, r.now.Sub(env.Now))
	into.seen += out.Requests
}

// TestRolloutTrials rolls good and bad versions of the payment API out, in
// simulated time: the service's own code under a clock of its own gives the
// minutes, the real shell, judge and machine decide. The full test does it 200
// times each and says how often which verdict came, with intervals.
func TestRolloutTrials(t *testing.T) {
	runs := 3
	if os.Getenv("NINES_FULL") != "" {
		runs = 200
	}
	program := paymentAPI(t)
	for _, tc := range []struct {
		fault string
		good  bool
		mild  bool // not every one of these can be found
	}{
		{"none", true, false},
		{"errors", false, false},
		{"latency-body", false, false},
		{"latency-tail", false, false},
		{"slow-dependency", false, false},
		{"errors:0.01", false, true},
		{"latency-tail:0.03:1.2s", false, true},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			t.Parallel()
			all := simulateTrials(t, program, tc.fault, runs)
			got := &trialTally{ends: map[rollout.Outcome]int{}}
			for run := range runs {
				all.roll(t, run, got)
			}
			right := got.ends[rollout.Failed]
			if tc.good {
				right = got.ends[rollout.Promoted]
			}
			between := confseq.Wilson(float64(right), float64(runs), confseq.Quantile(0.975))
			slices.Sort(got.took)
			t.Logf("TRIALS %-24s %3d of %d right (%.3f, 95 %%: %.3f to %.3f), ends %v, over after a median of %.0f min (most %.0f), %d requests to each canary",
				tc.fault, right, runs, float64(right)/float64(runs), between.Low, between.High, got.ends, got.took[runs/2].Minutes(), got.took[runs-1].Minutes(), got.seen/int64(runs))
			least := runs - runs/20 // a good one may fail once in twenty
			if !tc.good {
				least = runs
			}
			if right < least && !tc.mild {
				t.Errorf("%d of %d rollouts ended right, want %d: %v", right, runs, least, got.ends)
			}
			if bad := got.ends[rollout.Promoted]; tc.mild && bad > runs/20 {
				t.Errorf("%d of %d bad versions were promoted", bad, runs)
			}
		})
	}
}
