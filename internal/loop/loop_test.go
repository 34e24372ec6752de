package loop_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/loop"
)

// diary notes runs as "2m:a,b": how long after the start, and what was due.
type diary struct {
	start time.Time
	lines []string
}

func (d *diary) note(t loop.Tick) {
	line := fmt.Sprintf("%v:%s", t.At.Sub(d.start), strings.Join(t.Due, ","))
	if t.Skipped > 0 {
		line += fmt.Sprintf(" skipped %d", t.Skipped)
	}
	d.lines = append(d.lines, line)
}

// play runs a loop in a bubble for a while. The bubble begins at a midnight.
func play(t *testing.T, length time.Duration, plan loop.Plan, opt loop.Options, work loop.Work) []string {
	t.Helper()
	var d diary
	synctest.Test(t, func(t *testing.T) {
		d.start = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), length)
		defer cancel()
		loop.Run(ctx, plan, func(ctx context.Context, tick loop.Tick) loop.Outcome {
			d.note(tick)
			return work(ctx, tick)
		}, opt)
	})
	return d.lines
}

func idle(context.Context, loop.Tick) loop.Outcome { return loop.Outcome{} }

func TestSubjectsShareAGrid(t *testing.T) {
	got := play(t, 11*time.Minute, loop.Plan{"slow": 5 * time.Minute, "fast": 2 * time.Minute}, loop.Options{}, idle)
	want := []string{"0s:fast,slow", "2m0s:fast", "4m0s:fast", "5m0s:slow", "6m0s:fast", "8m0s:fast", "10m0s:fast,slow"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestJitterMovesTheWholeGrid(t *testing.T) {
	asked := 0
	opt := loop.Options{Spread: 20 * time.Second, Jitter: func() float64 { asked++; return 0.5 }}
	got := play(t, 6*time.Minute, loop.Plan{"a": time.Minute, "b": 5 * time.Minute}, opt, idle)
	want := []string{"0s:a,b", "10s:a,b", "1m10s:a", "2m10s:a", "3m10s:a", "4m10s:a", "5m10s:a,b"}
	if d := cmp.Diff(want, got); d != "" || asked != 1 {
		t.Errorf("asked %d times; %s", asked, d)
	}
}

func TestALongRunSkipsAndNeverOverlaps(t *testing.T) {
	running := false
	got := play(t, 7*time.Minute+time.Second, loop.Plan{"a": time.Minute}, loop.Options{}, func(_ context.Context, tick loop.Tick) loop.Outcome {
		if running {
			t.Error("two runs at once")
		}
		running = true
		if len(tick.Due) != 1 {
			t.Errorf("due: %v", tick.Due)
		}
		if tick.At.Minute() == 2 {
			time.Sleep(3*time.Minute + 30*time.Second)
		}
		running = false
		return loop.Outcome{}
	})
	want := []string{"0s:a", "1m0s:a", "2m0s:a", "6m0s:a skipped 3", "7m0s:a"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestFailuresBackOffAloneAndEnd(t *testing.T) {
	opt := loop.Options{MaxBackoff: 5 * time.Minute}
	got := play(t, 20*time.Minute+time.Second, loop.Plan{"bad": time.Minute, "good": 10 * time.Minute}, opt, func(_ context.Context, tick loop.Tick) loop.Outcome {
		if slices.Contains(tick.Due, "bad") && tick.At.Minute() < 12 {
			return loop.Outcome{Failed: []string{"bad"}}
		}
		return loop.Outcome{}
	})
	want := []string{"0s:bad,good", "2m0s:bad", "6m0s:bad", "10m0s:good", "11m0s:bad", "16m0s:bad", "17m0s:bad", "18m0s:bad", "19m0s:bad", "20m0s:bad,good"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestPlansChange(t *testing.T) {
	got := play(t, 13*time.Minute, loop.Plan{"a": 5 * time.Minute, "b": 5 * time.Minute}, loop.Options{}, func(_ context.Context, tick loop.Tick) loop.Outcome {
		switch tick.At.Minute() {
		case 5:
			return loop.Outcome{Plan: loop.Plan{"a": time.Minute, "c": 5 * time.Minute}} // b goes, c comes
		case 8:
			return loop.Outcome{Plan: loop.Plan{"a": 5 * time.Minute, "c": 5 * time.Minute}}
		}
		return loop.Outcome{}
	})
	want := []string{"0s:a,b", "5m0s:a,b", "5m0s:c", "6m0s:a", "7m0s:a", "8m0s:a", "10m0s:a,c"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestNothingLeftEnds(t *testing.T) {
	got := play(t, time.Hour, loop.Plan{"a": time.Minute}, loop.Options{}, func(context.Context, loop.Tick) loop.Outcome {
		return loop.Outcome{Plan: loop.Plan{}}
	})
	if d := cmp.Diff([]string{"0s:a"}, got); d != "" {
		t.Error(d)
	}
}

// TestDrain cancels a loop in the middle of a run: the run comes to its end if
// it does so within the grace, and is cancelled if not.
func TestDrain(t *testing.T) {
	for _, c := range []struct {
		takes   time.Duration
		ends    time.Duration
		drained bool
	}{
		{takes: 5 * time.Second, ends: 5 * time.Second, drained: true},
		{takes: time.Hour, ends: 12 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			drained := false
			loop.Run(ctx, loop.Plan{"a": time.Minute}, func(ctx context.Context, _ loop.Tick) loop.Outcome {
				select {
				case <-ctx.Done():
				case <-time.After(c.takes):
					drained = true
				}
				return loop.Outcome{}
			}, loop.Options{Grace: 10 * time.Second})
			if took := time.Since(start); took != c.ends || drained != c.drained {
				t.Errorf("a run of %v ended after %v, drained %v", c.takes, took, drained)
			}
		})
	}
}

// TestANonsensePlanDoesNotSpin gives an interval of nothing.
func TestANonsensePlanDoesNotSpin(t *testing.T) {
	got := play(t, 3*time.Second+time.Millisecond, loop.Plan{"a": 0}, loop.Options{}, idle)
	if len(got) != 4 {
		t.Errorf("%d runs in three seconds: %v", len(got), got)
	}
}
