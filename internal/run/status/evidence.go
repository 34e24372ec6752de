package status

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/evidence"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// EvidenceReach is how far back evidence is gathered.
const EvidenceReach = 3 * slo.Day

// Evidence is what the package evidence says of an entry's objective at an
// instant, from the three days before it, without what is excluded. It is nil
// for a composite, whose parts have targets of their own.
func Evidence(ctx context.Context, env *run.Env, e *Entry, at slo.Minute) (*float64, error) {
	o := &e.Objective.Objective
	if len(o.Members) > 0 || env.History == nil {
		return nil, nil //nolint:nilnil // there is none, which is no error
	}
	span := slo.Span{From: at - EvidenceReach, To: at}
	id, step := measure.SliceID(o), slo.Minute(1)
	if o.Budgeting != slo.Occurrences {
		step = max(1, o.Slice)
	}
	views, err := env.History.Open(ctx, []timeline.Request{{ID: id, Step: step, Frontier: at, Points: []slo.Span{span}}})
	if err != nil {
		return nil, storeError(err)
	}
	log := 0.0
	if v := views[id]; v != nil {
		log = max(0, evidence.Of(slo.Exclude(v, e.Excluded, step), o.Target, span))
	}
	return &log, nil
}
