package rollout

import (
	"fmt"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Phase is where a rollout is.
type Phase string

// The phases, in their order.
const (
	Begin   Phase = ""        // nothing is known of the target yet
	Publish Phase = "publish" // the version is being made
	Intent  Phase = "intent"  // an action is announced; whether it was done is not known yet
	Bake    Phase = "bake"    // the traffic lies as the step wants it, and is judged
	Pause   Phase = "pause"   // it lies there until somebody says how to go on
	End     Phase = "end"     // it is over
)

// Outcome is how a rollout ended.
type Outcome string

// The outcomes.
const (
	Promoted  Outcome = "promoted"  // the new version has all of the traffic
	Held      Outcome = "held"      // it passed, and stays at the last weight until somebody promotes it or rolls it back
	Passed    Outcome = "passed"    // it passed, and nothing had to be moved
	Restored  Outcome = "restored"  // the old version has everything back: a trial, or not enough was known
	Failed    Outcome = "failed"    // the old version has everything back, because the new one was bad
	Foreign   Outcome = "foreign"   // somebody else changed the target; nothing was touched since
	Abandoned Outcome = "abandoned" // given up, and as it was before: interrupted, or not possible
	Nothing   Outcome = "nothing"   // there was nothing to do
)

// Segment is a stretch of whole minutes in which the canary was to have a share.
type Segment struct {
	Weight float64 `json:"weight"`
	slo.Span
}

// State is all that a rollout knows of itself. It is recorded before everything
// that is done, so that whoever reads it can go on, or put everything back.
type State struct {
	ID      string      `json:"id"`
	Plan    Plan        `json:"plan"`
	Release act.Release `json:"release"`
	// Version is the new version; "": it is not made yet.
	Version string `json:"version,omitempty"`
	Phase   Phase  `json:"phase,omitempty"`
	// Base is the target before anything was moved: what it is restored to. nil:
	// nothing was moved, or will be before it is set.
	Base *act.State `json:"base,omitempty"`
	// Blind says that the target cannot be asked how it lies: what was recorded is
	// all that is known. Serves is the version that is said to serve there.
	Blind  bool   `json:"blind,omitempty"`
	Serves string `json:"serves,omitempty"`
	// Now is how the target lies, as it was last read.
	Now act.State `json:"now"`
	// Action is announced, and not known to be done.
	Action *act.Action `json:"action,omitempty"`
	// Left are further splits that the target may have by what this rollout did:
	// those of actions that were given up before their end was known.
	Left []act.Split `json:"left,omitempty"`
	// Ending is how the rollout ends when Action is done, where it is to end.
	Ending  Outcome `json:"ending,omitempty"`
	Actions int     `json:"actions,omitempty"` // announced so far
	Tries   int     `json:"tries,omitempty"`   // of what is being done, that failed

	Step    int        `json:"step"`            // counted from 0
	Since   slo.Minute `json:"since,omitempty"` // the first minute that is judged
	Begun   slo.Minute `json:"begun,omitempty"` // the first whole minute of the step
	Minutes slo.Minute `json:"minutes"`         // usable ones of the step
	Moved   time.Time  `json:"moved,omitzero"`  // when there was last one more
	Extra   slo.Minute `json:"extra,omitempty"` // added to the time of the step
	// Extended is what was added to all steps.
	Extended slo.Minute `json:"extended,omitempty"`
	Segments []Segment  `json:"segments,omitempty"`
	// Red are the alarms that were red before anything was moved.
	Red     []string `json:"red,omitempty"`
	RedRead bool     `json:"red_read,omitempty"`
	// Undo says that it is no rollout, but puts an earlier version back after one
	// that was whole.
	Undo bool `json:"undo,omitempty"`
	// Warned says that it went on although something spoke against it.
	Warned bool `json:"warned,omitempty"`

	Outcome Outcome           `json:"outcome,omitempty"`
	Verdict decision.Verdict  `json:"verdict"`
	Reasons []decision.Reason `json:"reasons,omitempty"` // of the end
}

// New returns the state of a rollout that is to begin.
func New(id string, plan Plan, r act.Release) State {
	return State{ID: id, Plan: plan, Release: r, Version: r.Version}
}

// Check says whether a state may be acted upon: what was or is about to be moved
// can be put back. The error is of kind Corrupt.
func (s *State) Check() error {
	bad := func(text string) error {
		return fault.New(fault.Corrupt, "rollout "+s.ID, text, "put the target back by hand: `nines rollback SERVICE --to VERSION`")
	}
	moves := s.Phase == Intent || s.Phase == Bake || s.Phase == Pause
	switch {
	case s.Plan.Still:
	case moves && s.Base == nil:
		return bad("it is not recorded how the target was before")
	case s.Base != nil && (!s.Base.Whole() || s.Base.Stable == "" && !s.Blind):
		return bad("what is recorded of the target before is no whole version")
	case s.Phase == Intent && s.Action == nil:
		return bad("it announces nothing")
	}
	if moves && (s.Step < 0 || s.Step >= len(s.Plan.Steps)) {
		return bad(fmt.Sprintf("it is in step %d of %d", s.Step+1, len(s.Plan.Steps)))
	}
	return nil
}

// Over says that nothing more will be done without somebody's word.
func (s *State) Over() bool { return s.Phase == End || s.Phase == Pause }

// Split says that traffic may lie on the new version, in part.
func (s *State) Split() bool {
	return !s.Plan.Still && s.Base != nil && (!s.Now.Same(s.Base.Split) || s.Action != nil || len(s.Left) > 0)
}

// At is the step the rollout is in.
func (s *State) At() Step {
	if s.Step < len(s.Plan.Steps) {
		return s.Plan.Steps[s.Step]
	}
	return Step{}
}

// Needs is how many usable minutes the step takes.
func (s *State) Needs() slo.Minute { return s.At().Bake + s.Extra }

// ours says whether a split may be of this rollout's making.
func (s *State) ours(o act.Split) bool {
	return s.Blind || o.Same(s.Now.Split) || s.Action != nil && (o.Same(s.Action.To) || o.Same(s.Action.From.Split)) ||
		slices.ContainsFunc(s.Left, o.Same)
}

// Rollback returns a state that waits for the order to put a version back on a
// target that lies as it was read.
func Rollback(id string, is act.State, to string) State {
	return State{
		ID: id, Phase: Pause, Undo: true, Version: is.Stable, Now: is, Base: &act.State{Split: act.Split{Stable: to}, Ready: true},
		Plan: Plan{Steps: []Step{{Weight: 0.5, Bake: 1}}},
	}
}

// Reopen returns a rollout that ended as held, or pauses, as one that waits for
// an order, under a name of its own.
func (s State) Reopen(id string) State {
	s.ID, s.Phase, s.Outcome, s.Reasons, s.Tries = id, Pause, "", nil, 0
	s.Segments = slices.Clone(s.Segments)
	return s
}
