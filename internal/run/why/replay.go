package why

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
)

// Replay is a decision recomputed from its recorded inputs.
type Replay struct {
	Recorded decision.Decision
	Again    decision.Decision
	Agrees   bool
	Why      string // what differs, or what was tampered with
}

// Recompute replays a decision from what was recorded with it and nothing else.
// id is as for [Explain]. A record that does not agree is no error: Why says
// what is wrong with it.
func Recompute(ctx context.Context, env *run.Env, id string) (Replay, error) {
	e, err := find(ctx, env, id)
	if err != nil {
		return Replay{}, err
	}
	r := Replay{Recorded: decision.Decision{ID: e.ID, Subject: e.Subject}}
	var wrong []string
	// A body changed together with its digest no longer fits the entry behind
	// it: only the whole chain vouches for one entry.
	if err := ledger.Verify(env.Ledger.Scan(ctx, ledger.Query{})); fault.KindOf(err) == fault.Corrupt {
		wrong = append(wrong, err.Error())
	} else if err != nil {
		return r, fault.Wrap(fault.Internal, "replay "+e.ID, err, "")
	}
	if ofWatch(e.Body) || ofJudge(e.Body) {
		replay := replayJudge
		if ofWatch(e.Body) {
			replay = replayWatch
		}
		recorded, again, more := replay(e.Body)
		r.Recorded, r.Again = recorded, again
		wrong = append(wrong, more...)
		return r.compared(e, wrong), nil
	}
	rec, unreadable := strict(e.Body)
	if unreadable != "" {
		r.Why = strings.Join(append(wrong, "what was recorded cannot be read: "+unreadable), "; ")
		return r, nil
	}
	r.Recorded = rec.Decision
	r.Again = gate.Decide(rec.Request)
	if sum, err := decision.Digest(rec.Request); err != nil || sum != rec.Decision.InputDigest {
		wrong = append(wrong, "the inputs are not those it was decided on: their digest differs")
	}
	return r.compared(e, wrong), nil
}

// compared says what differs between what was recorded and what was computed again,
// beside what is known to be wrong already.
func (r Replay) compared(e ledger.Entry, wrong []string) Replay {
	if e.Subject != r.Recorded.Subject {
		wrong = append(wrong, fmt.Sprintf("the entry is about %s, the decision about %s", e.Subject, r.Recorded.Subject))
	}
	wrong = append(wrong, differences(r.Recorded, r.Again)...)
	r.Recorded.ID, r.Again.ID = e.ID, e.ID
	r.Agrees, r.Why = len(wrong) == 0, strings.Join(wrong, "; ")
	return r
}

// strict reads a record and refuses what it would leave out: a field nobody
// knows was not decided on, so it must not stand in the record. why says what
// cannot be read; empty: nothing.
func strict(body []byte) (rec rungate.Record, why string) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&rec); err != nil {
		return rec, err.Error()
	}
	return rec, ""
}

// differences names the fields in which two decisions differ, as they are
// printed.
func differences(recorded, again decision.Decision) []string {
	var out []string
	add := func(name string, a, b any) {
		x, errA := json.Marshal(a)
		y, errB := json.Marshal(b)
		if errA != nil || errB != nil || !bytes.Equal(x, y) {
			out = append(out, fmt.Sprintf("%s was recorded as %s, and is %s", name, clip(x), clip(y)))
		}
	}
	add("the verdict", recorded.Verdict, again.Verdict)
	add("the subject", recorded.Subject, again.Subject)
	add("the policy", recorded.Policy, again.Policy)
	add("the instant", recorded.At, again.At)
	add("the digest of the inputs", recorded.InputDigest, again.InputDigest)
	for i := range max(len(recorded.Reasons), len(again.Reasons)) {
		add(fmt.Sprintf("reason %d", i+1), at(recorded.Reasons, i), at(again.Reasons, i))
	}
	for i := range max(len(recorded.Evidence), len(again.Evidence)) {
		add(fmt.Sprintf("evidence %d", i+1), at(recorded.Evidence, i), at(again.Evidence, i))
	}
	const most = 3
	if len(out) > most {
		out = append(out[:most], fmt.Sprintf("and %d more", len(out)-most))
	}
	return out
}

// at is an element, or nil behind the end.
func at[T any](xs []T, i int) any {
	if i < len(xs) {
		return xs[i]
	}
	return nil
}

func clip(b []byte) string {
	const most = 120
	if len(b) > most {
		return string(b[:most]) + "..."
	}
	return string(b)
}
