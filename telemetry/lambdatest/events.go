package lambdatest

import (
	"math"
	"time"
)

// The records of platform events. (Developer guide, "Lambda Telemetry API Event
// schema reference".)

func (s *sandbox) initStart() map[string]any {
	return map[string]any{
		"initializationType": s.fn.initialization(), "phase": "init", "functionName": s.fn.Name, "functionVersion": s.fn.Version,
	}
}

func (s *sandbox) initRuntimeDone(status string) map[string]any {
	return map[string]any{"initializationType": s.fn.initialization(), "phase": "init", "status": status}
}

func (s *sandbox) initReport(res *Result) map[string]any {
	return map[string]any{
		"initializationType": s.fn.initialization(), "phase": "init", "status": statusOf(*res),
		"metrics": map[string]any{"durationMs": milliseconds(res.Init)},
	}
}

func (s *sandbox) start(c *call) map[string]any {
	return withTrace(c, map[string]any{"requestId": c.in.RequestID, "version": s.fn.Version})
}

// runtimeDone is what a runtime did with an event, at the end of its part.
func (s *sandbox) runtimeDone(c *call, res Result) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := c.over
	if end.IsZero() {
		end = time.Now()
	}
	metrics := map[string]any{"durationMs": milliseconds(max(0, end.Sub(c.started())))}
	record := map[string]any{"requestId": c.in.RequestID, "status": statusOf(res), "metrics": metrics}
	if res.Error != nil {
		record["errorType"] = res.Error.Type
	}
	if !c.answered.IsZero() {
		metrics["producedBytes"] = len(c.payload)
		record["spans"] = []map[string]any{
			span("responseLatency", c.started(), c.first),
			span("responseDuration", c.first, c.answered),
			span("runtimeOverhead", c.answered, end),
		}
	}
	return withTrace(c, record)
}

func (s *sandbox) report(c *call, res Result) map[string]any {
	total := res.Duration + res.After.Duration
	metrics := map[string]any{
		"durationMs": milliseconds(total), "billedDurationMs": int64(math.Ceil(milliseconds(total + res.Init))),
		"memorySizeMB": s.fn.Memory, "maxMemoryUsedMB": s.peak() >> 20,
	}
	if res.Cold {
		metrics["initDurationMs"] = milliseconds(res.Init)
	}
	record := map[string]any{"requestId": c.in.RequestID, "status": statusOf(res), "metrics": metrics}
	if res.Error != nil {
		record["errorType"] = res.Error.Type
	}
	return withTrace(c, record)
}

// started is when the runtime got the event; the lock is held.
func (c *call) started() time.Time {
	if c.taken.IsZero() {
		return time.Now()
	}
	return c.taken
}

func span(name string, from, to time.Time) map[string]any {
	return map[string]any{"name": name, "start": from.UTC().Format(stamp), "durationMs": milliseconds(max(0, to.Sub(from)))}
}

func withTrace(c *call, record map[string]any) map[string]any {
	if c.in.TraceID != "" {
		record["tracing"] = tracing(c.in.TraceID)
	}
	return record
}

// statusOf is a result in the words of the API.
func statusOf(res Result) string {
	switch {
	case res.TimedOut, res.After.TimedOut:
		return "timeout"
	case res.Exited:
		return "failure"
	case res.Error != nil:
		return "error"
	case res.After.Exited:
		return "failure"
	}
	return "success"
}
