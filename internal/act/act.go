// Package act holds what is done to the world: which version of something gets
// the traffic, and how it is put back. Everything goes in two steps. Plan only
// reads, and says what would be changed; Apply changes it, and only from the
// state that the plan was made for.
package act

import (
	"context"
	"fmt"
	"strings"
)

// Split is how the traffic of one thing lies between two versions of it.
type Split struct {
	Stable string  `json:"stable"`           // gets what the canary does not
	Canary string  `json:"canary,omitempty"` // "": there is none
	Weight float64 `json:"weight,omitempty"` // the canary's share, 0 to 1
}

// Whole says whether one version has all the traffic.
func (s Split) Whole() bool { return s.Canary == "" || s.Weight == 0 }

// Same says whether two splits send the same traffic to the same versions.
func (s Split) Same(o Split) bool {
	if s.Whole() && o.Whole() {
		return s.Stable == o.Stable
	}
	return s == o
}

// String is the split as a person reads it: "7", or "7 with 5 % on 8".
func (s Split) String() string {
	if s.Whole() {
		return s.Stable
	}
	return fmt.Sprintf("%s with %s %% on %s", s.Stable, percent(s.Weight), s.Canary)
}

func percent(share float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.4f", 100*share), "0"), ".")
}

// State is how a target lies, as it was read.
type State struct {
	Split
	// Revision changes with every change of the target; "": it has none, and the
	// split itself has to do.
	Revision string `json:"revision,omitempty"`
	// Busy is what somebody else has under way on the target, in words; "": nothing.
	Busy string `json:"busy,omitempty"`
	// Ready says that what was asked for last is in force. A deployment that is
	// still rolling is not.
	Ready bool `json:"ready"`
}

// Verb is what an action is for.
type Verb string

// The verbs. They differ in what is known of the end: a restore and a rollback
// must never be held up, a promotion never doubted.
const (
	Shift    Verb = "shift"    // move a share of the traffic
	Promote  Verb = "promote"  // the canary becomes the stable version
	Restore  Verb = "restore"  // as it was before the rollout
	Rollback Verb = "rollback" // back to an earlier version, after a whole deployment
)

// Action is what is wanted.
type Action struct {
	Verb Verb `json:"verb"`
	// Key makes applying idempotent: where a target can keep it, it does.
	Key string `json:"key"`
	// From is the state that it was decided on. A target that lies otherwise is a
	// Conflict, unless it already lies as wanted.
	From   State  `json:"from"`
	To     Split  `json:"to"`
	Reason string `json:"reason,omitempty"`
}

// Change is an action with what it would come to.
type Change struct {
	Action
	// Calls are the writes that Apply makes, in words, in their order:
	// "lambda:UpdateAlias payment-api:live 7, 5 % on 8".
	Calls []string `json:"calls"`
	// None says that the target already lies as wanted.
	None bool `json:"none,omitempty"`
}

// Outcome is what came of a change: the state that was read afterwards.
type Outcome struct {
	State State    `json:"state"`
	Calls []string `json:"calls"` // the writes that were made
}

// Caps says what a target can do.
type Caps struct {
	// Splits says that a share of the traffic can be moved, and Smallest and Most
	// between which limits (0 to 1). Without it there is only all or nothing.
	Splits         bool
	Smallest, Most float64
	// Restores says that an earlier version can be put back.
	Restores bool
	// Blind says that the target cannot be asked how it lies: Read tells what was
	// last set through this Actor, and a change by others goes unseen.
	Blind bool
}

// Actor is one target of rollouts and rollbacks. Implementations pass the suite
// in acttest. Errors are of package fault: Conflict for a target that is not as
// it was decided on, Throttled and Unavailable for what may be tried again,
// Denied, NotFound and Invalid for what may not. It is safe for concurrent use.
type Actor interface {
	Caps() Caps
	// Read returns how the target lies.
	Read(ctx context.Context) (State, error)
	// Plan says what an action would change. It writes nothing.
	Plan(ctx context.Context, a Action) (Change, error)
	// Apply makes a change and returns when it is in force. After an error the
	// target lies as before, or as wanted, or Read tells how.
	Apply(ctx context.Context, c Change) (Outcome, error)
}

// Release is what is to become a version.
type Release struct {
	// Version is one that is there already; where it is set nothing is made.
	Version string `json:"version,omitempty"`
	// Artifact is what it is made of, in the target's words: a zip file, an
	// s3:// address, an image, a task definition; "": what lies unpublished.
	Artifact    string `json:"artifact,omitempty"`
	Description string `json:"description,omitempty"`
}

// Publisher is an Actor that makes versions.
type Publisher interface {
	Actor
	// Publish makes a version and returns its name once traffic can be sent to it.
	// The same release again is the same version.
	Publish(ctx context.Context, r Release) (string, error)
}
