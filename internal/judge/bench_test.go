package judge_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/judge/eprocess"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// binomial draws how many of n requests at a rate are bad.
func binomial(r *rand.Rand, n int64, rate float64) (x int64) {
	for range n {
		if r.Float64() < rate {
			x++
		}
	}
	return x
}

// traffic is minutes of two versions: about 180 and 20 requests in each, which
// vary, so that no minute is like the one before.
func traffic(r *rand.Rand, minutes int, baseline, canary float64) []judge.Sample {
	out := make([]judge.Sample, minutes)
	for i := range out {
		nb, nc := 150+r.Int64N(60), 15+r.Int64N(10)
		out[i] = judge.Sample{
			At:       slo.Minute(29_000_000 + i),
			Baseline: judge.Arm{Total: nb, Bad: binomial(r, nb, baseline)},
			Canary:   judge.Arm{Total: nc, Bad: binomial(r, nc, canary)},
		}
	}
	return out
}

// A thousand metrics of a day each, on one core: most of them good, some worse.
func BenchmarkJudgeThousandMetrics(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	req := judge.Request{Subject: "payment-api", Policy: judge.Policy{Margin: judge.Margin{Add: .001}}}
	for i := range 1000 {
		rate := .01
		if i%20 == 0 {
			rate = .03
		}
		req.Metrics = append(req.Metrics, judge.Metric{Name: fmt.Sprintf("m%d", i), Samples: traffic(r, 1440, .01, rate)})
	}
	start := processor(b)
	for b.Loop() {
		if res := judge.Judge(req); len(res.Findings) != 1000 || res.Verdict == decision.Pass {
			b.Fatal(res.Verdict)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/op")
	b.ReportMetric((processor(b)-start)/float64(b.N), "cpu-s/op")
}

// processor is how many seconds of processors this process has used: what an
// operation costs on a machine that others use too.
func processor(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// BenchmarkProjection is one projection, beside the 40 halvings that it stands for.
func BenchmarkProjection(b *testing.B) {
	const nb, pb, nc, pc, gap = 180, .01, 20, .03, .001
	b.Run("newton", func(b *testing.B) {
		for b.Loop() {
			if h := eprocess.Hardest(eprocess.Arms{Nb: nb, Pb: pb, Nc: nc, Pc: pc}, gap); h.Pc < pb {
				b.Fatal(h)
			}
		}
	})
	b.Run("halvings", func(b *testing.B) {
		for b.Loop() {
			lo, hi := pb+gap, pc
			for range 40 {
				s := (lo + hi) / 2
				if r := s - gap; nc*(s-pc)/(s*(1-s))+nb*(r-pb)/(r*(1-r)) > 0 {
					hi = s
				} else {
					lo = s
				}
			}
			if lo < pb {
				b.Fatal(lo)
			}
		}
	})
}
