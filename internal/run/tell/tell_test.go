package tell_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	forgememory "gitlab.com/nines-sre/nines/internal/forge/memory"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/notify"
	notifymemory "gitlab.com/nines-sre/nines/internal/notify/memory"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	"gitlab.com/nines-sre/nines/internal/run/spool"
	"gitlab.com/nines-sre/nines/internal/run/tell"
)

// outcome is an answer of the gate with a verdict.
func outcome(v decision.Verdict, change ...func(*rungate.Outcome)) rungate.Outcome {
	out := rungate.Outcome{
		Request: gate.Request{Service: "payment-api", Environment: "production", Change: gate.Change{Version: "1.4.2", Actor: "root"}, At: runtest.Now()},
		Decision: decision.Decision{
			ID: "abc", Subject: "payment-api", Verdict: v, At: runtest.Now(), Reasons: []decision.Reason{{Code: "exhausted", Text: "the budget is exhausted"}},
		},
	}
	for _, f := range change {
		f(&out)
	}
	return out
}

// waits counts the pauses and takes no time.
func waits(n *int) func(context.Context, time.Duration) error {
	return func(context.Context, time.Duration) error { *n++; return nil }
}

func TestWhatIsTold(t *testing.T) {
	for _, tc := range []struct {
		name string
		out  rungate.Outcome
		want notify.Event // "": nothing
		say  string
	}{
		{"held", outcome(decision.Fail), notify.Halt, "payment-api 1.4.2 to production is held"},
		{"cannot be decided", outcome(decision.Inconclusive), notify.Halt, "is held"},
		{"goes", outcome(decision.Pass), "", ""},
		{"goes with care", outcome(decision.Warn), "", ""},
		{"only advice", outcome(decision.Fail, func(o *rungate.Outcome) { o.Request.Policy.Mode = gate.ModeAdvise }), "", ""},
		{"overridden now", outcome(decision.Warn, func(o *rungate.Outcome) {
			o.Granted, o.Request.Override = true, &gate.Override{ID: "1", Actor: "ada"}
		}), notify.Override, "ada overrides the gate of payment-api 1.4.2 to production"},
		{"overridden before", outcome(decision.Warn, func(o *rungate.Outcome) { o.Request.Override = &gate.Override{ID: "1", Actor: "ada"} }), "", ""},
		{"a rollback without proof", outcome(decision.Pass, func(o *rungate.Outcome) {
			o.Request.Policy.Classes.Verify, o.Request.Change.Class = true, gate.ClassRollback
			o.Request.Change.Evidence = &gate.ClassEvidence{Unread: []string{"503"}}
		}), notify.Unproven, "no record vouches for it"},
		{"a rollback with proof", outcome(decision.Pass, func(o *rungate.Outcome) {
			o.Request.Policy.Classes.Verify, o.Request.Change.Class = true, gate.ClassRollback
			o.Request.Change.Evidence = &gate.ClassEvidence{Recorded: []string{"x"}}
		}), "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			env, _ := runtest.Env()
			to := &notifymemory.Target{}
			if remarks := tell.Run(t.Context(), env, tell.Options{Outcome: tc.out, To: []tell.To{{Name: "team", Target: to}}}); len(remarks) > 0 {
				t.Error(remarks)
			}
			told, _ := to.Told()
			if len(told) == 0 && tc.want == "" {
				return
			}
			if len(told) != 1 || told[0].Event != tc.want || !strings.Contains(told[0].Title, tc.say) || told[0].Lines[0] != "the budget is exhausted" {
				t.Errorf("%+v", told)
			}
		})
	}
}

// TestOnce checks that a pipeline that is tried again tells nobody again, and
// that who could not be told is told then.
func TestOnce(t *testing.T) {
	env, l := runtest.Env()
	team, boss := &notifymemory.Target{}, &notifymemory.Target{Fail: fault.New(fault.Unavailable, "tell", "away", ""), Times: 3}
	var paused int
	opt := tell.Options{Outcome: outcome(decision.Fail), To: []tell.To{{Name: "team", Target: team}, {Name: "boss", Target: boss}}, Wait: waits(&paused)}
	remarks := tell.Run(t.Context(), env, opt)
	if len(remarks) != 1 || !strings.Contains(remarks[0], "boss could not be told: tell: away") || paused != 2 {
		t.Errorf("%q, %d pauses", remarks, paused)
	}
	env.Now = env.Now.Add(time.Minute)
	if remarks := tell.Run(t.Context(), env, opt); len(remarks) > 0 {
		t.Error(remarks)
	}
	for name, to := range map[string]*notifymemory.Target{"team": team, "boss": boss} {
		if told, _ := to.Told(); len(told) != 1 {
			t.Errorf("%s was told %d times", name, len(told))
		}
	}
	var texts []string
	for _, e := range l.All() {
		if e.Kind == ledger.KindNotice {
			texts = append(texts, string(e.Body))
		}
	}
	if len(texts) != 3 || !strings.Contains(texts[1], `"error":"tell: away"`) {
		t.Errorf("%q", texts)
	}
	opt.Outcome = outcome(decision.Fail, func(o *rungate.Outcome) { o.Request.Change.Version = "1.4.3" })
	tell.Run(t.Context(), env, opt)
	if told, _ := team.Told(); len(told) != 2 {
		t.Errorf("the next version: told %d times", len(told))
	}
}

// TestRefusedIsNotTriedAgain checks that only what may go by itself is tried
// again.
func TestRefusedIsNotTriedAgain(t *testing.T) {
	env, _ := runtest.Env()
	to := &notifymemory.Target{Fail: fault.New(fault.Denied, "tell", "no", ""), Times: -1}
	remarks := tell.Run(t.Context(), env, tell.Options{Outcome: outcome(decision.Fail), To: []tell.To{{Name: "team", Target: to}}})
	if _, tries := to.Told(); tries != 1 || len(remarks) != 1 {
		t.Errorf("%d tries, %q", tries, remarks)
	}
}

// TestLedgerAway checks that somebody is told although nothing can be recorded,
// and that the record follows.
func TestLedgerAway(t *testing.T) {
	env, l := runtest.Env()
	l.FailAppend, l.FailRead = fault.New(fault.Unavailable, "ledger", "locked", ""), fault.New(fault.Unavailable, "ledger", "locked", "")
	to := &notifymemory.Target{}
	opt := tell.Options{Outcome: outcome(decision.Fail), To: []tell.To{{Name: "team", Target: to}}}
	if remarks := tell.Run(t.Context(), env, opt); len(remarks) != 1 || !strings.Contains(remarks[0], "not recorded") {
		t.Errorf("%q", remarks)
	}
	dir := spool.Dir(t.TempDir())
	env.Spool = dir
	if remarks := tell.Run(t.Context(), env, opt); len(remarks) > 0 {
		t.Errorf("%q", remarks)
	}
	l.FailAppend, l.FailRead = nil, nil
	if n, err := dir.Drain(t.Context(), l); n != 1 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if told, _ := to.Told(); len(told) != 2 {
		t.Errorf("told %d times", len(told))
	}
	env.Ledger = nil
	if remarks := tell.Run(t.Context(), env, opt); len(remarks) > 0 {
		t.Errorf("%q", remarks)
	}
}

func TestNote(t *testing.T) {
	env, _ := runtest.Env()
	f := &forgememory.Forge{Requests: map[string]int64{"c0ffee": 7}}
	env.Forge = f
	ask := func(n forge.Note) []string {
		return tell.Run(t.Context(), env, tell.Options{Outcome: outcome(decision.Pass), Note: &n})
	}
	if got := ask(forge.Note{Commit: "c0ffee", Marker: "m", Body: "one"}); len(got) != 1 || !strings.Contains(got[0], "https://") {
		t.Errorf("%q", got)
	}
	if got := ask(forge.Note{Commit: "other", Marker: "m", Body: "one"}); len(got) != 0 {
		t.Errorf("no merge request: %q", got)
	}
	f.Fail = fault.New(fault.Denied, "note", "403", "give a token")
	if got := ask(forge.Note{Commit: "c0ffee", Marker: "m", Body: "two"}); len(got) != 1 || !strings.Contains(got[0], "give a token") {
		t.Errorf("%q", got)
	}
	body, err := json.Marshal(f.Notes(7))
	if err != nil || string(body) != `{"m":"one"}` {
		t.Errorf("%s %v", body, err)
	}
}
