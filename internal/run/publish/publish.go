// Package publish is the shell that gives numbers away: it reads how objectives
// stand and sends what is known of them to a sink.
package publish

import (
	"context"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/publish"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// The metrics. A burn rate has its look-back behind its name: BurnRate1h.
const (
	BudgetRemaining = "BudgetRemaining" // percent of the budget; below 0 when overspent
	SLI             = "SLI"             // percent of good events in the window
	Coverage        = "Coverage"        // percent of the window that is measured
	BurnRate        = "BurnRate"        // 1 spends exactly the budget in the window
	// FrontierAge is for how many seconds nothing newer was measured of the
	// objective that is furthest behind: the one metric that says whether Nines
	// itself works. It is always sent.
	FrontierAge = "MeasuredFrontierAge"
)

// Namespace is CloudWatch's, unless documents name another.
const Namespace = "Nines"

// Defaults are the metrics that are sent unless documents say otherwise. Each
// costs as much as a custom metric does, for every objective.
func Defaults() []string { return []string{BudgetRemaining, BurnRate + "1h"} }

// oldest is how far in the past CloudWatch takes numbers. (API reference,
// PutMetricData: two weeks.)
const oldest = 14*24*time.Hour - time.Hour

// Options steer Run.
type Options struct {
	Select []string
	// Metrics are those to send; empty: those of the documents, else Defaults.
	Metrics []string
	// Deployment tells several that measure in one account apart, as a dimension
	// of FrontierAge; "": there is none.
	Deployment string
	// Entries are used if they were read already; nil: Run reads them.
	Entries []status.Entry
	// Behind are entries that FrontierAge counts; nil: Entries.
	Behind []status.Entry
}

// Run publishes.
func Run(ctx context.Context, env *run.Env, sink publish.Sink, opt Options) (publish.Receipt, error) {
	if opt.Entries == nil {
		var err error
		if opt.Entries, err = status.Read(ctx, env, status.Options{Select: opt.Select}); err != nil {
			return publish.Receipt{}, err
		}
	}
	if opt.Behind == nil {
		opt.Behind = opt.Entries
	}
	wanted := opt.Metrics
	if len(wanted) == 0 {
		wanted = env.Catalog.Settings.Publish.Metrics
	}
	if len(wanted) == 0 {
		wanted = Defaults()
	}
	samples := slices.Concat(Samples(opt.Entries, wanted, env.Now), Age(opt.Behind, opt.Deployment, env.Now))
	receipt, err := sink.Publish(ctx, samples)
	return receipt, fault.Wrap(fault.Unavailable, "publish", err, "")
}

// Samples are the numbers of objectives that are known: what is stale, measured
// too thinly or never had traffic is not sent, so that an alarm on it sees
// missing data and not an old number. They bear the instant up to which is
// measured.
func Samples(entries []status.Entry, wanted []string, now time.Time) []publish.Sample {
	var out []publish.Sample
	for i := range entries {
		e := &entries[i]
		st := &e.Status
		at := st.Frontier.Time()
		if st.Frontier == 0 || slices.Contains(st.Flags, slo.Stale) || now.Sub(at) > oldest {
			continue
		}
		dims := dimensions(e.Objective)
		add := func(name string, v *float64, scale float64, unit publish.Unit) {
			if v != nil && slices.Contains(wanted, name) {
				out = append(out, publish.Sample{Name: name, Dimensions: dims, Value: *v * scale, Unit: unit, At: at})
			}
		}
		add(BudgetRemaining, st.Budget.Remaining, 100, publish.Percent)
		add(SLI, st.SLI, 100, publish.Percent)
		coverage := st.Stretch.Coverage()
		add(Coverage, &coverage, 100, publish.Percent)
		least, _ := e.Objective.Coverage.Rat().Float64()
		for _, b := range st.Burns {
			if b.Stretch.Coverage() >= least {
				add(BurnRate+slo.FormatLength(b.Lookback), b.Rate, 1, publish.Plain)
			}
		}
	}
	return out
}

func dimensions(o *config.Objective) []publish.Dimension {
	return []publish.Dimension{{Name: "Service", Value: o.Service}, {Name: "SLO", Value: o.SLO}, {Name: "Objective", Value: o.Name}}
}

// Age is [FrontierAge] at an instant: of the objective over a live source that
// is furthest behind. An objective that was never measured makes it unknown,
// and it is not sent: an alarm that takes missing data as breaching goes off.
func Age(entries []status.Entry, deployment string, now time.Time) []publish.Sample {
	var age time.Duration
	for i := range entries {
		e := &entries[i]
		if e.Objective.MaxAge == 0 {
			continue // a recording ends where it ends
		}
		if e.Status.Frontier == 0 {
			return nil
		}
		age = max(age, now.Sub(e.Status.Frontier.Time()))
	}
	if len(entries) == 0 {
		return nil
	}
	s := publish.Sample{Name: FrontierAge, Value: age.Seconds(), Unit: publish.Seconds, At: now}
	if strings.TrimSpace(deployment) != "" {
		s.Dimensions = []publish.Dimension{{Name: "Deployment", Value: deployment}}
	}
	return []publish.Sample{s}
}
