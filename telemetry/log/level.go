package log

import (
	"log/slog"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/env"
)

// Levels that Lambda knows and slog has no name for.
const (
	// LevelTrace is below slog.LevelDebug.
	LevelTrace = env.LevelTrace
	// LevelFatal is above slog.LevelError: Lambda's FATAL, Powertools' CRITICAL.
	LevelFatal = env.LevelFatal
	// LevelSilent as the lowest level writes nothing at all.
	LevelSilent = env.LevelSilent
)

// rank maps any level to one of Lambda's six, downwards: what Lambda does not know
// it would take for INFO.
func rank(l slog.Level) int {
	switch {
	case l < slog.LevelDebug:
		return 0
	case l < slog.LevelInfo:
		return 1
	case l < slog.LevelWarn:
		return 2
	case l < slog.LevelError:
		return 3
	case l < LevelFatal:
		return 4
	default:
		return 5
	}
}

// heads are how records begin, by rank.
type heads [6]string

// levelHeads calls the highest level CRITICAL if asked for.
func levelHeads(critical bool) (h heads) {
	for i, name := range [...]string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"} {
		if critical && name == "FATAL" {
			name = "CRITICAL"
		}
		h[i] = `{"level":"` + name + `","message":`
	}
	return h
}

// second is a formatted second, which the records of that second share.
type second struct {
	unix   int64
	text   string // `,"timestamp":"2026-11-23T07:00:00.000Z"`
	millis int    // where the milliseconds stand
}

// secondOf formats: RFC 3339 with milliseconds in the zone of the logger. That
// costs more than the rest of a record, so it happens once a second.
func (c *core) secondOf(t time.Time) *second {
	at := t.In(c.zone)
	head := at.Format(`,"timestamp":"2006-01-02T15:04:05.`)
	s := &second{unix: t.Unix(), text: head + "000" + at.Format(`Z07:00"`), millis: len(head)}
	c.second.Store(s)
	return s
}

// stamp is a second and what stands behind it in the records of an invocation,
// ready but for the milliseconds.
type stamp struct {
	second *second
	prefix []byte
	b      []byte
}

// stamped returns the timestamp and the prefix behind it, valid until the next
// call.
func (e *encoder) stamped(t time.Time) []byte {
	s := &e.stamp
	sec := e.core.second.Load()
	if sec == nil || sec.unix != t.Unix() {
		sec = e.core.secondOf(t)
	}
	if s.second != sec || !same(s.prefix, e.prefix) {
		s.second, s.prefix = sec, e.prefix
		s.b = append(append(s.b[:0], sec.text...), e.prefix...)
	}
	ms := t.Nanosecond() / int(time.Millisecond)
	at := s.b[sec.millis:]
	at[0], at[1], at[2] = '0'+byte(ms/100), '0'+byte(ms/10%10), '0'+byte(ms%10) //nolint:gosec // digits
	return s.b
}
