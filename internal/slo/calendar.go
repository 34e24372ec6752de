package slo

import "time"

// grid is a calendar's sequence of period starts, numbered from its anchor.
type grid struct {
	unit   CalendarUnit
	n      int
	loc    *time.Location
	anchor time.Time
}

func (c Calendar) grid() grid {
	g := grid{unit: c.Unit, n: max(1, c.N), loc: c.Location}
	if g.loc == nil {
		g.loc = time.UTC
	}
	g.anchor = c.Start.In(g.loc)
	if c.Start.IsZero() {
		g.anchor = time.Date(2001, time.January, 1, 0, 0, 0, 0, g.loc)
	}
	return g
}

// mean is the usual length of a period.
func (g grid) mean() Minute { return Minute(g.n) * g.unit.nominal() }

// start is the first minute of period k; period 0 starts at the anchor. Each is
// counted from the anchor, so nothing drifts.
func (g grid) start(k int64) Minute {
	steps := int(k) * g.n
	year, month, day := g.anchor.Date()
	switch g.unit {
	case CalendarHour:
		return MinuteOf(g.anchor) + Minute(steps)*Hour
	case CalendarDay:
		return g.at(year, month, day+steps)
	case CalendarWeek:
		return g.at(year, month, day+7*steps)
	case CalendarMonth:
		return g.month(year, month, day, steps)
	case CalendarQuarter:
		return g.month(year, month, day, 3*steps)
	case CalendarYear:
	}
	return g.month(year, month, day, 12*steps)
}

// month is the start that lies some months after a date, on the same day or on
// the month's last.
func (g grid) month(year int, month time.Month, day, months int) Minute {
	first := time.Date(year, month+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return g.at(first.Year(), first.Month(), min(day, last))
}

// at is the minute at which the anchor's clock time comes on a date.
func (g grid) at(year int, month time.Month, day int) Minute {
	hour, minute, _ := g.anchor.Clock()
	return MinuteOf(civil(time.Date(year, month, day, hour, minute, 0, 0, time.UTC), g.loc))
}

// civil finds the instant at which clocks in loc show what wall shows in UTC:
// the first where a change repeats it, the instant of the change where one
// skips it. (time.Date leaves both cases open.)
func civil(wall time.Time, loc *time.Location) time.Time {
	const day = 24 * time.Hour
	_, before := wall.Add(-day).In(loc).Zone()
	_, after := wall.Add(day).In(loc).Zone()
	early := wall.Add(-time.Duration(before) * time.Second)
	if before == after || shows(early.In(loc), wall) {
		return early
	}
	late := wall.Add(-time.Duration(after) * time.Second)
	if shows(late.In(loc), wall) {
		return late
	}
	change, _ := early.In(loc).ZoneBounds()
	return change
}

// shows says whether a clock at local reads the same as wall.
func shows(local, wall time.Time) bool {
	_, offset := local.Zone()
	return local.Add(time.Duration(offset)*time.Second).Unix() == wall.Unix()
}
