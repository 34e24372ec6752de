package handover_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/ledger"
	render "gitlab.com/nines-sre/nines/internal/render/handover"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/handover"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/memory"
)

// add records an entry so long before now.
func add(t *testing.T, l ledger.Ledger, before time.Duration, kind ledger.Kind, subject string, body any) ledger.Entry {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	e, err := l.Append(t.Context(), ledger.Draft{At: runtest.Now().Add(-before), Kind: kind, Subject: subject, Actor: "ada", Body: data})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

type m map[string]any

// week fills a ledger: two pages at night (one goes on), one by day before the
// week, a ticket, one kept back, a deployment, an override, silences.
func week(t *testing.T, l ledger.Ledger) {
	at := func(before time.Duration) slo.Minute { return slo.MinuteOf(runtest.Now().Add(-before)) }
	const key = "payment-api/availability/99.95%"
	alert := func(before time.Duration, kind, incident string, severity any, more m) {
		b := m{"kind": kind, "incident": incident, "objective": key, "severity": severity, "at": at(before), "reasons": []m{{"code": "burning", "text": "page-fast: the budget burns at 20x"}}}
		maps.Copy(b, more)
		add(t, l, before, "alert", key, b)
	}
	alert(200*time.Hour, "opened", "old", 0, nil)
	alert(199*time.Hour, "resolved", "old", 0, m{"ended": at(199 * time.Hour)})
	for _, phase := range []string{"start", "intent", "end"} {
		add(t, l, 59*time.Hour, ledger.KindRollout, "payment-api", m{"phase": phase, "state": m{"version": "1.4.1", "outcome": map[string]string{"end": "failed"}[phase]}})
	}
	add(t, l, 59*time.Hour, ledger.KindRollout, "payment-api", m{"phase": "end", "state": m{"version": "1.4.2", "outcome": "promoted"}})
	add(t, l, 56*time.Hour, ledger.KindIncident, "payment-api", m{"deploy": "1.4.2", "reason": "half of the payments failed"})
	add(t, l, 58*time.Hour, ledger.KindDeploy, "payment-api", m{"version": "1.4.2", "environment": "production"})
	alert(57*time.Hour, "opened", "night-1", 0, nil) // 03:00
	alert(56*time.Hour, "resolved", "night-1", 0, m{"ended": at(56 * time.Hour)})
	alert(20*time.Hour, "opened", "ticket-1", "ticket", nil) // 16:00
	alert(13*time.Hour, "opened", "night-2", "page", nil)    // 23:00
	alert(12*time.Hour, "held_back", "kept", 0, m{"held_by": "silence s-1"})
	add(t, l, 10*time.Hour, ledger.KindOverride, "payment-api", m{"reason": "INC-7 <script>alert(1)</script>", "at": "2025-01-31T02:00:00Z"})
	add(t, l, 9*time.Hour, ledger.KindNotice, "payment-api", m{"event": "alert", "to": "oncall", "error": "it answers 503"})
	s := add(t, l, 8*time.Hour, "silence", "payment-api", m{"reason": "load test", "author": "bob", "from": runtest.Now().Add(-8 * time.Hour), "to": runtest.Now().Add(8 * time.Hour)})
	add(t, l, 7*time.Hour, ledger.KindEnd, "payment-api", m{"of": s.ID})
	add(t, l, 6*time.Hour, "silence", "checkout-api", m{"reason": "migration", "to": runtest.Now().Add(time.Hour)})
	add(t, l, 5*time.Hour, "alert", key, "no object")
	add(t, l, 5*time.Hour, ledger.KindDecision, "payment-api", m{})
}

func report(t *testing.T, opt handover.Options) *render.Report {
	t.Helper()
	env, l := runtest.Env(func(e *run.Env) { e.Catalog.Objectives, e.History = nil, timeline.NewHistory(memory.New()) })
	week(t, l)
	opt.Length, opt.NightFrom, opt.NightTo = 7*24*time.Hour, 22*slo.Hour, 8*slo.Hour
	r, err := handover.Run(t.Context(), env, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRecords(t *testing.T) {
	r := report(t, handover.Options{NightPages: 1})
	if len(r.Incidents) != 4 || r.Incidents[0].ID != "kept" || r.Incidents[0].HeldBack == "" || !r.Incidents[1].Ended.IsZero() || r.Incidents[3].Ended.IsZero() {
		t.Errorf("incidents: %+v", r.Incidents)
	}
	if r.Night.Pages != 2 || !r.Night.Over() || r.Hours[3].Pages != 1 || r.Hours[23].Pages != 1 || r.Hours[16].Tickets != 1 || r.Hours[0].Pages != 0 {
		t.Errorf("night: %+v, hours %+v", r.Night, r.Hours)
	}
	var changes []string
	for _, c := range r.Changes {
		changes = append(changes, c.Text)
	}
	slices.Sort(changes)
	want := []string{"a rollout of payment-api 1.4.1 ended: failed", "payment-api 1.4.2 went to production", "users of payment-api were hurt, by 1.4.2: half of the payments failed"}
	if !slices.Equal(changes, want) || len(r.Overrides) != 1 || len(r.Untold) != 1 {
		t.Errorf("%+v %+v %+v", r.Changes, r.Overrides, r.Untold)
	}
	if len(r.Silences) != 2 || !r.Silences[0].Holds || r.Silences[1].Holds || r.Silences[1].Author != "bob" {
		t.Errorf("silences: %+v", r.Silences)
	}
}

// TestNight counts hours in the zone of the people.
func TestNight(t *testing.T) {
	env, l := runtest.Env(func(e *run.Env) {
		e.Catalog.Objectives, e.Zone, e.History = nil, time.FixedZone("far", 9*3600), timeline.NewHistory(memory.New())
	})
	week(t, l)
	r, err := handover.Run(t.Context(), env, handover.Options{Length: 7 * 24 * time.Hour, NightFrom: 22 * slo.Hour, NightTo: 8 * slo.Hour, NightPages: 2})
	if err != nil || r.Night.Pages != 0 && r.Night.Pages != 1 || r.Hours[12].Pages != 1 {
		t.Errorf("%v %+v %+v", err, r.Night, r.Hours)
	}
}

func TestShown(t *testing.T) {
	r := report(t, handover.Options{NightPages: 1})
	left, before, gone, soon := 0.41, 0.8, int64(0), int64(5*3600)
	r.Objectives = []render.Objective{
		{Key: "checkout-api/availability", Target: "0.999", Window: "30d", Level: "exhausted", Flags: []string{"fast_burn"}, Remaining: new(float64), Before: &left, Exhausts: &gone},
		{
			Key: "payment-api/availability", Target: "0.9995", Window: "30d", Level: "caution", Remaining: &left, Before: &before, Exhausts: &soon,
			Losses: []render.Loss{{From: runtest.Now().Add(-57 * time.Hour), To: runtest.Now().Add(-56 * time.Hour), Share: 0.3}}, Trend: []float64{1, 0.9, 0.8, 0.8, 0.5, 0.41},
		},
		{Key: "search/latency", Target: "0.99", Window: "7d", Level: "unknown"},
	}
	html, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	text, md := r.Text(), r.Markdown()
	for _, want := range []string{"2 pages came at night (22:00 to 08:00), the rotation bears 1: that is too many.", "Likely to run out first: checkout-api/availability, its budget is gone.", "in 5 h"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for name, s := range map[string]string{"Markdown": md, "HTML": string(html)} {
		if strings.Contains(s, "<script") || strings.Contains(s, "NaN") {
			t.Errorf("%s: foreign text is markup:\n%s", name, s)
		}
	}
	if dir := os.Getenv("NINES_KEEP"); dir != "" { // to be looked at
		for name, data := range map[string]string{"handover.html": string(html), "handover.txt": text, "handover.md": md} {
			if err := os.WriteFile(dir+"/"+name, []byte(data), 0o600); err != nil {
				t.Error(err)
			}
		}
	}
}
