// Package rollout is the state machine of a canary: a share of the traffic is
// moved step by step, each step is judged, and at the end the new version has
// all of it or the old one has it back. It only decides: [State], what happened
// and the instant give the next state and what is to be done.
package rollout

import "gitlab.com/nines-sre/nines/internal/slo"

// Step is a share of the traffic and how long it is left there.
type Step struct {
	Weight float64    `json:"weight"` // the canary's share, above 0 and below 1
	Bake   slo.Minute `json:"bake"`   // usable minutes that are judged before the next step
	// Pause waits after the step until somebody says to go on.
	Pause bool `json:"pause,omitempty"`
}

// Then is what happens once the last step has passed.
type Then string

// What happens then; the zero value is ThenPromote.
const (
	ThenPromote Then = "promote" // the canary becomes the stable version
	ThenHold    Then = "hold"    // it stays at the last weight until it is promoted or rolled back
	ThenRestore Then = "restore" // the old version gets everything back: it was a trial
)

// Unsure is what happens when a step's time is over and nothing is known.
type Unsure string

// What happens then; the zero value is UnsureRestore.
const (
	UnsureRestore Unsure = "restore"
	UnsureExtend  Unsure = "extend" // wait on, up to Plan.Extend, then restore
	UnsurePause   Unsure = "pause"  // leave it there and end as inconclusive
	UnsureGo      Unsure = "go"     // go on; recorded as a warning
)

// Plan is how a rollout goes.
type Plan struct {
	Steps  []Step     `json:"steps"`
	Then   Then       `json:"then,omitempty"`
	Unsure Unsure     `json:"unsure,omitempty"`
	Extend slo.Minute `json:"extend,omitempty"` // at most, over all steps
	// Early lets a step end before its time when the judge is sure that the canary
	// is good.
	Early bool `json:"early,omitempty"`
	// SplitAlpha bounds the chance that a split which is as asked for is taken for
	// another one. 0: 0.001.
	SplitAlpha float64 `json:"split_alpha,omitempty"`
	// Wait is how long a frontier may stand still before the rollout gives up. 0: 15
	// minutes.
	Wait slo.Minute `json:"wait,omitempty"`
}
