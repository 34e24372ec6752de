package alert_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/ledger"
	runalert "gitlab.com/nines-sre/nines/internal/run/alert"
	"gitlab.com/nines-sre/nines/internal/run/mark"
	"gitlab.com/nines-sre/nines/internal/slo"
)

func TestOneNotificationAnIncident(t *testing.T) { everywhere(t, oneNotificationAnIncident) }

func oneNotificationAnIncident(t *testing.T, open opener) {
	w := newWorldIn(t, open(t))
	for m := range slo.Minute(60) {
		bad := int64(0)
		if m >= 5 && m < 15 {
			bad = 500
		}
		w.record(t, t0+m, t0+m+1, bad)
		w.tick(t, t0+m+1, "a")
	}
	if got := w.told(); got != opens+"; "+ends {
		t.Errorf("the pager got %q", got)
	}
	if got := w.hooks["webhook:$QUEUE"].titles(); len(got) != 0 {
		t.Errorf("the queue got %q beside the page", got)
	}
	first := w.hooks["webhook:$PAGER"].got[0]
	text := first.Text()
	for _, want := range []string{
		"pay/avail/99.9% loses its budget at", "page-fast pages above 14.4x (at 1x the budget lasts exactly 1d)", "2 h before it",
		"of the budget is gone", "shows so much evidence", "since 2025-01-31 00:07 UTC",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	kinds := map[ledger.Kind]int{}
	for _, e := range w.log.All() {
		kinds[e.Kind]++
	}
	// Opened, the ticket held back, resolved; and two that were told.
	if kinds[ledger.KindAlert] != 3 || kinds[ledger.KindNotice] != 2 {
		t.Errorf("the ledger holds %v", kinds)
	}
}

// TestMessage holds what a target is given beside words.
func TestMessage(t *testing.T) {
	w := newWorld(t)
	w.chart = true
	w.env.Catalog.Objectives[0].Labels = map[string][]string{"team": {"pay", "core"}}
	for m := range slo.Minute(60) {
		bad := int64(0)
		if m >= 5 && m < 15 {
			bad = 500
		}
		w.record(t, t0+m, t0+m+1, bad)
		w.tick(t, t0+m+1, "a")
	}
	got := w.hooks["webhook:$PAGER"].got
	if len(got) != 2 {
		t.Fatalf("%d messages", len(got))
	}
	first, last := got[0], got[1]
	a := first.Alert
	if a.Long == nil || a.Long.Lookback != "1h" || a.Short.Lookback != "5m" || a.Bad != 1000 || a.Exhausts == nil || a.Labels["team"] != "pay,core" ||
		a.Incident != "pay/avail/99.9%/page@2025-01-31T00:07Z" || a.Looked != 2*time.Hour {
		t.Errorf("%+v", a)
	}
	// Ten minutes of 500 of a budget of 1440.
	if lost := last.Alert.Lost; lost == nil || *lost < 3.4 || *lost > 3.6 || last.Alert.EndsAt.IsZero() || last.Alert.Incident != a.Incident {
		t.Errorf("%+v", last.Alert)
	}
	if c := first.Chart; c == nil || len(c.PNG) != 0 || !strings.HasPrefix(string(c.SVG), "<svg") || !strings.Contains(string(c.SVG), "threshold 14.4x") {
		t.Errorf("chart %+v", c)
	}
	if strings.Contains(first.Text(), "%!") {
		t.Error(first.Text())
	}
	t.Log(first.Text() + "\n\n" + last.Text())
}

// TestCatchingUp holds that minutes nobody looked at are decided later, as they
// were.
func TestCatchingUp(t *testing.T) {
	w := newWorld(t)
	w.tick(t, t0, "a")
	w.record(t, t0, t0+10, 500)
	w.record(t, t0+10, t0+28, 0)
	rep := w.tick(t, t0+28, "a")
	if len(rep.Events) < 2 || rep.Events[0].At != t0+2 || rep.Events[0].Kind != alert.Opened {
		t.Fatalf("%+v", rep.Events)
	}
	if got := w.told(); got != opens+"; "+ends {
		t.Errorf("the pager got %q", got)
	}
}

// TestTargetDown holds that a target which is down for an hour gets everything
// once, in order, when it is back.
func TestTargetDown(t *testing.T) { everywhere(t, targetDown) }

func targetDown(t *testing.T, open opener) {
	w := newWorldIn(t, open(t))
	down := true
	tries := 0
	w.hooks["webhook:$PAGER"].does = func() deed {
		if tries++; down {
			return refused
		}
		return arrives
	}
	for m := range slo.Minute(90) {
		bad := int64(0)
		if m < 10 {
			bad = 500
		}
		down = m < 60
		w.record(t, t0+m, t0+m+1, bad)
		w.tick(t, t0+m+1, "a")
	}
	if got := w.told(); got != opens+"; "+ends {
		t.Errorf("the pager got %q", got)
	}
	if tries > 12 {
		t.Errorf("%d tries in an hour", tries)
	}
}

// TestDeadLetter holds that what cannot be told in a day is recorded as such.
func TestDeadLetter(t *testing.T) {
	w := newWorld(t)
	w.hooks["webhook:$PAGER"].does = func() deed { return refused }
	w.record(t, t0, t0+1, 1000)
	w.tick(t, t0+1, "a")
	dead := 0
	for m := slo.Minute(60); m <= 26*slo.Hour; m += 60 {
		w.record(t, t0+m-59, t0+m+1, 1000)
		rep := w.tick(t, t0+m+1, "a")
		dead += len(rep.Dead)
	}
	var found []string
	for _, e := range w.log.All() {
		if e.Kind == ledger.KindNotice && strings.Contains(string(e.Body), `"dead":true`) {
			found = append(found, e.Subject)
		}
	}
	if dead != 1 || len(found) != 1 {
		t.Errorf("%d given up, %d recorded", dead, len(found))
	}
	v, err := runalert.Look(t.Context(), &w.env)
	if err != nil || len(v.Waiting) != 0 || len(v.Incidents) != 2 {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestLimit holds that a target gets no more than its limit at once, and all of it
// in the end.
func TestLimit(t *testing.T) {
	w := newWorld(t)
	w.limit = 2
	o := w.env.Catalog.Objectives[0]
	w.env.Catalog.Objectives = nil
	for i := range 5 {
		o.Service = fmt.Sprintf("s%d", i)
		w.env.Catalog.Objectives = append(w.env.Catalog.Objectives, o)
	}
	w.record(t, t0, t0+1, 1000)
	w.tick(t, t0+1, "a")
	if n := len(w.hooks["webhook:$PAGER"].titles()); n != 2 {
		t.Errorf("%d at once", n)
	}
	for m := slo.Minute(2); m <= 40; m++ {
		w.record(t, t0+m-1, t0+m, 1000)
		w.tick(t, t0+m, "a")
	}
	if n := len(w.hooks["webhook:$PAGER"].titles()); n != 5 {
		t.Errorf("%d in the end", n)
	}
}

// TestHours holds that a ticket waits for the morning and a page does not.
func TestHours(t *testing.T) {
	w := newWorld(t)
	w.env.Catalog.Settings.Alerts.Hours = config.Hours{Cron: "0 9 * * 1-5", Duration: 8 * time.Hour, Zone: "Europe/Berlin"}
	// Two times the budget for three days: a ticket only.
	w.record(t, t0, t0+3*slo.Day, 2)
	var at []slo.Minute
	for m := t0 + 2*slo.Day; m < t0+3*slo.Day+12*slo.Hour; m += 10 {
		if m > t0+3*slo.Day {
			w.record(t, m-10, m, 2)
		}
		rep := w.tick(t, m, "a")
		for range rep.Told {
			at = append(at, m)
		}
	}
	// Monday, nine o'clock in Berlin.
	if want := t0 + 3*slo.Day + 8*slo.Hour; len(at) != 1 || at[0] != want {
		t.Errorf("told at %v, want %v", at, want)
	}
}

// TestSilence holds that a silence by command keeps an alert from being told, and
// that its end tells it.
func TestSilence(t *testing.T) {
	w := newWorld(t)
	if _, err := mark.AddSilence(t.Context(), &w.env, mark.Mark{Subject: "pay", Reason: "moving", To: w.env.Now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	w.record(t, t0, t0+1, 1000)
	w.tick(t, t0+1, "a")
	v, err := runalert.Look(t.Context(), &w.env)
	if err != nil || len(v.Rules) == 0 || v.Rules[0].Silence == "" || !strings.Contains(v.Rules[0].Why, "moving") || w.told() != "" {
		t.Fatalf("%+v, %v, told %q", v.Rules, err, w.told())
	}
	env := w.env
	env.Now = (t0 + 1).Time()
	if _, err := mark.End(t.Context(), &env, v.Rules[0].Silence); err != nil {
		t.Fatal(err)
	}
	w.record(t, t0+1, t0+2, 1000)
	w.tick(t, t0+2, "a")
	if w.told() != opens {
		t.Errorf("the pager got %q", w.told())
	}
	for name, m := range map[string]mark.Mark{
		"no end":     {Subject: "pay", Reason: "x"},
		"no reason":  {Subject: "pay", To: env.Now.Add(time.Hour)},
		"no service": {Subject: "pya", Reason: "x", To: env.Now.Add(time.Hour)},
		"no rule":    {Subject: "pay/avail/99.9%/page-fsat", Reason: "x", To: env.Now.Add(time.Hour)},
	} {
		if _, err := mark.AddSilence(t.Context(), &env, m); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := mark.AddSilence(t.Context(), &env, mark.Mark{Subject: "pay/avail/99.9%/page-fast", Reason: "x", To: env.Now.Add(time.Hour)}); err != nil {
		t.Error(err)
	}
}

// TestBlind holds that a source which answers nothing any more freezes an alert,
// tells that, and ends nothing.
func TestBlind(t *testing.T) {
	w := newWorld(t)
	w.record(t, t0, t0+3, 500)
	w.tick(t, t0+3, "a")
	for m := slo.Minute(4); m < 60; m++ {
		w.tick(t, t0+m, "a")
	}
	if w.told() != opens {
		t.Errorf("the pager got %q", w.told())
	}
	if v, err := runalert.Look(t.Context(), &w.env); err != nil {
		t.Error(err)
	} else if b, err := json.Marshal(v); err != nil || regexp.MustCompile(`"(since|at|due|opened|told|ended|fired)":\d`).Match(b) || !strings.Contains(string(b), `"opened":"2025-01-31T00:0`) {
		t.Errorf("instants that are not RFC 3339 in %s, %v", b, err)
	}
	if got := w.hooks["webhook:$QUEUE"].titles(); len(got) != 1 || got[0] != "ticket no_data" {
		t.Errorf("the queue got %q", got)
	}
	v, err := runalert.Look(t.Context(), &w.env)
	if err != nil || len(v.Rules) == 0 || !v.Rules[0].Frozen || v.Rules[0].Phase != "firing" {
		t.Errorf("%+v, %v", v.Rules, err)
	}
}

// TestNothingIsLost lets two programs run over an incident, kills them here and
// there, and lets the target fail: everything is told, once, or a second time
// with the word that it may have been told before.
func TestNothingIsLost(t *testing.T) { everywhere(t, nothingIsLost) }

func nothingIsLost(t *testing.T, open opener) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorldIn(t, open(t))
		deeds := rapid.SliceOfN(rapid.SampledFrom([]deed{arrives, arrives, refused, killedBefore, killedAfter}), 0, 6).Draw(rt, "deeds")
		w.hooks["webhook:$PAGER"].does = func() deed {
			if len(deeds) == 0 {
				return arrives
			}
			d := deeds[0]
			deeds = deeds[1:]
			return d
		}
		length := slo.Minute(rapid.IntRange(1, 8).Draw(rt, "length"))
		for m := range slo.Minute(75) {
			bad := int64(0)
			if m < length {
				bad = 1000
			}
			w.record(t, t0+m, t0+m+1, bad)
			if m%2 == 1 {
				continue // what was not looked at is made up for
			}
			for _, by := range []string{"a", "b"} {
				if rapid.IntRange(0, 3).Draw(rt, "runs") > 0 || m > 70 {
					w.tick(t, t0+m+1, by)
				}
			}
		}
		first, again := map[string]int{}, 0
		for _, m := range w.hooks["webhook:$PAGER"].got {
			if strings.Contains(m.Text(), "it is not known whether this arrived before") {
				again++
			} else {
				first[word(&m)]++
			}
		}
		sum := first[opens] + first[ends] + again
		if first[opens] > 1 || first[ends] > 1 || len(first) > 2 || sum < 2 || !strings.Contains(w.told(), opens) || !strings.Contains(w.told(), ends) {
			rt.Fatalf("the pager got %v, and %d marked: %s", first, again, w.told())
		}
	})
}

// TestTwoAtOnce lets programs run at the same instant.
func TestTwoAtOnce(t *testing.T) { everywhere(t, twoAtOnce) }

func twoAtOnce(t *testing.T, open opener) {
	w := newWorldIn(t, open(t))
	for m := range slo.Minute(40) {
		bad := int64(0)
		if m < 10 {
			bad = 1000
		}
		w.record(t, t0+m, t0+m+1, bad)
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() { w.tick(t, t0+m+1, fmt.Sprint(i)) })
		}
		wg.Wait()
	}
	if got := w.told(); got != opens+"; "+ends {
		t.Errorf("the pager got %q", got)
	}
}
