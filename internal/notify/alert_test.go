package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/notify"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// outage is the outage of the semantics: a minute of nothing but errors.
func outage() notify.Alert {
	return notify.Alert{
		Status: notify.Firing, Severity: notify.Page, Incident: "payment-api/availability/0.999/page@2025-01-31T00:01Z",
		SLO: "availability", Objective: "payment-api/availability/0.999", Target: "0.999", Window: "30d", Condition: "page-fast",
		StartsAt: at("2025-01-31T00:01:00Z"), Long: &notify.Rate{Lookback: "1h", Value: new(16.666666)}, Short: &notify.Rate{Lookback: "5m", Value: new(200.0)},
		Threshold: "14.4", Bad: 1000, Total: 60_000, Remaining: new(0.9768518), Exhausts: new(int64(151_920)), Looked: time.Hour,
		Changes: []notify.Change{{At: at("2025-01-30T23:56:00Z"), Kind: "deploy", Text: "1.4.2 went to production", Actor: "ada"}},
	}
}

func TestWords(t *testing.T) {
	resolved := outage()
	resolved.Status, resolved.EndsAt, resolved.Lost = notify.Resolved, at("2025-01-31T00:43:00Z"), new(0.031)
	gone := outage()
	gone.Remaining, gone.Changes, gone.Again, gone.Severity = new(-0.056), nil, true, notify.Ticket
	blind := outage()
	blind.Status, blind.Long, blind.Short, blind.Changes, blind.Looked = notify.NoData, nil, nil, nil, 0
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		alert notify.Alert
		zone  *time.Location
		want  string
	}{
		{"fires", outage(), nil, `payment-api/availability loses its budget at 16.7x, 97.7 % of it is left
16.7x in 1h and 200x in 5m; page-fast pages above 14.4x (at 1x the budget lasts exactly 30d)
1000 of 60000 events were bad in 1h, 1.7 %
2.3 % of the budget is gone, 97.7 % is left; if this goes on it is used up in 1 d 18 h
since 2025-01-31 00:01 UTC, for 6 min
before it: 1.4.2 went to production, by ada, 5 min earlier (2025-01-30 23:56 UTC)
incident payment-api/availability/0.999/page@2025-01-31T00:01Z`},
		{"over", resolved, berlin, `payment-api/availability: over after 42 min, it cost 3.1 % of the budget
2.3 % of the budget is gone, 97.7 % is left
since 2025-01-31 01:01 CET, until 2025-01-31 01:43 CET
before it: 1.4.2 went to production, by ada, 5 min earlier (2025-01-31 00:56 CET)
incident payment-api/availability/0.999/page@2025-01-31T00:01Z`},
		{"overdrawn, told again", gone, nil, `payment-api/availability loses its budget at 16.7x, the budget is overdrawn by 5.6 % (told again: it is not known whether this arrived before)
16.7x in 1h and 200x in 5m; page-fast raises a ticket above 14.4x (at 1x the budget lasts exactly 30d)
1000 of 60000 events were bad in 1h, 1.7 %
all of the budget is gone, 5.6 % more than there was
since 2025-01-31 00:01 UTC, for 6 min
no deployment, override or change of documents is recorded in the 1 h before it
incident payment-api/availability/0.999/page@2025-01-31T00:01Z`},
		{"no data", blind, nil, `payment-api/availability: nothing is known any more, its alerts stand still
2.3 % of the budget is gone, 97.7 % is left
since 2025-01-31 00:01 UTC, for 6 min
incident payment-api/availability/0.999/page@2025-01-31T00:01Z`},
		{"nothing but a name", notify.Alert{Status: notify.Firing, Objective: "a/b/c", Incident: "i"}, nil, "a/b/c loses its budget faster than it may\nincident i"},
	} {
		m := notify.OfAlert(tt.alert, at("2025-01-31T00:07:00Z"), tt.zone)
		if d := cmp.Diff(tt.want, m.Text()); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
		if m.Event != notify.Alerting || m.Incident() != tt.alert.Incident || !strings.Contains(m.Key, string(tt.alert.Status)) {
			t.Errorf("%s: %+v", tt.name, m)
		}
	}
	if m := notify.OfAlert(resolved, time.Time{}, nil); !m.Ends() {
		t.Error("what is resolved is over")
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0 %", 0.5: "50 %", 1: "100 %", 0.99996: "99.996 %", 0.0000004: "0.00004 %", -0.056: "-5.6 %", 12.5: "1250 %", 1e-12: "1e-10 %",
	} {
		if got := notify.Percent(v); got != want {
			t.Errorf("Percent(%v) = %s, want %s", v, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0 s", 20 * time.Second: "20 s", 90 * time.Second: "2 min", 42 * time.Minute: "42 min", 25 * time.Hour: "1 d 1 h", 24*time.Hour + time.Minute: "1 d",
		-time.Hour: "1 h",
	} {
		if got := notify.Span(d); got != want {
			t.Errorf("Span(%v) = %s, want %s", d, got, want)
		}
	}
	for v, want := range map[float64]string{16.66: "16.7x", 14: "14x", 1000: "1000x", 0.04: "0.04x", 0: "0x"} {
		if got := notify.Times(v); got != want {
			t.Errorf("Times(%v) = %s, want %s", v, got, want)
		}
	}
}

func TestHours(t *testing.T) {
	for _, bad := range []string{"", "Mon", "Mon-Fri", "Mon-Fri 9-17", "Mon-Fri 17:00-09:00", "Mon-Fri 09:00-25:00", "Foo 09:00-17:00", "Mon-Fri 09:00-17:00 Nowhere/X", "Mon 09:00-17:00 Local", "Mon-Fri 09:00-17:00 UTC more"} {
		if _, err := notify.ParseHours(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
	h, err := notify.ParseHours("Mon-Fri 09:00-17:00 Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"2026-01-02T07:59:00Z": "2026-01-02T08:00:00Z", // a Friday
		"2026-01-02T08:00:00Z": "2026-01-02T08:00:00Z",
		"2026-01-02T15:59:00Z": "2026-01-02T15:59:00Z",
		"2026-01-02T16:00:00Z": "2026-01-05T08:00:00Z",
		"2026-03-28T12:00:00Z": "2026-03-30T07:00:00Z", // the clock changes on Sunday
	} {
		if got := h.Next(at(in)).UTC(); !got.Equal(at(want)) || h.Open(at(in)) != (in == want) {
			t.Errorf("%s: %v, want %s", in, got, want)
		}
	}
	if wrap, err := notify.ParseHours("Sat-Mon,Wed 00:00-24:00"); err != nil || !wrap.Open(at("2026-01-04T23:59:00Z")) || wrap.Open(at("2026-01-06T12:00:00Z")) {
		t.Errorf("%+v %v", wrap, err)
	}
	if !(notify.Hours{}).Open(at("2026-01-04T23:59:00Z")) {
		t.Error("no hours are all hours")
	}
}

func TestTemplates(t *testing.T) {
	for _, tt := range []struct{ text, kind, want string }{
		{`{"text": {{json .Title}}}`, "", ""},
		{`{{with .Alert}}{"left": {{json (percent .Remaining)}}, "labels": {{json (labels .Labels)}}}{{else}}{}{{end}}`, "", ""},
		{`plain {{.Title}} {{join "; " .Lines}}`, "text/plain", ""},
		{`{"text": "{{.Title}}"}`, "", "is no JSON"}, // a quote in the title
		{`{{.Titel}}`, "text/plain", "Titel"},
		{`{{.Alert.Severity}}`, "text/plain", "nil pointer"},
		{`{{if}}`, "", "missing value"},
		{`{{printf "%999999999d" 1}}`, "text/plain", "too wide"},
		{`{{define "a"}}{{template "a"}}{{end}}{{template "a"}}`, "text/plain", "exceeded maximum template depth"},
		{`{{range .Lines}}{{end}}{{define "a"}}xxxxxxxxxxxxxxxxxxxxxxxxxx{{template "a"}}{{end}}{{template "a"}}`, "text/plain", "more than 256 KB"},
	} {
		_, err := notify.ParseTemplate(tt.text, tt.kind)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := at("2026-01-02T03:04:05Z")
	for in, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "999999999999": time.Hour, "99999999999999999999": 0, "soon": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:00 GMT": 0,
	} {
		if got := notify.ParseRetryAfter(in, now); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}
