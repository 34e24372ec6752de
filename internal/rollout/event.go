package rollout

import (
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Event is what happened: one of the types below.
//
//sumtype:decl
type Event interface{ event() }

// Woken is the first event of a process: a rollout that begins, or one that
// another process left.
type Woken struct{}

// Observed is the target as it was read.
type Observed struct {
	State act.State
	Caps  act.Caps
	// Red are the alarms that are red, where they were read (RedRead).
	Red     []string
	RedRead bool
}

// Made is a version that was made, or was there already.
type Made struct{ Version string }

// Applied is an action that was done, and the target as it was read after it.
type Applied struct{ State act.State }

// Trouble is a command that could not be done.
type Trouble struct {
	Do   Do
	Kind fault.Kind
	Text string
}

// Looked is what the usable minutes say.
type Looked struct {
	// Target is how the target lies; nil: it could not be read, or none is moved.
	Target *act.State
	// Minutes are the usable ones of the step, Requests what the canary had in all.
	Minutes  slo.Minute
	Requests int64
	Verdict  decision.Verdict
	// Why is the judge's first reason, in a sentence.
	Why string
	// Split says, where it is not empty, that the traffic does not lie as it was
	// asked for.
	Split string
	// Red are the alarms that are red. Unread says that they could not be read: then
	// nobody knows.
	Red    []string
	Unread bool
	// Trouble is why the source could not be read; "": it was.
	Trouble string
}

// Interrupted is a process that has to end.
type Interrupted struct{}

// Told is somebody's word.
type Told struct {
	Order  Order
	Reason string
}

// Order is what somebody wants of a rollout that waits.
type Order string

// The orders.
const (
	Go      Order = "go"      // on to the next step
	Forward Order = "promote" // all of the traffic for the new version
	Back    Order = "restore" // everything as before
)

func (Woken) event()       {}
func (Observed) event()    {}
func (Made) event()        {}
func (Applied) event()     {}
func (Trouble) event()     {}
func (Looked) event()      {}
func (Interrupted) event() {}
func (Told) event()        {}

// Do is what is to be done next.
type Do string

// What can be done.
const (
	Read  Do = "read"    // read the target: Observed, or Trouble
	Make  Do = "publish" // make the version: Made, or Trouble
	Apply Do = "apply"   // record the state, then do its Action: Applied, or Trouble
	Look  Do = "look"    // judge what is usable: Looked
	Stop  Do = "stop"    // record the state; this process has done its part
)

// Command is what is to be done next, and how long to wait before.
type Command struct {
	Do    Do
	After time.Duration
}
