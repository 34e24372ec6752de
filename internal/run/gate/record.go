package gate

import (
	"context"
	"encoding/json"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
)

// Record is the body of a decision's entry: the decision and everything it
// rests on. The decision's ID is empty there: it is the entry's.
type Record struct {
	Request  gate.Request      `json:"request"`
	Decision decision.Decision `json:"decision"`
}

// draft is the entry of a decision. Its key is the question's and the moment's,
// so that what a write left behind that seemed to fail is not recorded again.
func (q *question) draft(d decision.Decision) (ledger.Draft, error) {
	body, err := json.Marshal(Record{q.req, d})
	if err != nil {
		return ledger.Draft{}, fault.Wrap(fault.Internal, "record the decision", err, "")
	}
	key, err := decision.Digest(struct {
		Now   time.Time
		Actor string
		Body  json.RawMessage
	}{q.env.Now, q.actor(), body})
	if err != nil {
		return ledger.Draft{}, fault.Wrap(fault.Internal, "record the decision", err, "")
	}
	return ledger.Draft{
		At: q.env.Now, Kind: ledger.KindDecision, Subject: q.req.Service, Actor: q.actor(),
		Body: body, Key: "decision/" + key,
	}, nil
}

// record writes the decision to the ledger. A rollback whose ledger is away is
// spooled and no error: nothing holds it.
func (q *question) record(ctx context.Context, d decision.Decision) (e ledger.Entry, spooled bool, err error) {
	draft, err := q.draft(d)
	if err == nil && q.env.Ledger == nil {
		err = fault.New(fault.Unavailable, "record the decision", "there is no ledger", "")
	}
	if err == nil {
		e, err = q.env.Ledger.Append(ctx, draft)
	}
	if err == nil {
		return e, false, nil
	}
	if q.rollback() && fault.KindOf(err) != fault.Canceled {
		q.log(ctx, "record a rollback", err)
		return ledger.Entry{}, q.spool(ctx, d), nil
	}
	return ledger.Entry{}, false, fault.Wrap(fault.Internal, "record the decision", err, "")
}

// spool keeps a decision that the ledger does not take, and says so.
func (q *question) spool(ctx context.Context, d decision.Decision) bool {
	const lost = "this decision is recorded nowhere: note it down"
	draft, err := q.draft(d)
	switch {
	case err != nil:
		q.log(ctx, "write the decision down", err)
	case q.env.Spool == nil:
		err = fault.New(fault.Unavailable, "spool", "there is none", "")
	default:
		if err = q.env.Spool.Put(ctx, draft); err != nil {
			q.log(ctx, "spool the decision", err)
		}
	}
	if err != nil {
		q.notes = append(q.notes, lost)
		return false
	}
	q.notes = append(q.notes, "this decision is recorded when the store is back")
	return true
}

// drain records what earlier calls had to spool. It is no part of the question:
// what stays is tried again by the next call.
func (q *question) drain(ctx context.Context) {
	if q.env.Spool == nil || q.env.Ledger == nil {
		return
	}
	if _, err := q.env.Spool.Drain(ctx, q.env.Ledger); err != nil {
		q.log(ctx, "record what earlier calls spooled", err)
	}
}
