// Package rollout is the state machine of a canary: a share of the traffic is
// moved step by step, each step is judged, and at the end the new version has
// all of it or the old one has it back. It only decides: [State], what happened
// and the instant give the next state and what is to be done.
package rollout

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

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

// What happens then; the zero value is UnsureClimb.
const (
	UnsureClimb   Unsure = ""        // go on to the next step; after the last one, restore
	UnsureRestore Unsure = "restore" // restore at once
	UnsureExtend  Unsure = "extend"  // wait on, up to Plan.Extend, then restore
	UnsurePause   Unsure = "pause"   // leave it there and end as inconclusive
	UnsureGo      Unsure = "go"      // go on; recorded as a warning
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
	// Wait is how long no minute may become usable before the rollout gives up. 0:
	// 15 minutes.
	Wait slo.Minute `json:"wait,omitempty"`
	// Still says that no traffic is moved: two things are compared that serve side
	// by side. A step is then only a stretch of time.
	Still bool `json:"still,omitempty"`
}

// defaultWait is how long a frontier may stand still: five times the lag of
// CloudWatch.
const defaultWait slo.Minute = 15

// wait is [Plan.Wait] with its default.
func (p *Plan) wait() time.Duration { return cmp.Or(p.Wait, defaultWait).Duration() }

// Check says what is wrong with a plan, for a target of some caps. The error is
// of kind Invalid.
func (p *Plan) Check(caps act.Caps) error {
	bad := func(hint, format string, args ...any) error {
		return fault.New(fault.Invalid, "plan of the rollout", fmt.Sprintf(format, args...), hint)
	}
	if len(p.Steps) == 0 {
		return bad("write --step 5%:10m, or --wait 5", "it has no steps")
	}
	if !p.Still && !caps.Splits {
		return bad("deploy it whole, and let `nines watch` look at it", "this target gives all of its traffic to one version or to none")
	}
	for i, s := range p.Steps {
		switch {
		case s.Bake < 1:
			return bad("give it a time, as 5%:10m", "step %d has no time", i+1)
		case p.Still:
		case !(s.Weight > 0 && s.Weight < 1):
			return bad("it is above 0 % and below 100 %", "step %d is no share of the traffic", i+1)
		case s.Weight < caps.Smallest || caps.Most > 0 && s.Weight > caps.Most:
			return bad(fmt.Sprintf("it takes %s to %s", Percent(caps.Smallest), Percent(caps.Most)), "the target cannot take %s of step %d", Percent(s.Weight), i+1)
		}
	}
	return nil
}

// Percent prints a share, "5 %".
func Percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e6)/1e4, 'f', -1, 64) + " %"
}
