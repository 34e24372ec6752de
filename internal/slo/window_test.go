package slo_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/slo"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func minute(t *testing.T, s string) slo.Minute {
	t.Helper()
	x, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return slo.MinuteOf(x)
}

// Each row is an instant inside a period and the period's bounds with their
// offsets, taken from the zones' published rules.
func TestCalendarPeriods(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, zone, start string
		n                 int
		unit              slo.CalendarUnit
		in, from, to      string
		hours             float64
	}{
		{"Paris spring day", "Europe/Paris", "2025-01-01 00:00", 1, slo.CalendarDay, "2025-03-30T12:00:00Z", "2025-03-30T00:00:00+01:00", "2025-03-31T00:00:00+02:00", 23},
		{"Paris autumn day", "Europe/Paris", "2025-01-01 00:00", 1, slo.CalendarDay, "2025-10-26T12:00:00Z", "2025-10-26T00:00:00+02:00", "2025-10-27T00:00:00+01:00", 25},
		{"Paris March", "Europe/Paris", "2025-01-01 00:00", 1, slo.CalendarMonth, "2025-03-15T12:00:00Z", "2025-03-01T00:00:00+01:00", "2025-04-01T00:00:00+02:00", 31*24 - 1},
		{"Paris October", "Europe/Paris", "2025-01-01 00:00", 1, slo.CalendarMonth, "2025-10-15T12:00:00Z", "2025-10-01T00:00:00+02:00", "2025-11-01T00:00:00+01:00", 31*24 + 1},
		{"Paris week over the change", "Europe/Paris", "2025-01-06 00:00", 1, slo.CalendarWeek, "2025-03-26T12:00:00Z", "2025-03-24T00:00:00+01:00", "2025-03-31T00:00:00+02:00", 7*24 - 1},
		{"Paris skipped hour", "Europe/Paris", "2025-01-01 02:30", 1, slo.CalendarDay, "2025-03-30T12:00:00Z", "2025-03-30T03:00:00+02:00", "2025-03-31T02:30:00+02:00", 23.5},
		{"Paris repeated hour", "Europe/Paris", "2025-01-01 02:30", 1, slo.CalendarDay, "2025-10-26T12:00:00Z", "2025-10-26T02:30:00+02:00", "2025-10-27T02:30:00+01:00", 25},
		{"New York spring day", "America/New_York", "2025-01-01 00:00", 1, slo.CalendarDay, "2025-03-09T12:00:00Z", "2025-03-09T00:00:00-05:00", "2025-03-10T00:00:00-04:00", 23},
		{"New York autumn day", "America/New_York", "2025-01-01 00:00", 1, slo.CalendarDay, "2025-11-02T12:00:00Z", "2025-11-02T00:00:00-04:00", "2025-11-03T00:00:00-05:00", 25},
		{"New York November", "America/New_York", "2025-01-01 00:00", 1, slo.CalendarMonth, "2025-11-15T12:00:00Z", "2025-11-01T00:00:00-04:00", "2025-12-01T00:00:00-05:00", 30*24 + 1},
		{"New York quarter", "America/New_York", "2025-01-01 00:00", 1, slo.CalendarQuarter, "2025-02-15T12:00:00Z", "2025-01-01T00:00:00-05:00", "2025-04-01T00:00:00-04:00", 90*24 - 1},
		{"Lord Howe spring day", "Australia/Lord_Howe", "2025-01-01 00:00", 1, slo.CalendarDay, "2025-10-05T02:00:00Z", "2025-10-05T00:00:00+10:30", "2025-10-06T00:00:00+11:00", 23.5},
		{"Lord Howe autumn day", "Australia/Lord_Howe", "2025-01-01 00:00", 1, slo.CalendarDay, "2025-04-06T02:00:00Z", "2025-04-06T00:00:00+11:00", "2025-04-07T00:00:00+10:30", 24.5},
		{"hours are absolute", "Europe/Paris", "2025-03-30 00:00", 2, slo.CalendarHour, "2025-03-30T00:30:00Z", "2025-03-29T23:00:00Z", "2025-03-30T01:00:00Z", 2},
		{"February", "UTC", "2025-01-01 00:00", 1, slo.CalendarMonth, "2025-02-15T00:00:00Z", "2025-02-01T00:00:00Z", "2025-03-01T00:00:00Z", 28 * 24},
		{"leap February", "UTC", "2024-01-01 00:00", 1, slo.CalendarMonth, "2024-02-15T00:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z", 29 * 24},
		{"from the 31st, clamped", "UTC", "2025-01-31 00:00", 1, slo.CalendarMonth, "2025-03-01T00:00:00Z", "2025-02-28T00:00:00Z", "2025-03-31T00:00:00Z", 31 * 24},
		{"from the 31st, no drift", "UTC", "2025-01-31 00:00", 1, slo.CalendarMonth, "2025-04-01T00:00:00Z", "2025-03-31T00:00:00Z", "2025-04-30T00:00:00Z", 30 * 24},
		{"from the 31st, leap", "UTC", "2024-01-31 00:00", 1, slo.CalendarMonth, "2024-02-10T00:00:00Z", "2024-01-31T00:00:00Z", "2024-02-29T00:00:00Z", 29 * 24},
		{"quarter from November 30", "UTC", "2024-11-30 00:00", 1, slo.CalendarQuarter, "2025-03-01T00:00:00Z", "2025-02-28T00:00:00Z", "2025-05-30T00:00:00Z", 91 * 24},
		{"two months", "UTC", "2025-01-01 00:00", 2, slo.CalendarMonth, "2025-04-15T00:00:00Z", "2025-03-01T00:00:00Z", "2025-05-01T00:00:00Z", 61 * 24},
		{"leap year's day", "UTC", "2024-02-29 00:00", 1, slo.CalendarYear, "2025-06-01T00:00:00Z", "2025-02-28T00:00:00Z", "2026-02-28T00:00:00Z", 365 * 24},
		{"before the start", "UTC", "2025-01-15 06:00", 1, slo.CalendarMonth, "2024-12-24T00:00:00Z", "2024-12-15T06:00:00Z", "2025-01-15T06:00:00Z", 31 * 24},
		{"the end belongs to the period", "UTC", "2025-01-01 00:00", 1, slo.CalendarMonth, "2025-02-01T00:00:00Z", "2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z", 31 * 24},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			loc := zone(t, tt.zone)
			start, err := time.ParseInLocation("2006-01-02 15:04", tt.start, loc)
			if err != nil {
				t.Fatal(err)
			}
			c := slo.Calendar{N: tt.n, Unit: tt.unit, Start: start, Location: loc}
			got := c.Period(minute(t, tt.in))
			want := slo.Span{From: minute(t, tt.from), To: minute(t, tt.to)}
			if got != want {
				t.Fatalf("period %v to %v, want %s to %s", got.From.Time().In(loc), got.To.Time().In(loc), tt.from, tt.to)
			}
			if h := got.Len().Duration().Hours(); h != tt.hours {
				t.Errorf("%v hours long, want %v", h, tt.hours)
			}
			if b := c.Bounds(minute(t, tt.in)); b != (slo.Span{From: want.From, To: minute(t, tt.in)}) {
				t.Errorf("bounds %v", b)
			}
		})
	}
}

func TestCalendarZeroValues(t *testing.T) {
	t.Parallel()
	c := slo.Calendar{Unit: slo.CalendarWeek}
	p := c.Period(minute(t, "2025-01-08T00:00:00Z"))
	if p.From.Time().Weekday() != time.Monday || p.Len() != slo.Week {
		t.Errorf("the zero calendar week is %v to %v", p.From.Time(), p.To.Time())
	}
}

func genCalendar(t *rapid.T) slo.Calendar {
	name := rapid.SampledFrom([]string{"UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns"}).Draw(t, "zone")
	loc := zone(t, name)
	day := time.Date(2024, 1, 1, 0, 0, 0, 0, loc).AddDate(0, 0, rapid.IntRange(0, 800).Draw(t, "day"))
	start := time.Date(day.Year(), day.Month(), day.Day(), rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), 0, 0, loc)
	return slo.Calendar{
		N: rapid.IntRange(1, 5).Draw(t, "n"), Start: start, Location: loc,
		Unit: slo.CalendarUnit(rapid.IntRange(int(slo.CalendarHour), int(slo.CalendarYear)).Draw(t, "unit")),
	}
}

func TestCalendarTilesTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := genCalendar(t)
		f := slo.MinuteOf(c.Start) + slo.Minute(rapid.Int64Range(-3_000_000, 3_000_000).Draw(t, "frontier"))
		p := c.Period(f)
		if p.Empty() || f <= p.From || f > p.To {
			t.Fatalf("%d is not in its period %v", f, p)
		}
		if b := c.Bounds(f); b.From != p.From || b.To != f {
			t.Fatalf("bounds %v of period %v at %d", b, p, f)
		}
		if again := c.Period(p.To); again != p {
			t.Fatalf("the end of %v belongs to %v", p, again)
		}
		if next := c.Period(p.To + 1); next.From != p.To {
			t.Fatalf("%v is followed by %v", p, next)
		}
		if last := c.Period(p.From); last.To != p.From {
			t.Fatalf("%v is preceded by %v", p, last)
		}
		if at := c.Period(slo.MinuteOf(c.Start) + 1); at.From != slo.MinuteOf(c.Start) {
			t.Fatalf("no period starts at the start: %v", at)
		}
	})
}

// A period start, found by stepping through the clock minute by minute instead
// of by arithmetic: the first minute of a civil date that shows the clock time
// or a later one.
func naiveStart(loc *time.Location, y int, m time.Month, d, hour, minute int) slo.Minute {
	noon := slo.MinuteOf(time.Date(y, m, d, 12, 0, 0, 0, time.UTC))
	for at := noon - 30*slo.Hour; ; at++ {
		l := at.Time().In(loc)
		ly, lm, ld := l.Date()
		if ly == y && lm == m && ld == d && l.Hour()*60+l.Minute() >= hour*60+minute {
			return at
		}
	}
}

func TestCalendarAgainstSteppingDays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := genCalendar(t)
		c.Unit = rapid.SampledFrom([]slo.CalendarUnit{slo.CalendarDay, slo.CalendarWeek, slo.CalendarMonth}).Draw(t, "u")
		start := c.Start.In(c.Location)
		y, m, d := start.Date()
		k := rapid.IntRange(0, 20).Draw(t, "k")
		starts := [2]slo.Minute{}
		for i := range starts {
			var yy, dd int
			var mm time.Month
			switch n := (k + i) * c.N; c.Unit {
			case slo.CalendarMonth:
				yy, mm = stepMonths(y, m, n)
				dd = min(d, daysIn(yy, mm))
			case slo.CalendarWeek:
				yy, mm, dd = stepDays(y, m, d, 7*n)
			default:
				yy, mm, dd = stepDays(y, m, d, n)
			}
			starts[i] = naiveStart(c.Location, yy, mm, dd, start.Hour(), start.Minute())
		}
		if got := c.Period(starts[0] + 1); got != (slo.Span{From: starts[0], To: starts[1]}) {
			t.Fatalf("period %d is %v, stepping finds %v", k, got, starts)
		}
	})
}

func daysIn(y int, m time.Month) int {
	switch m {
	case time.February:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case time.April, time.June, time.September, time.November:
		return 30
	}
	return 31
}

func stepMonths(y int, m time.Month, n int) (int, time.Month) {
	for range n {
		if m++; m > time.December {
			y, m = y+1, time.January
		}
	}
	return y, m
}

func stepDays(y int, m time.Month, d, n int) (int, time.Month, int) {
	for range n {
		if d++; d > daysIn(y, m) {
			y, m = stepMonths(y, m, 1)
			d = 1
		}
	}
	return y, m, d
}

func TestRolling(t *testing.T) {
	t.Parallel()
	r := slo.Rolling{Length: 30 * slo.Day}
	if r.String() != "30d" || r.Bounds(100_000) != (slo.Span{From: 56_800, To: 100_000}) || r.Period(100_000) != r.Bounds(100_000) {
		t.Errorf("%s %v", r, r.Bounds(100_000))
	}
}

func TestParseLength(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]slo.Minute{"1m": 1, "5m": 5, "90m": 90, "1h": 60, "30d": 43200, "4w": 40320, "1d": 1440} {
		if got, err := slo.ParseLength(in); err != nil || got != want {
			t.Errorf("ParseLength(%q) = %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "m", "5", "0d", "0m", "-1d", "+1d", "1.5h", "1M", "1Q", "1Y", "1s", "99999999999d", "9999w", "1 d", "1d "} {
		if got, err := slo.ParseLength(in); err == nil {
			t.Errorf("ParseLength(%q) = %v, want an error", in, got)
		}
	}
	for m, want := range map[slo.Minute]string{5: "5m", 30: "30m", 60: "1h", 90: "90m", 1440: "1d", 4320: "3d", 40320: "28d", 0: "0m"} {
		if got := slo.FormatLength(m); got != want {
			t.Errorf("FormatLength(%d) = %q, want %q", m, got, want)
		}
	}
}

func TestParseCalendar(t *testing.T) {
	t.Parallel()
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, in := range []string{"1h", "1d", "2w", "1M", "1Q", "3Y"} {
		c, err := slo.ParseCalendar(in, start, time.UTC)
		if err != nil || c.String() != in {
			t.Errorf("ParseCalendar(%q) = %v, %v", in, c, err)
		}
	}
	for _, in := range []string{"1m", "0M", "", "99999M", "1x"} {
		if c, err := slo.ParseCalendar(in, start, time.UTC); err == nil {
			t.Errorf("ParseCalendar(%q) = %v, want an error", in, c)
		}
	}
	if _, err := slo.ParseCalendar("1m", start, time.UTC); !strings.Contains(err.Error(), "M") {
		t.Errorf("a minute for a month is explained as %q", err)
	}
}
