package recur_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/run/recur"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := recur.Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func show(ivs []recur.Interval, loc *time.Location) []string {
	var out []string
	for _, iv := range ivs {
		out = append(out, iv.From.In(loc).Format("Mon 2006-01-02T15:04Z07:00")+" "+iv.To.In(loc).Format("Mon 2006-01-02T15:04Z07:00"))
	}
	return out
}

func TestOccurrences(t *testing.T) {
	const berlin, york, howe = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
	for _, tt := range []struct {
		name, cron, zone string
		length           time.Duration
		day              string // the occurrences that begin on this and the next two days
		want             []string
	}{
		{"weekend over the change to summer time", "0 17 * * 5", berlin, 63 * time.Hour, "2025-03-28", []string{"Fri 2025-03-28T17:00+01:00 Mon 2025-03-31T08:00+02:00"}},
		{"weekend over the change to winter time", "0 17 * * 5", berlin, 63 * time.Hour, "2025-10-24", []string{"Fri 2025-10-24T17:00+02:00 Mon 2025-10-27T08:00+01:00"}},
		{"weekend over the spring change", "0 17 * * 5", york, 63 * time.Hour, "2025-03-07", []string{"Fri 2025-03-07T17:00-05:00 Mon 2025-03-10T08:00-04:00"}},
		{"weekend over the autumn change", "0 17 * * 5", york, 63 * time.Hour, "2025-10-31", []string{"Fri 2025-10-31T17:00-04:00 Mon 2025-11-03T08:00-05:00"}},
		{"a skipped beginning is the jump", "30 2 * * *", berlin, time.Hour, "2025-03-29", []string{
			"Sat 2025-03-29T02:30+01:00 Sat 2025-03-29T03:30+01:00",
			"Sun 2025-03-30T03:00+02:00 Sun 2025-03-30T04:00+02:00",
			"Mon 2025-03-31T02:30+02:00 Mon 2025-03-31T03:30+02:00",
		}},
		{"a skipped beginning in the other zone", "30 2 * * *", york, time.Hour, "2025-03-08", []string{
			"Sat 2025-03-08T02:30-05:00 Sat 2025-03-08T03:30-05:00",
			"Sun 2025-03-09T03:00-04:00 Sun 2025-03-09T04:00-04:00",
			"Mon 2025-03-10T02:30-04:00 Mon 2025-03-10T03:30-04:00",
		}},
		{"a beginning that comes twice is the first", "30 2 * * 0", berlin, time.Hour, "2025-10-25", []string{"Sun 2025-10-26T02:30+02:00 Sun 2025-10-26T02:30+01:00"}},
		{"a beginning that comes twice in the other zone", "30 1 * * 0", york, time.Hour, "2025-11-01", []string{"Sun 2025-11-02T01:30-04:00 Sun 2025-11-02T01:30-05:00"}},
		{"a day is a civil day of 23 hours", "0 0 * * *", berlin, 24 * time.Hour, "2025-03-30", []string{
			"Sun 2025-03-30T00:00+01:00 Mon 2025-03-31T00:00+02:00",
			"Mon 2025-03-31T00:00+02:00 Tue 2025-04-01T00:00+02:00",
			"Tue 2025-04-01T00:00+02:00 Wed 2025-04-02T00:00+02:00",
		}},
		{"a day is a civil day of 25 hours", "0 0 * * 0", york, 24 * time.Hour, "2025-11-01", []string{"Sun 2025-11-02T00:00-04:00 Mon 2025-11-03T00:00-05:00"}},
		{"hours are elapsed hours", "0 1 * * 0", berlin, 3 * time.Hour, "2025-03-29", []string{"Sun 2025-03-30T01:00+01:00 Sun 2025-03-30T05:00+02:00"}},
		{"half an hour of summer time", "15 2 * * 0", howe, time.Hour, "2025-10-04", []string{"Sun 2025-10-05T02:30+11:00 Sun 2025-10-05T03:30+11:00"}},
		{"UTC where no zone is named", "0 12 1 1 *", "", time.Hour, "2024-12-31", []string{"Wed 2025-01-01T12:00Z Wed 2025-01-01T13:00Z"}},
		{"a leap day", "0 0 29 2 *", "", 24 * time.Hour, "2024-02-28", []string{"Thu 2024-02-29T00:00Z Fri 2024-03-01T00:00Z"}},
		{"steps, lists, ranges and names", "0 8-9,17/3 * * MON", "", time.Minute, "2025-01-05", []string{
			"Mon 2025-01-06T08:00Z Mon 2025-01-06T08:01Z", "Mon 2025-01-06T09:00Z Mon 2025-01-06T09:01Z",
			"Mon 2025-01-06T17:00Z Mon 2025-01-06T17:01Z", "Mon 2025-01-06T20:00Z Mon 2025-01-06T20:01Z",
			"Mon 2025-01-06T23:00Z Mon 2025-01-06T23:01Z",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			loc := zone(t, tt.zone)
			rule, err := recur.Parse(tt.cron, tt.length, tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			from, err := time.ParseInLocation(time.DateOnly, tt.day, loc)
			if err != nil {
				t.Fatal(err)
			}
			got := show(slices.Collect(rule.Starting(from, from.AddDate(0, 0, 3))), loc)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBeginningsAgreeWithAClock compares with a person who watches the clock
// minute by minute and notes when it first shows the time or a later one.
func TestBeginningsAgreeWithAClock(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		loc := zone(t, rapid.SampledFrom([]string{
			"Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "Australia/Lord_Howe", "UTC",
		}).Draw(rt, "zone"))
		jump := time.Date(rapid.IntRange(2008, 2026).Draw(rt, "year"), 1, 1, 0, 0, 0, 0, loc)
		for range rapid.IntRange(0, 2).Draw(rt, "jumps") {
			if _, end := jump.ZoneBounds(); !end.IsZero() {
				jump = end
			}
		}
		hour, minute := rapid.IntRange(0, 23).Draw(rt, "hour"), rapid.SampledFrom([]int{0, 1, 15, 30, 59}).Draw(rt, "minute")
		rule, err := recur.Parse(strings.Join([]string{itoa(minute), itoa(hour), "* * *"}, " "), time.Minute, loc.String())
		if err != nil {
			rt.Fatal(err)
		}
		from := jump.Truncate(time.Minute).Add(-30 * time.Hour)
		to := from.Add(60 * time.Hour)

		var want []time.Time
		shown := ""
		for at := from.Add(-48 * time.Hour); at.Before(to); at = at.Add(time.Minute) {
			now := at.In(loc).Format("2006-01-02 15:04")
			if now <= shown {
				continue // the clock was set back: nothing is shown for the first time
			}
			if shown != "" && first(shown, now, hour, minute) && !at.Before(from) {
				want = append(want, at)
			}
			shown = now
		}
		var got []time.Time
		for iv := range rule.Starting(from, to) {
			// Times of a skipped day are all the jump; the watcher notes it once.
			if n := len(got); n == 0 || !got[n-1].Equal(iv.From) {
				got = append(got, iv.From)
			}
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(time.Time.Equal)); diff != "" {
			rt.Fatalf("%s around %v at %02d:%02d: %s", loc, jump, hour, minute, diff)
		}
	})
}

// first says whether a clock that went from one reading to another passed
// hour:minute of any day, or shows it.
func first(before, now string, hour, minute int) bool {
	b, err := time.Parse("2006-01-02 15:04", before)
	if err != nil {
		panic(err)
	}
	n, err := time.Parse("2006-01-02 15:04", now)
	if err != nil {
		panic(err)
	}
	for c := b.Add(time.Minute); !c.After(n); c = c.Add(time.Minute) {
		if c.Hour() == hour && c.Minute() == minute {
			return true
		}
	}
	return false
}

func itoa(n int) string {
	return string([]byte{byte('0' + n/10), byte('0' + n%10)})
}

func TestHolidays(t *testing.T) {
	for _, tt := range []struct {
		name, day, zone string
		from, to        string
		want            []string
	}{
		{"every year", "12-25", "Europe/Berlin", "2024-06-01", "2026-06-01", []string{
			"Wed 2024-12-25T00:00+01:00 Thu 2024-12-26T00:00+01:00", "Thu 2025-12-25T00:00+01:00 Fri 2025-12-26T00:00+01:00",
		}},
		{"one year", "2025-12-25", "Europe/Berlin", "2024-06-01", "2027-06-01", []string{"Thu 2025-12-25T00:00+01:00 Fri 2025-12-26T00:00+01:00"}},
		{"a day with 23 hours", "2025-03-30", "Europe/Berlin", "2025-01-01", "2026-01-01", []string{"Sun 2025-03-30T00:00+01:00 Mon 2025-03-31T00:00+02:00"}},
		{"a day with 25 hours", "11-02", "America/New_York", "2025-11-01", "2025-11-04", []string{"Sun 2025-11-02T00:00-04:00 Mon 2025-11-03T00:00-05:00"}},
		{"a day that begins at one o'clock", "2025-03-30", "Asia/Beirut", "2025-01-01", "2026-01-01", []string{"Sun 2025-03-30T01:00+03:00 Mon 2025-03-31T00:00+03:00"}},
		{"a leap day", "02-29", "", "2023-01-01", "2026-01-01", []string{"Thu 2024-02-29T00:00Z Fri 2024-03-01T00:00Z"}},
		{"a day that never was", "2011-12-30", "Pacific/Apia", "2011-01-01", "2012-12-31", nil},
		{"outside", "2025-12-25", "", "2025-12-26", "2025-12-27", nil},
		{"new year across the range's end", "01-01", "Asia/Tokyo", "2024-12-31", "2025-01-01", []string{"Wed 2025-01-01T00:00+09:00 Thu 2025-01-02T00:00+09:00"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			loc := zone(t, tt.zone)
			h, err := recur.ParseHoliday(tt.day)
			if err != nil {
				t.Fatal(err)
			}
			from, _ := time.Parse(time.DateOnly, tt.from)
			to, _ := time.Parse(time.DateOnly, tt.to)
			if diff := cmp.Diff(tt.want, show(h.Touching(from, to, loc), loc)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		cron   string
		length time.Duration
		zone   string
	}{
		{"0 17 * * 5", 0, ""},
		{"0 17 * * 5", -time.Hour, ""},
		{"0 17 * * 5", 367 * 24 * time.Hour, ""},
		{"0 17 * * 5", time.Hour, "Europe/Nowhere"},
		{"0 17 * * 5", time.Hour, "Local"},
		{"0 17 * * 5", time.Hour, "../../etc/passwd"},
		{"", time.Hour, ""},
		{"0 17 * *", time.Hour, ""},
		{"0 0 17 * * 5", time.Hour, ""},
		{"60 17 * * 5", time.Hour, ""},
		{"0 17 * * 7", time.Hour, ""},
		{"0 0 30 2 *", time.Hour, ""},
		{", 17 * * 5", time.Hour, ""},
		{"@daily", time.Hour, ""},
		{"@every 1h", time.Hour, ""},
		{"CRON_TZ=UTC 0 17 * * 5", time.Hour, ""},
		{"TZ=", time.Hour, ""},
		{"*/0 17 * * 5", time.Hour, ""},
	} {
		if _, err := recur.Parse(tt.cron, tt.length, tt.zone); fault.KindOf(err) != fault.Invalid || err == nil || fault.HintOf(err) == "" {
			t.Errorf("Parse(%q, %v, %q): %v, want an error of kind Invalid with a hint", tt.cron, tt.length, tt.zone, err)
		}
	}
	for _, day := range []string{"", "25-12", "2025-02-29", "02-30", "2025-13-01", "1-1", "2025-12-25T00:00:00Z", "tomorrow"} {
		if _, err := recur.ParseHoliday(day); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("ParseHoliday(%q): %v, want an error of kind Invalid", day, err)
		}
	}
}

func TestMerge(t *testing.T) {
	base := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		var in []recur.Interval
		covered := map[int]bool{}
		for range rapid.IntRange(0, 8).Draw(t, "n") {
			from := rapid.IntRange(0, 30).Draw(t, "from")
			length := rapid.IntRange(-1, 6).Draw(t, "length")
			in = append(in, recur.Interval{From: base.Add(time.Duration(from) * time.Minute), To: base.Add(time.Duration(from+length) * time.Minute)})
			for m := from; m < from+length; m++ {
				covered[m] = true
			}
		}
		out := recur.Merge(in)
		for m := -1; m < 40; m++ {
			at := base.Add(time.Duration(m) * time.Minute)
			if got := slices.ContainsFunc(out, func(iv recur.Interval) bool { return iv.Contains(at) }); got != covered[m] {
				t.Fatalf("minute %d: covered %v, want %v", m, got, covered[m])
			}
		}
		for i := 1; i < len(out); i++ {
			if !out[i-1].To.Before(out[i].From) {
				t.Fatalf("%v and %v touch", out[i-1], out[i])
			}
		}
	})
}

// FuzzParse feeds foreign expressions: they are refused or understood, and what
// is understood begins in order and ends behind its beginning.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"0 17 * * 5", "*/5 8-17 * 1,2 MON-FRI", "TZ=0", "@reboot", "? ? ? ? ?", "5/70 * * * *", "0 0 31 2 *"} {
		f.Add(s, int64(time.Hour), "Europe/Berlin")
	}
	f.Fuzz(func(t *testing.T, expr string, length int64, zone string) {
		rule, err := recur.Parse(expr, time.Duration(length), zone)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		from := time.Date(2025, 3, 29, 0, 0, 0, 0, time.UTC)
		last := from
		for iv := range rule.Starting(from, from.AddDate(0, 0, 3)) {
			if iv.From.Before(last) || !iv.From.Before(iv.To) {
				t.Fatalf("%q: %v behind %v", expr, iv, last)
			}
			last = iv.From
		}
	})
}
