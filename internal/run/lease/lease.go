// Package lease keeps one rollout a target, and the record of it: a chain of
// ledger entries, each of which can be written by one process only. Who writes
// the next entry has the target; who finds that somebody else did has lost it.
package lease

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/rollout"
)

// Beat is how often whoever has a target says that he is still there. The lease
// ends two beats after the last one.
const Beat = time.Minute

// Stage is what entries of rollouts call their place in a pipeline.
const Stage = "canary"

// Phase is what an entry is for.
type Phase string

// The phases.
const (
	Start    Phase = "start"    // a rollout begins
	Takeover Phase = "takeover" // another process goes on with it
	Intent   Phase = "intent"   // an action is about to be done
	Done     Phase = "done"     // it was done, and this is how the target lies
	Still    Phase = "beat"     // nothing new; whoever has it is still there
	Pause    Phase = "pause"    // it waits for somebody's word
	Stuck    Phase = "stuck"    // an action could not be done: somebody has to look
	End      Phase = "end"      // it is over
)

// Body is the body of an entry.
type Body struct {
	Rollout     string        `json:"rollout"`
	Target      string        `json:"target"`
	Place       act.Place     `json:"place"` // the target, in its parts
	Environment string        `json:"environment,omitempty"`
	Phase       Phase         `json:"phase"`
	State       rollout.State `json:"state"`
	Stage       string        `json:"stage"` // [Stage]
	Action      *act.Action   `json:"action,omitempty"`
	Outcome     *act.Outcome  `json:"outcome,omitempty"`
	// Decision is the entry of the judge's answer that led here.
	Decision string    `json:"decision,omitempty"`
	Holder   string    `json:"holder"`
	Beat     time.Time `json:"beat"`
}

// Ends is when the lease that an entry gives ends; over at once for a rollout
// that is over.
func (b *Body) Ends() time.Time {
	if b.Phase == End || b.Phase == Pause || b.Phase == Stuck {
		return b.Beat
	}
	return b.Beat.Add(2 * Beat)
}

// Head is the newest entry about a target; the zero value: there is none.
type Head struct {
	ID   string
	At   time.Time
	Body Body
}

// Open says whether the head is a rollout that is not over.
func (h *Head) Open() bool { return h.ID != "" && h.Body.Phase != End }

// Newest finds the newest entry of a service about a target. An entry that
// cannot be read is an error of kind Corrupt: it may be the one that says how to
// restore.
func Newest(ctx context.Context, l ledger.Ledger, service, target string) (Head, error) {
	return find(ctx, l, service, func(b *Body) bool { return b.Target == target })
}

// Latest finds the newest entry of a service about any target of an environment;
// "": every one.
func Latest(ctx context.Context, l ledger.Ledger, service, environment string) (Head, error) {
	return find(ctx, l, service, func(b *Body) bool { return environment == "" || b.Environment == environment })
}

func find(ctx context.Context, l ledger.Ledger, service string, is func(*Body) bool) (Head, error) {
	const op = "read the record of rollouts"
	if l == nil {
		return Head{}, fault.New(fault.Unavailable, op, "there is no ledger", "a rollout has to be recorded: name a store with --store")
	}
	for e, err := range l.Scan(ctx, ledger.Query{Kinds: []ledger.Kind{ledger.KindRollout}, Subject: service, Newest: true}) {
		if err != nil {
			return Head{}, fault.Wrap(fault.Unavailable, op, err, "")
		}
		h := Head{ID: e.ID, At: e.At}
		// What others write of rollouts (a watch) has a body of its own.
		var about struct {
			Target      string `json:"target"`
			Environment string `json:"environment"`
			Stage       string `json:"stage"`
		}
		err := json.Unmarshal(e.Body, &about)
		if err == nil && (e.Subject != service || about.Stage != Stage || !is(&Body{Target: about.Target, Environment: about.Environment})) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(e.Body, &h.Body)
		}
		if err != nil {
			return Head{}, fault.New(fault.Corrupt, op+", entry "+e.ID, err.Error(), "look at it with `nines ledger`")
		}
		return h, nil
	}
	return Head{}, nil
}

// Promoted finds the rollout that made a version the one that serves on a target.
func Promoted(ctx context.Context, l ledger.Ledger, service, target, version string) (Head, error) {
	for e, err := range l.Scan(ctx, ledger.Query{Kinds: []ledger.Kind{ledger.KindRollout}, Subject: service, Newest: true}) {
		if err != nil {
			return Head{}, fault.Wrap(fault.Unavailable, "read the record of rollouts", err, "")
		}
		h := Head{ID: e.ID, At: e.At}
		if e.Subject != service || json.Unmarshal(e.Body, &h.Body) != nil {
			continue // of a watch, or nothing that helps
		}
		b := &h.Body
		if b.Stage == Stage && b.Target == target && b.Phase == End && b.State.Outcome == rollout.Promoted && b.State.Version == version {
			return h, nil
		}
	}
	return Head{}, nil
}

// Chain is the hold on a target.
type Chain struct {
	Ledger  ledger.Ledger
	Service string
	Actor   string // who, for the entries
	Holder  string // which process: a job's address, or host:pid

	key  string    // of the next entry
	ends time.Time // of the lease
}

// Begin prepares to write the first entry of a new rollout behind a head, which
// is over or none.
func (c *Chain) Begin(target string, behind Head) { c.key = key(target, "start"+behind.ID) }

// Follow prepares to write the next entry of a rollout.
func (c *Chain) Follow(target string, behind Head) { c.key = key(target, behind.ID) }

func key(target, behind string) string { return "rollout/" + target + "/" + behind }

// Held says whether the lease holds at an instant.
func (c *Chain) Held(at time.Time) bool { return at.Before(c.ends) }

// Ends is when the lease ends.
func (c *Chain) Ends() time.Time { return c.ends }

// Lost is the error of who has lost the lease.
func Lost(holder string) error {
	return fault.New(fault.Conflict, "rollout", "another process has taken it over: "+holder, "this one does nothing more")
}

// IsLost says whether an error is that of a lost lease. (Ledgers have conflicts
// of their own.)
func IsLost(err error) bool {
	e, ok := err.(*fault.Error) //nolint:errorlint // made here, and never wrapped
	return ok && e.Kind == fault.Conflict && e.Op == "rollout"
}

// Draft is the entry that would be written next.
func (c *Chain) Draft(b *Body) (ledger.Draft, error) {
	b.Holder = c.Holder
	body, err := json.Marshal(b)
	if err != nil {
		return ledger.Draft{}, fault.Wrap(fault.Internal, "record the rollout", err, "")
	}
	return ledger.Draft{At: b.Beat, Kind: ledger.KindRollout, Subject: c.Service, Actor: c.Actor, Key: c.key, Body: body}, nil
}

// Append writes the next entry at the instant b.Beat, and with that renews the
// lease. A lost lease is an error that [IsLost] knows; any other error may be
// tried again, with another body too.
func (c *Chain) Append(ctx context.Context, b *Body) (ledger.Entry, error) {
	for {
		d, err := c.Draft(b)
		if err != nil {
			return ledger.Entry{}, err
		}
		e, err := c.Ledger.Append(ctx, d)
		if err != nil {
			return e, fault.Wrap(fault.Unavailable, "record the rollout", err, "")
		}
		var is Body
		same := bytes.Equal(e.Body, d.Body)
		if !same {
			if err := json.Unmarshal(e.Body, &is); err != nil {
				return e, fault.New(fault.Corrupt, "record the rollout", fmt.Sprintf("entry %s cannot be read: %v", e.ID, err), "")
			}
			if is.Holder != c.Holder || is.Rollout != b.Rollout {
				return e, Lost(is.Holder)
			}
		}
		if same {
			is = *b
		}
		// The lease is as long as the record says, not as what is still to be written.
		c.key, c.ends = key(b.Target, e.ID), is.Ends()
		if same || is.Phase == End {
			return e, nil // nothing of this rollout may stand behind its end: others begin there
		}
		// What was there is this process's own, of an attempt whose answer was lost.
	}
}
