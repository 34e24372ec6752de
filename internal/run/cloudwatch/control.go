package cloudwatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// Control talks to a local CloudWatch that runs.
type Control struct {
	URL    string // "http://127.0.0.1:4582"
	Client *http.Client
}

// maxAnswer is the most that is read of an answer.
const maxAnswer = 64 << 20

// Clock returns its time.
func (c Control) Clock(ctx context.Context) (cloudwatchd.ClockState, error) {
	var s cloudwatchd.ClockState
	return s, c.call(ctx, http.MethodGet, "/_nines/clock", nil, &s)
}

// SetClock lets it run on from an instant, or stand there.
func (c Control) SetClock(ctx context.Context, at time.Time, frozen bool) (cloudwatchd.ClockState, error) {
	how := "set"
	if frozen {
		how = "freeze"
	}
	return c.changeClock(ctx, map[string]any{how: at})
}

// AdvanceClock moves it, whether it runs or stands.
func (c Control) AdvanceClock(ctx context.Context, by time.Duration) (cloudwatchd.ClockState, error) {
	return c.changeClock(ctx, map[string]any{"advance": by.String()})
}

// ReleaseClock returns it to the real time.
func (c Control) ReleaseClock(ctx context.Context) (cloudwatchd.ClockState, error) {
	return c.changeClock(ctx, map[string]any{"release": true})
}

func (c Control) changeClock(ctx context.Context, change map[string]any) (cloudwatchd.ClockState, error) {
	var s cloudwatchd.ClockState
	return s, c.call(ctx, http.MethodPost, "/_nines/clock", change, &s)
}

// Faults lists the faults in force.
func (c Control) Faults(ctx context.Context) ([]cloudwatchd.Fault, error) {
	var all []cloudwatchd.Fault
	return all, c.call(ctx, http.MethodGet, "/_nines/faults", nil, &all)
}

// Inject adds a fault and lists those in force.
func (c Control) Inject(ctx context.Context, f cloudwatchd.Fault) ([]cloudwatchd.Fault, error) {
	var all []cloudwatchd.Fault
	return all, c.call(ctx, http.MethodPost, "/_nines/faults", f, &all)
}

// ClearFaults removes all faults.
func (c Control) ClearFaults(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "/_nines/faults", nil, nil)
}

// Totals returns what was asked of it; reset forgets it afterwards.
func (c Control) Totals(ctx context.Context, reset bool) (cloudwatchd.Totals, error) {
	var answer struct {
		Totals cloudwatchd.Totals `json:"totals"`
	}
	err := c.call(ctx, http.MethodGet, "/_nines/requests", nil, &answer)
	if err == nil && reset {
		err = c.call(ctx, http.MethodDelete, "/_nines/requests", nil, nil)
	}
	return answer.Totals, err
}

// EMFTotals returns counts of the metric lines read.
func (c Control) EMFTotals(ctx context.Context) (cloudwatchd.EMFReport, error) {
	var r cloudwatchd.EMFReport
	return r, c.call(ctx, http.MethodGet, "/_nines/emf", nil, &r)
}

// call sends v as JSON, or bytes as they are, and reads the answer into.
func (c Control) call(ctx context.Context, method, path string, v, into any) error {
	body, ok := v.([]byte)
	if !ok && v != nil {
		var err error
		if body, err = json.Marshal(v); err != nil {
			return err
		}
	}
	op := "ask the local CloudWatch at " + c.URL
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return fault.Wrap(fault.Invalid, op, err, "write an address like http://"+Address)
	}
	res, err := c.Client.Do(r)
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "is it running? `nines cloudwatch` starts one; --endpoint names another")
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "")
	}
	if res.StatusCode != http.StatusOK {
		return refused(op, res, answer)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fault.Wrap(fault.Unsupported, op, err, "is it a local CloudWatch of Nines?")
	}
	return nil
}

// refused is the error of an answer that is none.
func refused(op string, res *http.Response, answer []byte) error {
	var said struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(answer, &said); err != nil || said.Error == "" {
		return fault.New(fault.Unsupported, op, "it answers "+res.Status, "is it a local CloudWatch of Nines?")
	}
	kind := fault.Invalid
	if res.StatusCode >= http.StatusInternalServerError {
		kind = fault.Unavailable
	}
	return fault.New(kind, op, said.Error, "")
}
