// Package watch looks after a version that has been deployed whole: is it worse
// than the one before, and does it have to go back? It only decides: [State], what
// was measured and the instant give the next state, a decision and what is to be
// done.
package watch

import "gitlab.com/nines-sre/nines/internal/slo"

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
}
