// Package ledger holds the record of everything Nines decided and did:
// append-only, chained by digest, replayable.
package ledger

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// Kind is what an entry records.
type Kind string

// The kinds of entries.
const (
	KindDecision  Kind = "decision"  // a gate's, a judge's or a watch's answer, with its inputs
	KindOverride  Kind = "override"  // somebody let a deployment through
	KindFreeze    Kind = "freeze"    // a stretch in which nothing ships
	KindExclusion Kind = "exclusion" // a stretch that does not count
	KindEnd       Kind = "end"       // the end of a freeze, an exclusion or an override
	KindReset     Kind = "reset"     // an indicator's history was forgotten, on purpose
	KindDeploy    Kind = "deploy"    // a version reached an environment
	KindDocument  Kind = "document"  // the documents changed what is measured or decided
	KindNotice    Kind = "notice"    // somebody was told of something, or could not be
	KindToken     Kind = "token"     // an identity token was spent; it counts once
	KindAlert     Kind = "alert"     // an incident opened, escalated, ended or was held back; a condition could not be judged
	KindSilence   Kind = "silence"   // a stretch in which alerts are not told
	KindRollout   Kind = "rollout"   // a step of a rollout or a rollback: what is about to be done, how to undo it, what came of it
	KindIncident  Kind = "incident"  // users were hurt; it may name the deployment that did it
)

// Draft is an entry to be.
type Draft struct {
	At      time.Time
	Kind    Kind
	Subject string // what it is about: "payment-api", "payment-api/availability"
	Actor   string // who, as far as it is known
	Body    json.RawMessage
	// Key makes appending idempotent: a second draft with the same non-empty key
	// returns the first one's entry and writes nothing.
	Key string
}

// Entry is a recorded draft. Digest covers every other field, Prev is the
// digest of the entry before: a changed entry breaks the chain.
type Entry struct {
	Seq     int64           `json:"seq"`
	ID      string          `json:"id"` // short, unique, sortable by time
	At      time.Time       `json:"at"`
	Kind    Kind            `json:"kind"`
	Subject string          `json:"subject"`
	Actor   string          `json:"actor"`
	Key     string          `json:"key,omitempty"`
	Body    json.RawMessage `json:"body"`
	Prev    string          `json:"prev"`
	Digest  string          `json:"digest"`
}

// Query selects entries. Zero fields select everything.
type Query struct {
	Kinds    []Kind
	Subject  string // exact, or everything below it: "payment-api" finds "payment-api/availability"
	From, To time.Time
	Newest   bool // newest first
	Limit    int
}

// Ledger keeps entries. Implementations pass the suite in ledgertest. Errors
// are of package fault.
type Ledger interface {
	// Append records a draft behind the newest entry; concurrent appends queue.
	Append(ctx context.Context, d Draft) (Entry, error)
	// Get returns the entry with an ID, or with the one ID that begins with it;
	// NotFound when there is none, Invalid when it is not unique.
	Get(ctx context.Context, id string) (Entry, error)
	// Scan yields the selected entries.
	Scan(ctx context.Context, q Query) iter.Seq2[Entry, error]
	// Close releases it.
	Close() error
}
