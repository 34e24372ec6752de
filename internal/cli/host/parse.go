package host

import (
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// ParseTime reads an instant: RFC 3339, or a date with or without a time of
// day in the given zone, or "now". Flag names the flag in the error.
func ParseTime(flag, text string, zone *time.Location, now time.Time) (time.Time, error) {
	if text == "now" {
		return now, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid, flag+" "+text, "not a time",
		`write RFC 3339 ("2025-01-31T14:00:00Z"), or "2025-01-31 14:00" in the zone of --tz`)
}

// ParseDuration reads a length of time in words documents use: "30d", "2w",
// "90m", "1h30m". It must be positive.
func ParseDuration(flag, text string) (time.Duration, error) {
	bad := fault.New(fault.Invalid, flag+" "+text, "not a length of time", `write one like "90m", "2h", "7d" or "4w"`)
	days := time.Duration(0)
	rest := text
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		head, tail, found := strings.Cut(rest, unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(head, 10, 16)
		if err != nil {
			return 0, bad
		}
		days += time.Duration(n) * unit.size
		rest = tail
	}
	if rest == "" && days > 0 {
		return days, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || d+days <= 0 {
		return 0, bad
	}
	return d + days, nil
}

// ParseMinutes reads a length of time in whole minutes, by their number or in the
// words of ParseDuration: "5", "5m", "1h".
func ParseMinutes(flag, text string) (slo.Minute, error) {
	if text != "" && strings.Trim(text, "0123456789") == "" {
		text += "m"
	}
	d, err := ParseDuration(flag, text)
	if err == nil && d%time.Minute != 0 {
		err = fault.New(fault.Invalid, flag+" "+text, "not whole minutes", "everything is measured by the minute")
	}
	return slo.Minute(d / time.Minute), err
}

// Night is when people sleep, unless --night says otherwise: it is the same for
// every verb that counts who was woken.
const Night = "22:00-06:00"

// ParseNight reads the hours of a night as minutes of the day: "22:00-06:00".
func ParseNight(text string) (from, to slo.Minute, err error) {
	begins, ends, _ := strings.Cut(text, "-")
	a, errA := time.Parse("15:04", begins)
	b, errB := time.Parse("15:04", ends)
	if errA != nil || errB != nil || a.Equal(b) {
		return 0, 0, fault.New(fault.Invalid, "--night "+text, "it is no stretch of a day", "write one like "+Night)
	}
	minute := func(t time.Time) slo.Minute { return slo.Minute(t.Hour()*60 + t.Minute()) }
	return minute(a), minute(b), nil
}

// Location returns the zone for display: --tz, else the documents' (may be
// ""), else UTC. The words "UTC" and "Local" are understood.
func (h *Host) Location(documents string) (*time.Location, error) {
	name := h.Zone
	if name == "" {
		name = documents
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fault.New(fault.Invalid, "--tz "+name, "no such time zone", `write an IANA name like "Europe/Berlin", or UTC`)
	}
	return loc, nil
}

// Instant returns --at, or the zero time when it was not given.
func (h *Host) Instant(zone *time.Location) (time.Time, error) {
	if h.At == "" {
		return time.Time{}, nil
	}
	return ParseTime("--at", h.At, zone, h.Now())
}

// orList prints "a, b or c".
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
