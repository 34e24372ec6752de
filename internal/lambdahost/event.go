package lambdahost

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// What an event asks for.
const (
	doMeasure = "measure"
	doStatus  = "status"
	doGate    = "gate"
)

// Event is what the function is invoked with. Fields it does not have are
// refused: a schedule with a typo must not measure something else for months.
type Event struct {
	// Do is measure (unless said), status or gate.
	Do string `json:"do"`
	// Select limits measure and status to services, service/slo or objectives.
	Select []string `json:"select"`
	// Adaptive measures what is due: each objective at its own pace, oftener while
	// it burns. Without it, everything selected.
	Adaptive bool `json:"adaptive"`
	// Since is how far back measuring fills, as "60d"; "": what the windows need.
	Since string `json:"since"`
	// At is the instant to measure or to answer as of (RFC 3339); "": now. An
	// instant ahead of the function's clock is refused: nothing is known of it.
	At string `json:"at"`
	// Service, Environment and Version are the gate's question. The class of the
	// change is always change: an event cannot prove another one.
	Service     string `json:"service"`
	Environment string `json:"environment"`
	Version     string `json:"version"`
}

// skew is how far ahead of the function's clock a scheduler's may be.
const skew = time.Minute

// parseEvent reads an event; an empty one asks for measuring.
func parseEvent(raw []byte) (Event, error) {
	ev := Event{}
	const op = "read the event"
	if text := bytes.TrimSpace(raw); len(text) > 0 && !bytes.Equal(text, []byte("null")) {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&ev); err != nil {
			hint := `write {"do":"measure"}, {"do":"status"} or {"do":"gate","service":NAME}`
			if strings.Contains(err.Error(), `"detail-type"`) || strings.Contains(err.Error(), `"Records"`) {
				hint = "this is another service's envelope: give the schedule's target an input of its own, " + hint
			}
			return ev, fault.Wrap(fault.Invalid, op, err, hint)
		}
		if _, err := dec.Token(); err != io.EOF {
			return ev, fault.New(fault.Invalid, op, "something stands behind the event", "send one object")
		}
	}
	if ev.Do == "" {
		ev.Do = doMeasure
	}
	return ev, ev.check(op)
}

// check refuses fields that what is asked for does not have.
func (ev Event) check(op string) error {
	allowed, known := map[string][]string{
		doMeasure: {"select", "adaptive", "since", "at"},
		doStatus:  {"select", "at"},
		doGate:    {"service", "environment", "version", "at"},
	}[ev.Do]
	if !known {
		return fault.New(fault.Invalid, op, "do: there is no "+ev.Do, "it does measure, status or gate")
	}
	for name, is := range map[string]bool{
		"select": len(ev.Select) > 0, "adaptive": ev.Adaptive, "since": ev.Since != "", "at": ev.At != "",
		"service": ev.Service != "", "environment": ev.Environment != "", "version": ev.Version != "",
	} {
		if is && !slices.Contains(allowed, name) {
			return fault.New(fault.Invalid, op, ev.Do+" has no field "+name, "it has "+strings.Join(allowed, ", "))
		}
	}
	if ev.Do == doGate && ev.Service == "" {
		return fault.New(fault.Invalid, op, "the gate's service is missing", `write {"do":"gate","service":NAME}`)
	}
	return nil
}

// instant is the event's instant, given the clock; zero when it names none.
func (ev Event) instant(now time.Time) (time.Time, error) {
	if ev.At == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, ev.At)
	if err != nil {
		return time.Time{}, fault.Wrap(fault.Invalid, "at "+ev.At, err, `write RFC 3339, as "2026-01-31T14:00:00Z"`)
	}
	if at.After(now.Add(skew)) {
		return time.Time{}, fault.New(fault.Invalid, "at "+ev.At, "it lies ahead of the clock, which says "+now.UTC().Format(time.RFC3339), "leave it out to mean now")
	}
	if at.After(now) {
		at = now
	}
	return at, nil
}
