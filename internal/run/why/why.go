// Package why explains a recorded decision, and recomputes it.
package why

import (
	"context"
	"encoding/json"
	"fmt"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
)

// Explanation is a decision in a dozen lines a tired person can act on.
type Explanation struct {
	Entry    ledger.Entry
	Decision decision.Decision
	Lines    []string
}

// Explain explains the decision with an ID, the newest of a service for a
// service's name, or the newest of all for "". It reads the entry, and the
// ledger for what happened before; budgets are not asked again. Errors: no such
// decision (NotFound), an entry that is no decision (Invalid), one that cannot
// be read (Corrupt).
func Explain(ctx context.Context, env *run.Env, id string) (Explanation, error) {
	e, err := find(ctx, env, id)
	if err != nil {
		return Explanation{}, err
	}
	switch {
	case ofWatch(e.Body):
		return explainWatch(ctx, env, e)
	case ofJudge(e.Body):
		return explainJudge(ctx, env, e)
	}
	var rec rungate.Record
	if err := json.Unmarshal(e.Body, &rec); err != nil {
		return Explanation{Entry: e}, fault.Wrap(fault.Corrupt, "decision "+e.ID, err, "`nines why --replay` says more")
	}
	rec.Decision.ID = e.ID
	t := &teller{env: env, entry: e, req: &rec.Request, dec: &rec.Decision}
	lines, err := t.tell(ctx)
	return Explanation{Entry: e, Decision: rec.Decision, Lines: lines}, err
}

// find returns the entry of a decision.
func find(ctx context.Context, env *run.Env, id string) (ledger.Entry, error) {
	if env.Ledger == nil {
		return ledger.Entry{}, fault.New(fault.Unavailable, "why", "there is no ledger to look in", "name a store with --store")
	}
	if id == "" {
		return newest(ctx, env, "")
	}
	e, err := env.Ledger.Get(ctx, id)
	if fault.KindOf(err) == fault.NotFound && run.CheckSubject(env.Catalog, id) == nil {
		return newest(ctx, env, id)
	}
	if err != nil {
		return ledger.Entry{}, fault.Wrap(fault.Internal, "why", err, "")
	}
	if e.Kind != ledger.KindDecision {
		return ledger.Entry{}, fault.New(fault.Invalid, "why "+e.ID, fmt.Sprintf("it is a %s, not a decision", e.Kind), "`nines ledger` lists the decisions")
	}
	return e, nil
}

func newest(ctx context.Context, env *run.Env, subject string) (ledger.Entry, error) {
	q := ledger.Query{Kinds: []ledger.Kind{ledger.KindDecision}, Subject: subject, Newest: true, Limit: 1}
	for e, err := range env.Ledger.Scan(ctx, q) {
		if err != nil {
			return ledger.Entry{}, fault.Wrap(fault.Internal, "why", err, "")
		}
		return e, nil
	}
	what := "nothing was decided yet"
	if subject != "" {
		what = "nothing was decided about " + subject + " yet"
	}
	return ledger.Entry{}, fault.New(fault.NotFound, "why", what, "ask with `nines gate SERVICE`")
}
