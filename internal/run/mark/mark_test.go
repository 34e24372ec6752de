package mark_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/mark"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
)

type adder func(context.Context, *run.Env, mark.Mark) (mark.Mark, error)

func TestFreezeFromBeginningToEnd(t *testing.T) {
	ctx := t.Context()
	env, l := runtest.Env()
	made, err := mark.AddFreeze(ctx, env, mark.Mark{Subject: "payment-api", Reason: " audit ", Exempt: []gate.Class{gate.ClassFix}})
	if err != nil {
		t.Fatal(err)
	}
	want := mark.Mark{
		ID: l.ID(1), Kind: "freeze", Subject: "payment-api", From: runtest.Now(),
		Author: "ada", Reason: "audit", Exempt: []gate.Class{gate.ClassFix},
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Fatal(diff)
	}
	listed, err := mark.Freezes(ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]mark.Mark{want}, listed); diff != "" {
		t.Error(diff)
	}
	if x, err := mark.Exclusions(ctx, env); err != nil || len(x) > 0 {
		t.Errorf("a freeze is listed as an exclusion: %v, %v", x, err)
	}

	env.Now = env.Now.Add(time.Hour)
	env.Actor = "bob"
	ended, err := mark.End(ctx, env, strings.ToUpper(made.ID[:9]))
	if err != nil {
		t.Fatal(err)
	}
	want.Ended = env.Now
	if diff := cmp.Diff(want, ended); diff != "" {
		t.Error(diff)
	}
	env.Now = env.Now.Add(time.Hour)
	again, err := mark.End(ctx, env, l.ID(1))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("ending it twice changed it: %s", diff)
	}
	listed, err = mark.Freezes(ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]mark.Mark{want}, listed); diff != "" {
		t.Error(diff)
	}
	var kinds []ledger.Kind
	for _, e := range l.All() {
		kinds = append(kinds, e.Kind)
	}
	if diff := cmp.Diff([]ledger.Kind{ledger.KindFreeze, ledger.KindEnd}, kinds); diff != "" {
		t.Error(diff)
	}
	if e := l.All()[1]; e.Actor != "bob" || e.Subject != "payment-api" {
		t.Errorf("the end does not say who and of what: %+v", e)
	}
}

func TestExclusionOfThePast(t *testing.T) {
	env, l := runtest.Env()
	m := mark.Mark{
		Subject: "payment-api/latency", Author: "carol", Reason: "load test",
		From: runtest.Now().Add(-48 * time.Hour), To: runtest.Now().Add(-47 * time.Hour),
	}
	made, err := mark.AddExclusion(t.Context(), env, m)
	if err != nil {
		t.Fatal(err)
	}
	m.ID, m.Kind = l.ID(1), "exclusion"
	if diff := cmp.Diff(m, made); diff != "" {
		t.Error(diff)
	}
	listed, err := mark.Exclusions(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]mark.Mark{m}, listed); diff != "" {
		t.Error(diff)
	}
	if _, err := mark.End(t.Context(), env, l.ID(1)); fault.KindOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), "ended by itself") {
		t.Errorf("ending what is over: %v", err)
	}
}

func TestRefused(t *testing.T) {
	now := runtest.Now()
	ok := mark.Mark{Subject: "payment-api", Reason: "x"}
	with := func(f func(*mark.Mark)) mark.Mark { m := ok; f(&m); return m }
	for _, tt := range []struct {
		name string
		add  adder
		m    mark.Mark
		kind fault.Kind
		say  string
	}{
		{"no subject", mark.AddFreeze, with(func(m *mark.Mark) { m.Subject = "" }), fault.Invalid, "of what"},
		{"no reason", mark.AddFreeze, with(func(m *mark.Mark) { m.Reason = " " }), fault.Invalid, "reason"},
		{"blank author", mark.AddFreeze, with(func(m *mark.Mark) { m.Author = " " }), fault.Invalid, "author"},
		{"an end at the beginning", mark.AddExclusion, with(func(m *mark.Mark) { m.From, m.To = now, now }), fault.Invalid, "not behind"},
		{"an end before the beginning", mark.AddExclusion, with(func(m *mark.Mark) { m.From, m.To = now, now.Add(-1) }), fault.Invalid, "not behind"},
		{"a freeze that is over", mark.AddFreeze, with(func(m *mark.Mark) { m.From, m.To = now.Add(-2), now }), fault.Invalid, "over already"},
		{"a freeze of an SLO", mark.AddFreeze, with(func(m *mark.Mark) { m.Subject = "payment-api/latency" }), fault.Invalid, "not of SLOs"},
		{"an unknown class", mark.AddFreeze, with(func(m *mark.Mark) { m.Exempt = []gate.Class{"hotfix"} }), fault.Invalid, "hotfix"},
		{"an exclusion with classes", mark.AddExclusion, with(func(m *mark.Mark) { m.Exempt = []gate.Class{gate.ClassFix} }), fault.Invalid, "classes"},
		{"an unknown service", mark.AddFreeze, with(func(m *mark.Mark) { m.Subject = "paiment-api" }), fault.NotFound, "paiment-api"},
		{"an unknown SLO", mark.AddExclusion, with(func(m *mark.Mark) { m.Subject = "payment-api/latncy" }), fault.NotFound, "latncy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env, l := runtest.Env()
			_, err := tt.add(t.Context(), env, tt.m)
			if err == nil || fault.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.say) {
				t.Errorf("%v, want an error of kind %v that says %q", err, tt.kind, tt.say)
			}
			if tt.kind == fault.NotFound && !strings.Contains(fault.HintOf(err), "did you mean") {
				t.Errorf("hint %q", fault.HintOf(err))
			}
			if len(l.All()) > 0 {
				t.Errorf("recorded %v", l.All())
			}
		})
	}
}

func TestSubjects(t *testing.T) {
	env, _ := runtest.Env()
	for _, subject := range []string{"*", "payment-api", "idle", "payment-api/latency"} {
		if _, err := mark.AddExclusion(t.Context(), env, mark.Mark{Subject: subject, Reason: "x"}); err != nil {
			t.Errorf("%s: %v", subject, err)
		}
	}
}

func TestEndRefused(t *testing.T) {
	env, l := runtest.Env()
	for range 2 {
		if _, err := l.Append(t.Context(), ledger.Draft{At: env.Now, Kind: ledger.KindDecision, Body: json.RawMessage(`{}`)}); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]fault.Kind{l.ID(1): fault.Invalid, "zz": fault.NotFound, l.ID(1)[:5]: fault.Invalid, "": fault.Invalid} {
		if _, err := mark.End(t.Context(), env, id); fault.KindOf(err) != want || err == nil {
			t.Errorf("End(%q): %v, want kind %v", id, err, want)
		}
	}
}

func TestEndOfAnOverride(t *testing.T) {
	env, l := runtest.Env()
	body, err := json.Marshal(gate.Override{Actor: "ada", Reason: "x", Expires: env.Now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), ledger.Draft{At: env.Now, Kind: ledger.KindOverride, Subject: "payment-api", Body: body}); err != nil {
		t.Fatal(err)
	}
	got, err := mark.End(t.Context(), env, l.ID(1))
	if err != nil {
		t.Fatal(err)
	}
	want := mark.Mark{ID: l.ID(1), Kind: "override", Subject: "payment-api", Author: "ada", Reason: "x", From: env.Now, To: env.Now.Add(time.Hour), Ended: env.Now}
	if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Error(diff)
	}
}

func TestHolds(t *testing.T) {
	at := runtest.Now()
	h := func(n int) time.Time { return at.Add(time.Duration(n) * time.Hour) }
	for _, tt := range []struct {
		name string
		m    mark.Mark
		want map[int]bool // hours from now -> in force
	}{
		{"closed", mark.Mark{From: h(0), To: h(2)}, map[int]bool{-1: false, 0: true, 1: true, 2: false}},
		{"open", mark.Mark{From: h(0)}, map[int]bool{-1: false, 0: true, 1000: true}},
		{"ended early", mark.Mark{From: h(0), To: h(5), Ended: h(2)}, map[int]bool{1: true, 2: false, 3: false}},
		{"ended after its end", mark.Mark{From: h(0), To: h(2), Ended: h(5)}, map[int]bool{1: true, 2: false}},
		{"ended before it began", mark.Mark{From: h(0), To: h(5), Ended: h(-1)}, map[int]bool{-1: false, 0: false, 1: false}},
	} {
		for n, want := range tt.want {
			if got := tt.m.Holds(h(n)); got != want {
				t.Errorf("%s: after %d h in force: %v", tt.name, n, got)
			}
		}
	}
}

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		mark, subject string
		want          bool
	}{
		{"*", "payment-api", true},
		{"*", "payment-api/latency", true},
		{"payment-api", "payment-api", true},
		{"payment-api", "payment-api/latency", true},
		{"payment-api", "payment-api-2", false},
		{"payment-api/latency", "payment-api/latency", true},
		{"payment-api/latency", "payment-api", false},
	} {
		m := mark.Mark{Subject: tt.mark}
		if got := m.Covers(tt.subject); got != tt.want {
			t.Errorf("%s covers %s: %v", tt.mark, tt.subject, got)
		}
	}
}

func TestStoreTrouble(t *testing.T) {
	env, l := runtest.Env()
	if _, err := mark.AddFreeze(t.Context(), env, mark.Mark{Subject: "*", Reason: "x"}); err != nil {
		t.Fatal(err)
	}
	l.FailRead = fault.New(fault.Unavailable, "store", "locked", "wait")
	for name, err := range map[string]error{
		"list": second(mark.Freezes(t.Context(), env)),
		"end":  second(mark.End(t.Context(), env, l.ID(1))),
	} {
		if fault.KindOf(err) != fault.Unavailable || fault.HintOf(err) != "wait" {
			t.Errorf("%s: %v", name, err)
		}
	}
	l.FailRead = nil
	l.Tamper(l.ID(1), func(e *ledger.Entry) { e.Body = json.RawMessage(`{"from":7}`) })
	if _, err := mark.Freezes(t.Context(), env); fault.KindOf(err) != fault.Corrupt {
		t.Errorf("a damaged entry: %v", err)
	}

	env.Ledger = nil
	if got, err := mark.Freezes(t.Context(), env); err != nil || got != nil {
		t.Errorf("without a ledger: %v, %v", got, err)
	}
	if _, err := mark.AddFreeze(t.Context(), env, mark.Mark{Subject: "*", Reason: "x"}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("without a ledger: %v", err)
	}
	if _, err := mark.End(t.Context(), env, l.ID(1)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("without a ledger: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
