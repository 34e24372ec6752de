package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
)

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestInForce(t *testing.T) {
	const h = time.Hour
	weekend := gate.FreezeRule{Name: "weekend", Cron: "0 17 * * 5", Duration: 63 * h, Zone: "Europe/Berlin", Exempt: []gate.Class{gate.ClassFix}}
	nights := gate.FreezeRule{Name: "nights", Cron: "0 20 * * *", Duration: 11 * h, Zone: "America/New_York"}
	days := gate.FreezeRule{Name: "always", Cron: "0 0 * * *", Duration: 24 * h, Zone: "America/New_York"}
	december := gate.FreezeRule{Name: "december", Cron: "0 0 * 12 *", Duration: 24 * h, Zone: "Europe/Berlin", Holidays: []string{"01-01", "2026-01-02", "2026-01-05"}}
	oneOff := gate.FreezeRule{Name: "move", From: instant(t, "2025-06-01T00:00:00Z"), To: instant(t, "2025-06-03T00:00:00Z"), Zone: "Europe/Berlin"}
	joined := oneOff
	joined.Cron, joined.Duration = "0 2 3 6 *", 2*h // 00:00Z is 02:00 in Berlin
	long := gate.FreezeRule{Name: "long", From: instant(t, "2020-01-01T00:00:00Z"), To: instant(t, "2030-01-01T00:00:00Z")}
	sunday := gate.FreezeRule{Name: "sunday night", Cron: "30 2 * * 0", Duration: h, Zone: "Europe/Berlin"}
	for _, tt := range []struct {
		name string
		rule gate.FreezeRule
		at   string
		want string // "FROM TO", "" for not in force
	}{
		{"before", weekend, "2025-03-28T15:59:59Z", ""},
		{"its first instant", weekend, "2025-03-28T16:00:00Z", "2025-03-28T17:00:00+01:00 2025-03-31T08:00:00+02:00"},
		{"within, before the change", weekend, "2025-03-30T00:59:00Z", "2025-03-28T17:00:00+01:00 2025-03-31T08:00:00+02:00"},
		{"within, after the change", weekend, "2025-03-30T01:00:00Z", "2025-03-28T17:00:00+01:00 2025-03-31T08:00:00+02:00"},
		{"its last minute", weekend, "2025-03-31T05:59:59Z", "2025-03-28T17:00:00+01:00 2025-03-31T08:00:00+02:00"},
		{"its end is outside", weekend, "2025-03-31T06:00:00Z", ""},
		{"winter time", weekend, "2025-10-27T06:59:59Z", "2025-10-24T17:00:00+02:00 2025-10-27T08:00:00+01:00"},
		{"winter time, its end", weekend, "2025-10-27T07:00:00Z", ""},
		{"the spring change elsewhere", nights, "2025-03-09T06:59:00Z", "2025-03-08T20:00:00-05:00 2025-03-09T08:00:00-04:00"},
		{"the autumn change elsewhere", nights, "2025-11-02T06:30:00Z", "2025-11-01T20:00:00-04:00 2025-11-02T06:00:00-05:00"},
		{"a beginning the clock skips", sunday, "2025-03-30T01:00:00Z", "2025-03-30T03:00:00+02:00 2025-03-30T04:00:00+02:00"},
		{"a beginning that comes twice is one", sunday, "2025-10-26T01:30:00Z", ""},
		{"a row without an end", days, "2025-11-02T12:00:00Z", "open"},
		{"a month of days is one freeze, with a holiday behind it", december, "2025-12-24T12:00:00Z", "2025-12-01T00:00:00+01:00 2026-01-03T00:00:00+01:00"},
		{"a holiday of every year", december, "2027-01-01T12:00:00+01:00", "2026-12-01T00:00:00+01:00 2027-01-02T00:00:00+01:00"},
		{"a holiday of one year", december, "2026-01-05T00:00:00+01:00", "2026-01-05T00:00:00+01:00 2026-01-06T00:00:00+01:00"},
		{"not of another year", december, "2027-01-05T12:00:00+01:00", ""},
		{"a one-off", oneOff, "2025-06-02T00:00:00Z", "2025-06-01T02:00:00+02:00 2025-06-03T02:00:00+02:00"},
		{"a one-off's end", oneOff, "2025-06-03T00:00:00Z", ""},
		{"a one-off with a recurrence behind it", joined, "2025-06-01T00:00:00Z", "2025-06-01T02:00:00+02:00 2025-06-03T04:00:00+02:00"},
		{"a one-off of ten years", long, "2025-06-01T00:00:00Z", "2020-01-01T00:00:00Z 2030-01-01T00:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := rungate.InForce([]gate.FreezeRule{tt.rule}, instant(t, tt.at))
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, f := range got {
				text = f.From.Format(time.RFC3339) + " " + f.To.Format(time.RFC3339)
				if f.To.IsZero() {
					text = "open"
				}
				if f.Name != tt.rule.Name || len(f.Exempt) != len(tt.rule.Exempt) {
					t.Errorf("it is not the rule's: %+v", f)
				}
			}
			if text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

func TestSeveralRules(t *testing.T) {
	rules := []gate.FreezeRule{
		{Name: "a", Cron: "0 0 * * *", Duration: time.Hour},
		{Name: "b", Cron: "0 12 * * *", Duration: time.Hour},
		{Name: "c", Holidays: []string{"06-01"}},
	}
	got, err := rungate.InForce(rules, instant(t, "2025-06-01T00:30:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range got {
		names = append(names, f.Name)
	}
	if diff := cmp.Diff([]string{"a", "c"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestBadRules(t *testing.T) {
	day := instant(t, "2025-06-01T00:00:00Z")
	for _, tt := range []struct {
		rule gate.FreezeRule
		say  string
	}{
		{gate.FreezeRule{}, "nowhere when"},
		{gate.FreezeRule{Cron: "0 0 * * *"}, "a length of 0s"},
		{gate.FreezeRule{Cron: "0 0 * *", Duration: time.Hour}, "5 fields"},
		{gate.FreezeRule{Cron: "0 0 * * *", Duration: time.Hour, Zone: "Mars/Olympus"}, "Mars/Olympus"},
		{gate.FreezeRule{Holidays: []string{"12-25"}, Zone: "Mars/Olympus"}, "Mars/Olympus"},
		{gate.FreezeRule{Holidays: []string{"25.12."}}, "25.12."},
		{gate.FreezeRule{From: day}, "not behind"},
		{gate.FreezeRule{To: day}, "not behind"},
		{gate.FreezeRule{From: day, To: day}, "not behind"},
		{gate.FreezeRule{Holidays: []string{"12-25"}, Exempt: []gate.Class{"hotfix"}}, "hotfix"},
	} {
		tt.rule.Name = "bad"
		_, err := rungate.InForce([]gate.FreezeRule{tt.rule}, day)
		if err == nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.say) || !strings.Contains(err.Error(), `"bad"`) {
			t.Errorf("%+v: %v, want an error of kind Invalid that says %q", tt.rule, err, tt.say)
		}
		if again := rungate.CheckFreeze(tt.rule); again == nil || again.Error() != err.Error() {
			t.Errorf("CheckFreeze says %v", again)
		}
	}
}

// TestFreezeHasOneExtent: from wherever inside a freeze one asks, it begins and
// ends at the same instants, holds just inside them and not just outside.
func TestFreezeHasOneExtent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := gate.FreezeRule{
			Name: "x", Zone: rapid.SampledFrom([]string{"Europe/Berlin", "America/New_York", "UTC"}).Draw(t, "zone"),
			Cron:     rapid.SampledFrom([]string{"0 17 * * 5", "30 2 * * *", "0 */6 * * *", "0 0 1 * *", "0 0 * 3,10 *", "*/30 1-3 * * 0"}).Draw(t, "cron"),
			Duration: time.Duration(rapid.IntRange(1, 80*60).Draw(t, "minutes")) * time.Minute,
			Holidays: rapid.SampledFrom([][]string{nil, {"03-30", "10-26"}, {"12-25", "12-26"}}).Draw(t, "holidays"),
		}
		ask := func(at time.Time) (gate.Freeze, bool) {
			got, err := rungate.InForce([]gate.FreezeRule{rule}, at)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == 0 {
				return gate.Freeze{}, false
			}
			return got[0], true
		}
		start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
		at := start.Add(time.Duration(rapid.IntRange(0, 365*24*60).Draw(t, "minute")) * time.Minute)
		f, ok := ask(at)
		if !ok || f.To.IsZero() {
			return
		}
		if at.Before(f.From) || !at.Before(f.To) {
			t.Fatalf("%v is not in %v", at, f)
		}
		inside := f.From.Add(time.Duration(rapid.Int64Range(0, int64(f.To.Sub(f.From)-1)).Draw(t, "inside")))
		for _, other := range []time.Time{f.From, f.To.Add(-1), inside} {
			if g, ok := ask(other); !ok || !g.From.Equal(f.From) || !g.To.Equal(f.To) {
				t.Fatalf("at %v it is %v, at %v it is %v", at, f, other, g)
			}
		}
		for _, outside := range []time.Time{f.From.Add(-1), f.To} {
			if g, ok := ask(outside); ok {
				t.Fatalf("just outside %v there is %v", f, g)
			}
		}
	})
}
