package notify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Hours are when somebody is there, week by week in a zone. The zero value is
// always.
type Hours struct {
	days     [7]bool // by time.Weekday
	from, to time.Duration
	zone     *time.Location
	text     string
}

// ParseHours reads "Mon-Fri 09:00-17:00 Europe/Berlin"; days may be a list
// ("Mon,Wed-Fri"), the zone may be left out (UTC). Hours end on the day they
// begin; the end may be 24:00. The error is of kind Invalid.
func ParseHours(s string) (Hours, error) {
	h, why := parseHours(s)
	if why != "" {
		return Hours{}, fault.New(fault.Invalid, fmt.Sprintf("business hours %.40q", s), why, `write them as "Mon-Fri 09:00-17:00 Europe/Berlin"`)
	}
	return h, nil
}

// parseHours reads hours, or says why it cannot.
func parseHours(s string) (h Hours, why string) {
	fields := strings.Fields(s)
	if len(fields) < 2 || len(fields) > 3 {
		return h, "days, hours and a zone are wanted"
	}
	h = Hours{zone: time.UTC, text: strings.Join(fields, " ")}
	for part := range strings.SplitSeq(fields[0], ",") {
		if !h.open(part) {
			return h, fmt.Sprintf("%.20q is no day or range of days", part)
		}
	}
	m := regexp.MustCompile(`^(\d\d:\d\d)-(\d\d:\d\d)$`).FindStringSubmatch(fields[1])
	if m == nil {
		return h, "the hours are no HH:MM-HH:MM"
	}
	var ok1, ok2 bool
	h.from, ok1 = clock(m[1])
	if h.to, ok2 = clock(m[2]); !ok1 || !ok2 || h.to <= h.from {
		return h, "the hours end before they begin"
	}
	if len(fields) == 3 {
		zone, err := time.LoadLocation(fields[2])
		if err != nil || fields[2] == "Local" {
			return h, fmt.Sprintf("there is no zone %.40q", fields[2])
		}
		h.zone = zone
	}
	return h, ""
}

// open adds a day or a range of days, which may go over the end of the week.
func (h *Hours) open(part string) bool {
	first, last, isRange := strings.Cut(part, "-")
	if !isRange {
		last = first
	}
	i, j := weekday(first), weekday(last)
	if i < 0 || j < 0 {
		return false
	}
	for d := i; ; d = (d + 1) % 7 {
		h.days[d] = true
		if d == j {
			return true
		}
	}
}

func weekday(s string) int {
	names := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	return slices.Index(names, strings.ToLower(s))
}

func clock(s string) (time.Duration, bool) {
	var h, m int
	if _, err := fmt.Sscanf(s, "%d:%d", &h, &m); err != nil || m > 59 || h > 24 || (h == 24 && m > 0) {
		return 0, false
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute, true
}

// Always says whether the hours are all there are.
func (h Hours) Always() bool { return h.zone == nil }

// String is what was read; "" for always.
func (h Hours) String() string { return h.text }

// Open says whether an instant is inside.
func (h Hours) Open(t time.Time) bool { return !h.Next(t).After(t) }

// Next is t itself inside the hours, else when they begin.
func (h Hours) Next(t time.Time) time.Time {
	if h.Always() {
		return t
	}
	local := t.In(h.zone)
	for d := range 9 { // a day that a zone skips costs one more
		y, m, day := local.Date()
		// Clock times, not lengths: days with a change of the clock have 23 or 25 hours.
		at := func(c time.Duration) time.Time {
			return time.Date(y, m, day+d, int(c/time.Hour), int(c%time.Hour/time.Minute), 0, 0, h.zone)
		}
		from, to := at(h.from), at(h.to)
		if !h.days[time.Date(y, m, day+d, 12, 0, 0, 0, h.zone).Weekday()] || !t.Before(to) {
			continue
		}
		if t.Before(from) {
			return from
		}
		return t
	}
	return t
}
