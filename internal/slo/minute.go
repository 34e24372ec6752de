package slo

import "time"

// Minute counts UTC minutes since the Unix epoch: minute m covers [m, m+1).
// It is the unit in which everything is measured and kept.
type Minute int64

// Common lengths, in minutes.
const (
	Hour Minute = 60
	Day  Minute = 24 * Hour
	Week Minute = 7 * Day
)

// MinuteOf returns the minute that contains t.
func MinuteOf(t time.Time) Minute {
	sec := t.Unix()
	m := sec / 60
	if sec%60 < 0 {
		m--
	}
	return Minute(m)
}

// Time returns the instant at which m begins, in UTC.
func (m Minute) Time() time.Time { return time.Unix(int64(m)*60, 0).UTC() }

// Duration reads m as a length of time.
func (m Minute) Duration() time.Duration { return time.Duration(m) * time.Minute }

// Span is the half-open stretch [From, To). A span with To <= From is empty.
type Span struct {
	From Minute `json:"from"`
	To   Minute `json:"to"`
}

// Len is the number of minutes in s.
func (s Span) Len() Minute { return max(0, s.To-s.From) }

// Empty says whether s holds no minute.
func (s Span) Empty() bool { return s.To <= s.From }

// Contains says whether m lies in s.
func (s Span) Contains(m Minute) bool { return s.From <= m && m < s.To }

// Intersect returns the minutes that lie in both.
func (s Span) Intersect(o Span) Span {
	out := Span{max(s.From, o.From), min(s.To, o.To)}
	if out.Empty() {
		return Span{out.From, out.From}
	}
	return out
}
