// Package synthetic makes up histories whose incidents are known, to hold alert
// rules against: services with traffic by day and night, a background of errors
// within the budget, and incidents of every length and severity.
package synthetic

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gitlab.com/nines-sre/nines/internal/backtest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Fleet says what is made up. The zero value of a field is its default.
type Fleet struct {
	Services int        // 240
	Length   slo.Minute // 60 days
	PerMin   float64    // mean requests a minute; 1000
	Seed     uint64
	Target   slo.Decimal // 0.999, over 30 rolling days
	// Background is the burn rate between incidents; 0.2.
	Background float64
	// Swing is by how much of the mean traffic rises and falls over a day; 0.8.
	Swing float64
	// PerMonth is incidents in thirty days; 4. Their lengths are lognormal with a
	// median of Median minutes (20) and Sigma (1) in the logarithm, the share of
	// requests that fails in them log-uniform from Least (0.003) to 1.
	PerMonth, Median, Sigma, Least float64
	// Significant is the share of a period's budget from which on an incident
	// should be told of; 0.02.
	Significant float64
}

// start is a Monday, 2025-01-06.
const start = 20094 * slo.Day

// Warmup is how long a history is recorded before anything is judged: one day,
// so that each hour of the day has been seen.
const Warmup = slo.Day

func (f Fleet) filled() Fleet {
	set := func(v *float64, to float64) {
		if *v == 0 {
			*v = to
		}
	}
	if f.Services == 0 {
		f.Services = 240
	}
	if f.Length == 0 {
		f.Length = 60 * slo.Day
	}
	if f.Target.IsZero() {
		f.Target = slo.MustDecimal("0.999")
	}
	set(&f.PerMin, 1000)
	set(&f.Background, 0.2)
	set(&f.Swing, 0.8)
	set(&f.PerMonth, 4)
	set(&f.Median, 20)
	set(&f.Sigma, 1)
	set(&f.Least, 0.003)
	set(&f.Significant, backtest.DerivedShare)
	return f
}

// Each makes up one service after another and hands it over with the incidents
// somebody should be told of. The same fleet is the same to the last event.
func (f Fleet) Each(do func(s *backtest.Subject, incidents []backtest.Incident)) {
	f = f.filled()
	for i := range f.Services {
		m := maker{f: f, r: rand.New(rand.NewPCG(f.Seed, uint64(i)))} //nolint:gosec // chance that can be had again, no secret
		do(m.service(fmt.Sprintf("service-%03d", i)))
	}
}

// maker makes one service.
type maker struct {
	f Fleet
	r *rand.Rand
}

// spell is an incident as it was made.
type spell struct {
	slo.Span
	share float64
	bad   int64
}

func (m *maker) service(name string) (*backtest.Subject, []backtest.Incident) {
	f := &m.f
	span := slo.Span{From: start + Warmup, To: start + Warmup + f.Length}
	o := &slo.Objective{Service: name, SLO: "availability", Name: f.Target.String(), Target: f.Target, Window: slo.Rolling{Length: 30 * slo.Day}}
	spells := m.spells(span)
	points := make([]slo.Point, 0, span.To-start)
	budget := f.Target.Complement().Float()
	peak := m.r.Float64() // where in the day it is busiest
	next := 0
	for at := start; at < span.To; at++ {
		for next < len(spells) && spells[next].To <= at {
			next++
		}
		share, in := f.Background*budget, next < len(spells) && spells[next].Contains(at)
		if in {
			share = spells[next].share
		}
		rate := f.PerMin * (1 + f.Swing*math.Sin(2*math.Pi*(float64(at%slo.Day)/float64(slo.Day)+peak)))
		// A Poisson number of requests, each bad with a probability, is two Poisson
		// numbers.
		good, bad := m.poisson(rate*(1-share)), m.poisson(rate*share)
		if in {
			spells[next].bad += bad
		}
		points = append(points, slo.Point{At: at, Count: slo.Count{Good: slo.Events(good), Total: slo.Events(good + bad)}})
	}
	allowed := budget * f.PerMin * float64(30*slo.Day)
	var incidents []backtest.Incident
	for _, s := range spells {
		if spent := float64(s.bad) / allowed; spent >= f.Significant {
			incidents = append(incidents, backtest.Incident{Subject: o.Key(), From: s.From, To: s.To, Spent: spent})
		}
	}
	return &backtest.Subject{Objective: o, View: slo.NewSeries(1, span.To, points), Span: span}, incidents
}

// spells draws incidents, an hour apart at least so that none is part of another.
func (m *maker) spells(span slo.Span) []spell {
	var out []spell
	mean := float64(30*slo.Day) / m.f.PerMonth
	for at := float64(span.From); ; {
		at += m.r.ExpFloat64() * mean
		length := max(1, math.Round(m.f.Median*math.Exp(m.f.Sigma*m.r.NormFloat64())))
		s := spell{Span: slo.Span{From: slo.Minute(at), To: slo.Minute(at + length)}, share: math.Exp(math.Log(m.f.Least) * m.r.Float64())}
		if s.To+slo.Day >= span.To {
			return out
		}
		out = append(out, s)
		at = float64(s.To + slo.Hour)
	}
}

// poisson draws a number of events. Above 60 a normal number is close enough:
// nothing here depends on the tail of ordinary traffic.
func (m *maker) poisson(mean float64) int64 {
	if mean > 60 {
		return max(0, int64(math.Round(mean+math.Sqrt(mean)*m.r.NormFloat64())))
	}
	u := m.r.Float64()
	if u < 1-mean {
		return 0 // which is less than exp(-mean)
	}
	n, limit := int64(0), math.Exp(-mean)
	for p := u; p > limit; p *= m.r.Float64() {
		n++
	}
	return n
}
