package why_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	"gitlab.com/nines-sre/nines/internal/run/why"
)

// rewrite changes a recorded decision as somebody would who knows the format.
func rewrite(t testing.TB, e *ledger.Entry, change func(*rungate.Record)) {
	t.Helper()
	var rec rungate.Record
	if err := json.Unmarshal(e.Body, &rec); err != nil {
		t.Fatal(err)
	}
	change(&rec)
	body, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	e.Body = body
}

func reseal(t testing.TB, e *ledger.Entry) {
	t.Helper()
	e.Digest = ""
	sum, err := decision.Digest(e)
	if err != nil {
		t.Fatal(err)
	}
	e.Digest = sum
}

func TestTamperedDecisionsDoNotAgree(t *testing.T) {
	for _, tt := range []struct {
		name   string
		tamper func(t *testing.T, e *ledger.Entry)
		say    string
	}{
		{"verdict", func(t *testing.T, e *ledger.Entry) {
			rewrite(t, e, func(r *rungate.Record) { r.Decision.Verdict = decision.Pass })
		}, `the verdict was recorded as "pass", and is "fail"`},
		{"verdict, with a new digest of the entry", func(t *testing.T, e *ledger.Entry) {
			rewrite(t, e, func(r *rungate.Record) { r.Decision.Verdict = decision.Pass })
			reseal(t, e)
		}, `the verdict was recorded as "pass", and is "fail"`},
		{"inputs", func(t *testing.T, e *ledger.Entry) {
			rewrite(t, e, func(r *rungate.Record) { r.Request.States[0].Spent = 7 })
		}, "the inputs are not those it was decided on"},
		{"what decides nothing", func(t *testing.T, e *ledger.Entry) {
			rewrite(t, e, func(r *rungate.Record) { r.Request.Change.Actor = "mallory" })
		}, "the inputs are not those it was decided on"},
		{"everything that can be recomputed", func(t *testing.T, e *ledger.Entry) {
			rewrite(t, e, func(r *rungate.Record) {
				r.Request.States[0].Spent = 7
				r.Decision = gate.Decide(r.Request)
			})
		}, "its content does not fit its digest"},
		{"everything, and the digest of the entry", func(t *testing.T, e *ledger.Entry) {
			rewrite(t, e, func(r *rungate.Record) {
				r.Request.States[0].Spent = 7
				r.Decision = gate.Decide(r.Request)
			})
			reseal(t, e)
		}, "does not refer to entry 1 as that one is now"},
		{"a reason", func(t *testing.T, e *ledger.Entry) {
			rewrite(t, e, func(r *rungate.Record) { r.Decision.Reasons[0].Text = "no reason" })
		}, "reason 1 was recorded as"},
		{"a reason left out", func(t *testing.T, e *ledger.Entry) {
			rewrite(t, e, func(r *rungate.Record) { r.Decision.Reasons = r.Decision.Reasons[:1] })
		}, "reason 2 was recorded as null"},
		{"evidence", func(t *testing.T, e *ledger.Entry) {
			rewrite(t, e, func(r *rungate.Record) { r.Decision.Evidence[1].Value = new(0.) })
		}, "evidence 2 was recorded as"},
		{"the instant", func(t *testing.T, e *ledger.Entry) {
			rewrite(t, e, func(r *rungate.Record) { r.Decision.At = r.Decision.At.Add(time.Hour) })
		}, "the instant was recorded as"},
		{"the policy's name", func(t *testing.T, e *ledger.Entry) {
			rewrite(t, e, func(r *rungate.Record) { r.Decision.Policy = "kind" })
		}, `the policy was recorded as "kind"`},
		{"a field nobody knows", func(_ *testing.T, e *ledger.Entry) {
			e.Body = bytes.Replace(e.Body, []byte(`{"request":{`), []byte(`{"request":{"waived":true,`), 1)
		}, "cannot be read"},
		{"the subject", func(_ *testing.T, e *ledger.Entry) { e.Subject = "idle" }, "the entry is about idle"},
		{"the actor", func(_ *testing.T, e *ledger.Entry) { e.Actor = "mallory" }, "its content does not fit its digest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env, l := runtest.Env()
			out := decide(t, env, rungate.Options{Read: reads(outage(), quiet("latency"))})
			happened(t, env, 0, ledger.KindDeploy, "payment-api", "bob", `{}`) // the chain goes on
			if r, err := why.Recompute(t.Context(), env, out.Decision.ID); err != nil || !r.Agrees || r.Why != "" {
				t.Fatalf("untouched: %+v, %v", r, err)
			}
			l.Tamper(out.Decision.ID, func(e *ledger.Entry) { tt.tamper(t, e) })
			r, err := why.Recompute(t.Context(), env, out.Decision.ID)
			if err != nil || r.Agrees || !strings.Contains(r.Why, tt.say) {
				t.Errorf("agrees: %v, %v; it says %q, want %q", r.Agrees, err, r.Why, tt.say)
			}
		})
	}
}

func TestABrokenChainElsewhere(t *testing.T) {
	env, l := runtest.Env()
	happened(t, env, time.Hour, ledger.KindDeploy, "payment-api", "bob", `{"version":"1"}`)
	out := decide(t, env, rungate.Options{Read: reads(outage())})
	l.Tamper(l.ID(1), func(e *ledger.Entry) { e.Body = json.RawMessage(`{"version":"2"}`) })
	r, err := why.Recompute(t.Context(), env, out.Decision.ID)
	if err != nil || r.Agrees || !strings.Contains(r.Why, "entry 1") {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestEveryByteCounts: whatever byte of a recorded decision is changed, the
// replay does not agree.
func TestEveryByteCounts(t *testing.T) {
	env, l := runtest.Env()
	out := decide(t, env, rungate.Options{Read: reads(outage(), quiet("latency"))})
	whole := l.All()[0]
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(whole.Body)-1).Draw(rt, "at")
		b := rapid.Byte().Draw(rt, "byte")
		if whole.Body[i] == b {
			return
		}
		l.Tamper(out.Decision.ID, func(e *ledger.Entry) {
			e.Body = bytes.Clone(whole.Body)
			e.Body[i] = b
		})
		defer l.Tamper(out.Decision.ID, func(e *ledger.Entry) { *e = whole })
		if r, err := why.Recompute(t.Context(), env, out.Decision.ID); err != nil || r.Agrees {
			rt.Fatalf("byte %d as %q: %+v, %v", i, b, r, err)
		}
	})
}

// TestReplayKnowsOnlyTheRecord: what happens after a decision changes nothing
// about it.
func TestReplayKnowsOnlyTheRecord(t *testing.T) {
	env, l := runtest.Env(runtest.Policy(gate.Policy{Name: "then"}))
	out := decide(t, env, rungate.Options{Read: reads(outage())})
	happened(t, env, 0, ledger.KindExclusion, "payment-api", "bob", `{"subject":"payment-api","from":"2025-01-01T00:00:00Z","reason":"x"}`)
	env.Catalog.Policies[0].Policy = gate.Policy{Name: "now", Verdicts: map[string]decision.Verdict{"exhausted": decision.Pass}}
	env.Catalog.Objectives = nil
	env.Now = env.Now.AddDate(1, 0, 0)
	r, err := why.Recompute(t.Context(), env, out.Decision.ID)
	if err != nil || !r.Agrees || r.Again.Policy != "then" || r.Again.Verdict != decision.Fail {
		t.Errorf("%+v, %v", r, err)
	}
	if len(l.All()) != 2 {
		t.Error("a replay records something")
	}
}
