package canary_test

import (
	"context"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/rollout"
)

// TestAlarmsThatCannotBeRead has alarms that cannot be read for some time: a version
// is not promoted while nobody knows of them, one that was red before does not count
// because of that, and one that became red in the first minute does.
func TestAlarmsThatCannotBeRead(t *testing.T) {
	denied := fault.New(fault.Denied, "alarms", "not allowed", "")
	missing := fault.New(fault.NotFound, "alarm red-befor", "there is no such alarm", "")
	for _, c := range []struct {
		name       string
		err        error
		from, till time.Duration // while it cannot be read
		red        string        // an alarm that is red
		since      time.Duration // since when
		want       rollout.Outcome
		moves      bool
	}{
		{"read", nil, 0, 0, "old", -time.Hour, rollout.Promoted, true},
		{"red in the first minute", nil, 0, 0, "new", time.Second, rollout.Failed, true},
		{"away for some minutes", away(), 2 * time.Minute, 5 * time.Minute, "old", -time.Hour, rollout.Promoted, true},
		{"red while it was away", away(), time.Second, 5 * time.Minute, "new", 3 * time.Minute, rollout.Failed, true},
		{"away for good", denied, time.Second, 100 * time.Hour, "old", -time.Hour, rollout.Restored, true},
		{"away at first", away(), 0, 20 * time.Second, "old", -time.Hour, rollout.Promoted, true},
		{"never there", missing, 0, 100 * time.Hour, "old", -time.Hour, rollout.Abandoned, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			began := w.now
			opt := w.options("job-1", "8")
			opt.Alarms = func(context.Context) ([]string, error) {
				in := w.now.Sub(began)
				if c.err != nil && in >= c.from && in < c.till {
					return nil, c.err
				}
				if in >= c.since {
					return []string{c.red}, nil
				}
				return nil, nil
			}
			// A minute is not over when the rollout begins, and the target takes a while.
			w.after = func(_ int, call string) {
				if call == "apply" {
					w.now = w.now.Add(5 * time.Second)
				}
			}
			out, _, err := w.run(t.Context(), opt)
			if err != nil || out.State.Outcome != c.want {
				t.Errorf("%v: %s, want %s: %v", err, out.State.Outcome, c.want, out.Reasons)
			}
			want := act.Split{Stable: "7"}
			if c.want == rollout.Promoted {
				want.Stable = "8"
			}
			if is := w.target.Split(); !is.Same(want) || (w.writes > 0) != c.moves {
				t.Errorf("%d writes, and the target lies at %s", w.writes, is)
			}
		})
	}
}
