package lambdatest

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// LogEvent is how Lambda understands a line in its JSON log format. (Developer
// guide, "Log-level filtering".)
type LogEvent struct {
	// Line is the line as it was written.
	Line string
	// Level is TRACE, DEBUG, INFO, WARN, ERROR or FATAL. It is INFO, whatever the
	// line says, where the line is no JSON object, has no "level" that is one of
	// them in whatever case, or has no "timestamp" that Lambda takes.
	Level string
	// Time is the line's own timestamp; the zero time: it has none in the form of
	// RFC 3339, and Lambda adds its own.
	Time time.Time
}

// levels are Lambda's, the most detailed first.
func levels() []string { return []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"} }

const usualLevel = "INFO"

// ReadLog says how Lambda understands a line of a function that logs JSON.
func ReadLog(line string) LogEvent {
	e := LogEvent{Line: line, Level: usualLevel}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(line), &fields) != nil {
		return e
	}
	var level, at string
	if json.Unmarshal(fields["timestamp"], &at) != nil {
		return e
	}
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return e
	}
	e.Time = t
	if json.Unmarshal(fields["level"], &level) == nil && slices.Contains(levels(), strings.ToUpper(level)) {
		e.Level = strings.ToUpper(level)
	}
	return e
}

// Kept are the lines that Lambda sends to CloudWatch Logs for a function with
// these environment variables: all of them, unless AWS_LAMBDA_LOG_FORMAT is JSON;
// then those of AWS_LAMBDA_LOG_LEVEL and above, INFO unless said.
//
// Lambda sets these variables from a function's logging configuration. In a test
// they stand in [Function.Env].
func Kept(env, lines []string) []LogEvent {
	f := Function{Env: env}
	least := 0
	if f.variable("AWS_LAMBDA_LOG_FORMAT") == "JSON" {
		least = max(slices.Index(levels(), strings.ToUpper(f.variable("AWS_LAMBDA_LOG_LEVEL"))), 0)
		if f.variable("AWS_LAMBDA_LOG_LEVEL") == "" {
			least = slices.Index(levels(), usualLevel)
		}
	}
	var kept []LogEvent
	for _, line := range lines {
		if e := ReadLog(line); slices.Index(levels(), e.Level) >= least {
			kept = append(kept, e)
		}
	}
	return kept
}
