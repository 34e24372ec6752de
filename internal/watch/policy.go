// Package watch looks after a version that has been deployed whole: is it worse
// than the one before, and does it have to go back? It only decides: [State], what
// was measured and the instant give the next state, a decision and what is to be
// done.
package watch

import (
	"cmp"
	"fmt"
	"math"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Undo is what happens when a deployment is found to hurt.
type Undo string

// What happens then; the zero value is UndoNever.
const (
	UndoNever Undo = ""     // it is said, and nothing is done
	UndoAuto  Undo = "auto" // it is rolled back
)

// Limit is a plain limit, in the words of --alert-threshold.
type Limit struct {
	// Kind is latency (Value in milliseconds, of the 99th percentile), errors (a
	// count a minute) or rate (a share of bad requests, 0 to 1).
	Kind  string  `json:"kind"`
	Value float64 `json:"value"`
	Text  string  `json:"text"` // as it was written: "200ms"
}

// Policy is how a deployment is watched.
type Policy struct {
	Duration slo.Minute `json:"duration"` // 0: 30 minutes
	Limits   []Limit    `json:"limits,omitempty"`
	// Breaches is how many minutes in a row have to be beyond a limit. 0: 2.
	Breaches int `json:"breaches,omitempty"`
	// Alpha bounds the chance that a deployment which changes nothing is taken for
	// one that hurts, over the whole watch. 0: 0.01.
	Alpha float64 `json:"alpha,omitempty"`
	// Margin is how much worse the rate of bad requests may be than before. 0: 0.001.
	Margin float64 `json:"margin,omitempty"`
	// Weeks is how many earlier weeks the same hours are taken from. 0: 3.
	Weeks int `json:"weeks,omitempty"`
	// Alarms are CloudWatch alarms that must not go off; one that was red before
	// the deployment does not count.
	Alarms []string `json:"alarms,omitempty"`
	// Burn fails when an alert of the service fires that did not before.
	Burn bool `json:"burn,omitempty"`
	Undo Undo `json:"undo,omitempty"`
	// Detect is the share of bad requests that a watch has to be able to see before
	// it passes: with fewer requests than that takes it ends inconclusive. Where more
	// than half of it is usual, it is twice the usual. 0: 0.05.
	Detect float64 `json:"detect,omitempty"`
	// Wait is how long a frontier may lag behind the end of the watch before it
	// ends without. 0: 15 minutes.
	Wait slo.Minute `json:"wait,omitempty"`
}

// Bounds of a policy. A watch is recorded whole, minute by minute, so that it can
// be replayed: longer than a day it is no watch but monitoring.
const (
	MaxDuration = slo.Day
	MaxWeeks    = 8
)

// Normal fills in what is left out.
func (p Policy) Normal() Policy {
	p.Duration = cmp.Or(p.Duration, 30)
	p.Breaches = cmp.Or(p.Breaches, 2)
	p.Alpha = cmp.Or(p.Alpha, 0.01)
	p.Margin = cmp.Or(p.Margin, 0.001)
	p.Weeks = cmp.Or(p.Weeks, 3)
	p.Detect = cmp.Or(p.Detect, 0.05)
	p.Wait = cmp.Or(p.Wait, 15)
	return p
}

// Validate finds what makes no sense. The error is of kind Invalid.
func (p Policy) Validate() error {
	p = p.Normal()
	bad := func(what, why string) error { return fault.New(fault.Invalid, "watch", what, why) }
	switch {
	case p.Duration < 1 || p.Duration > MaxDuration:
		return bad(fmt.Sprintf("a duration of %d minutes", p.Duration), "watch from 1 minute to a day; what is longer is for alerts")
	case p.Breaches < 1:
		return bad(fmt.Sprintf("%d minutes in a row", p.Breaches), "write 1 or more")
	case !inside(p.Alpha, 0, 0.5):
		return bad(fmt.Sprintf("an alpha of %g", p.Alpha), "write a chance above 0 and up to 0.5, as 0.01")
	case !inside(p.Margin, 0, 0.5):
		return bad(fmt.Sprintf("a margin of %g", p.Margin), "write a share above 0 and up to 0.5, as 0.001")
	case !inside(p.Detect, 0, 1):
		return bad(fmt.Sprintf("detect %g", p.Detect), "write a share above 0 and up to 1, as 0.05")
	case p.Weeks < 0 || p.Weeks > MaxWeeks:
		return bad(fmt.Sprintf("%d weeks", p.Weeks), fmt.Sprintf("compare with 1 to %d earlier weeks", MaxWeeks))
	case p.Wait < 1:
		return bad(fmt.Sprintf("a wait of %d minutes", p.Wait), "write 1 or more")
	}
	for _, l := range p.Limits {
		if err := l.check(); err != nil {
			return err
		}
	}
	switch p.Undo {
	case UndoNever, UndoAuto:
		return nil
	}
	return bad(fmt.Sprintf("rollback %q", p.Undo), "write auto or never")
}

// inside says whether x lies above low and not above high.
func inside(x, low, high float64) bool { return x > low && x <= high }

// Bar is the evidence from which a deployment hurts, as a natural logarithm.
func Bar(p *Policy) float64 { return math.Log(1 / p.Normal().Alpha) }
