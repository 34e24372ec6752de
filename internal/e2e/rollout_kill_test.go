package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run/lease"
)

// mishap is what goes wrong from the n-th request to Lambda on.
type mishap struct {
	name    string
	harmful bool // the rollout cannot come through it
	make    func(t *testing.T, a *rollAccount, n int)
}

func mishaps() []mishap {
	atRequest := func(do func(a *rollAccount) fate) func(*testing.T, *rollAccount, int) {
		return func(_ *testing.T, a *rollAccount, n int) {
			a.set(func(i int, _ bool) fate {
				if i != n {
					return served
				}
				return do(a)
			}, nil)
		}
	}
	refused := func(times int, what fate) func(*testing.T, *rollAccount, int) {
		return func(_ *testing.T, a *rollAccount, n int) {
			a.set(func(i int, _ bool) fate {
				if i >= n && i < n+times {
					return what
				}
				return served
			}, nil)
		}
	}
	away := func(d time.Duration) func(*testing.T, *rollAccount, int) {
		return func(t *testing.T, a *rollAccount, n int) {
			var until time.Time
			a.set(func(i int, _ bool) fate {
				if i == n {
					until = a.now(t).Add(d)
				}
				if i >= n && a.now(t).Before(until) {
					return lost
				}
				return served
			}, nil)
		}
	}
	return []mishap{
		{"kill -9 before it is done", true, atRequest(func(a *rollAccount) fate { a.kill(); return lost })},
		{"kill -9 behind it", true, func(_ *testing.T, a *rollAccount, n int) {
			a.set(nil, func(i int) {
				if i == n {
					a.kill()
				}
			})
		}},
		{"SIGTERM", true, atRequest(func(a *rollAccount) fate { a.terminate(); return served })},
		{"SIGTERM, then kill -9", true, func(_ *testing.T, a *rollAccount, n int) {
			a.set(func(i int, write bool) fate {
				switch {
				case i == n:
					a.terminate()
				case i > n && write:
					a.kill()
					return lost
				}
				return served
			}, nil)
		}},
		{"a lost answer", false, refused(1, unheard)},
		{"no network for 20 seconds", false, away(20 * time.Second)},
		{"no network for three minutes", true, away(3 * time.Minute)},
		{"no network for 45 minutes", true, away(45 * time.Minute)},
		{"throttled", false, refused(3, throttled)},
		{"throttled for long", true, refused(60, throttled)},
		{"an alarm becomes red", true, atRequest(func(a *rollAccount) fate { a.alarm("fresh"); return served })},
		{"no right to read alarms for three minutes", true, atRequest(func(a *rollAccount) fate {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.unread = a.now(a.t).Add(3 * time.Minute)
			return served
		})},
	}
}

// placesOf are the requests at which something goes wrong, of so many: all of them in
// the full test, and else a few, others for each trouble.
func placesOf(requests, row int) []int {
	from, step := 1, 1
	if os.Getenv("NINES_FULL") == "" {
		from, step = 1+row*7%20, requests
	}
	var out []int
	for n := from; n <= requests; n += step {
		out = append(out, n)
	}
	return out
}

// calm counts the requests to Lambda of a rollout that nobody disturbs.
func calm(t *testing.T, bad float64) int {
	t.Helper()
	a := openAccount(t, bad)
	got := a.nines(t, "canary", "payment-api")
	code, want := 0, act.Split{Stable: newVersion}
	if bad > 0 {
		code, want = 3, act.Split{Stable: oldVersion}
	}
	if got.code != code || !a.split().Same(want) || !strings.Contains(got.said, "red before and do not count: red-before") {
		t.Fatalf("exit %d, and the alias is at %s:\n%s", got.code, a.split(), got.said)
	}
	return got.requests
}

// TestRolloutsUnderTrouble lets the real program roll out a good and a bad version
// over the wire, and lets things go wrong at its requests to Lambda, an alarm being
// red from before. Then it is called again as somebody would: the alias is never
// lost, never half shifted without a record of how to put it back, and never at the
// bad version in the end.
func TestRolloutsUnderTrouble(t *testing.T) {
	t.Parallel()
	for _, bad := range []float64{0, 0.3} {
		requests := calm(t, bad)
		for row, m := range mishaps() {
			t.Run(fmt.Sprintf("%s, %.0f %% bad", m.name, 100*bad), func(t *testing.T) {
				t.Parallel()
				for i, n := range placesOf(requests, row) {
					orders := []string{"resume", "rollback"}
					if os.Getenv("NINES_FULL") == "" {
						orders = orders[(i+row)%2:][:1]
					}
					for _, order := range orders {
						t.Run(fmt.Sprintf("request %d, %s", n, order), func(t *testing.T) { disturbed(t, bad, n, m, order) })
					}
				}
			})
		}
	}
}

// disturbed is one rollout with a trouble, and what somebody does after it.
func disturbed(t *testing.T, bad float64, n int, m mishap, order string) {
	a := openAccount(t, bad)
	m.make(t, a, n)
	first := a.nines(t, "canary", "payment-api")
	a.set(nil, nil)
	a.alarm()
	a.sound(t, &first)
	ended := map[int]string{0: newVersion, 3: oldVersion, 4: oldVersion}
	if v, over := ended[first.code]; over && !a.split().Same(act.Split{Stable: v}) {
		t.Fatalf("exit %d, and the alias is at %s:\n%s", first.code, a.split(), first.said)
	}
	if !m.harmful && first.requests >= n && first.code != map[bool]int{false: 0, true: 3}[bad > 0] {
		t.Errorf("exit %d:\n%s", first.code, first.said)
	}
	if order == "rollback" {
		a.backByHand(t, &first)
		return
	}
	want, code := newVersion, 0
	if bad > 0 {
		want, code = oldVersion, 3
	}
	var last ran
	for range 3 { // what was put back is begun again by a job that is started again
		last = a.nines(t, "canary", "payment-api", "--resume")
		a.sound(t, &last)
		if last.code == 0 || last.code == 3 {
			break
		}
	}
	if last.code != code || !a.split().Same(act.Split{Stable: want}) {
		t.Fatalf("gone on with, exit %d and the alias is at %s:\n%s\nbefore that, exit %d:\n%s", last.code, a.split(), last.said, first.code, first.said)
	}
	if h := a.entries(t)[0]; h.Phase != lease.End || bad > 0 && h.State.Outcome == rollout.Promoted {
		t.Errorf("the ledger ends with %s, %s", h.Phase, h.State.Outcome)
	}
}

// backByHand rolls back whatever is there: the old version has everything.
func (a *rollAccount) backByHand(t *testing.T, first *ran) {
	t.Helper()
	begun := len(a.entries(t)) > 0
	back := a.nines(t, "rollback", "payment-api")
	a.sound(t, &back)
	if !a.split().Same(act.Split{Stable: oldVersion}) {
		t.Fatalf("rolled back, exit %d and the alias is at %s:\n%s\nbefore that, exit %d:\n%s", back.code, a.split(), back.said, first.code, first.said)
	}
	// Where no rollout is there, or it has put everything back itself, nobody knows of
	// anything to go back to, and that is said.
	if open := begun && first.code == -1; back.code != 0 && (open || back.code != 2) {
		t.Errorf("rolled back, exit %d:\n%s\nbefore that, exit %d:\n%s", back.code, back.said, first.code, first.said)
	}
	if begun {
		if h := a.entries(t)[0]; h.Phase != lease.End {
			t.Errorf("the rollout is at %s, and goes on:\n%s", h.Phase, back.said)
		}
	}
}

// sound is what holds whenever no process is there: one of the two versions
// serves, and an alias that is not as before is in the ledger, with how it was.
func (a *rollAccount) sound(t *testing.T, after *ran) {
	t.Helper()
	is := a.split()
	if is.Same(act.Split{Stable: oldVersion}) {
		return
	}
	if is.Stable != oldVersion && is.Stable != newVersion || !is.Whole() && is.Canary != newVersion {
		t.Fatalf("the alias is at %s:\n%s", is, after.said)
	}
	for _, b := range a.entries(t) {
		if err := b.State.Check(); err != nil {
			t.Fatal(err)
		}
		if b.Action != nil && b.Action.To.Same(is) && b.State.Base != nil && b.State.Base.Same(act.Split{Stable: oldVersion}) {
			return
		}
	}
	t.Fatalf("the alias is at %s, and nothing in the ledger says how to put it back:\n%s", is, after.said)
}

// alarm makes alarms red beside the one that always is, and lets them be read.
func (a *rollAccount) alarm(red ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.red, a.unread = append([]string{"red-before"}, red...), time.Time{}
}

// TestAForeignAliasChange lets somebody else change the alias at each request that a
// rollout makes: what they did stays.
func TestAForeignAliasChange(t *testing.T) {
	t.Parallel()
	for row, change := range []struct {
		name string
		in   awslambda.UpdateAliasInput
		to   act.Split
	}{
		{"another version", awslambda.UpdateAliasInput{FunctionVersion: awssdk.String(otherVersion), RoutingConfig: weights(nil)}, act.Split{Stable: otherVersion}},
		{
			"other weights",
			awslambda.UpdateAliasInput{FunctionVersion: awssdk.String(oldVersion), RoutingConfig: weights(map[string]float64{otherVersion: 0.4})},
			act.Split{Stable: oldVersion, Canary: otherVersion, Weight: 0.4},
		},
		// Only the revision changes: nobody's traffic does.
		{"another description", awslambda.UpdateAliasInput{Description: awssdk.String("of the shop")}, act.Split{}},
	} {
		for _, bad := range []float64{0, 0.3} {
			t.Run(fmt.Sprintf("%s, %.0f %% bad", change.name, 100*bad), func(t *testing.T) {
				t.Parallel()
				for _, n := range placesOf(calm(t, bad), 2*row) {
					t.Run(fmt.Sprint("request ", n), func(t *testing.T) { interfered(t, bad, n, change.in, change.to) })
				}
			})
		}
	}
}

func weights(w map[string]float64) *lambdatypes.AliasRoutingConfiguration {
	if w == nil {
		w = map[string]float64{}
	}
	return &lambdatypes.AliasRoutingConfiguration{AdditionalVersionWeights: w}
}

// interfered is one rollout with somebody else's change in it, just before a
// request is served. to is how the alias lies after it; zero: as before.
func interfered(t *testing.T, bad float64, n int, in awslambda.UpdateAliasInput, to act.Split) {
	a := openAccount(t, bad)
	in.FunctionName, in.Name = awssdk.String(shopFunction), awssdk.String(shopAlias)
	before := 0
	a.set(func(i int, _ bool) fate {
		if i == n {
			a.mu.Lock()
			before = a.writes
			a.mu.Unlock()
			if _, err := a.back.UpdateAlias(t.Context(), &in); err != nil {
				t.Error(err)
			}
			a.lay(t)
		}
		return served
	}, nil)
	got := a.nines(t, "canary", "payment-api")
	a.set(nil, nil)
	if to == (act.Split{}) {
		want, code := newVersion, 0
		if bad > 0 {
			want, code = oldVersion, 3
		}
		if got.code != code || !a.split().Same(act.Split{Stable: want}) {
			t.Errorf("exit %d, and the alias is at %s:\n%s", got.code, a.split(), got.said)
		}
		return
	}
	all := a.entries(t)
	began := false // with what was there before the change
	for _, b := range all {
		began = began || b.State.Base != nil && b.State.Base.Stable == oldVersion
	}
	switch {
	case !began && to.Whole():
		// It was the old version when the rollout began.
		want := act.Split{Stable: newVersion}
		if bad > 0 {
			want = to
		}
		if !a.split().Same(want) {
			t.Errorf("exit %d, and the alias is at %s:\n%s", got.code, a.split(), got.said)
		}
	case a.writes != before || !a.split().Same(to):
		t.Errorf("somebody else's change is overwritten: exit %d, and the alias is at %s, not at %s:\n%s", got.code, a.split(), to, got.said)
	case got.code != 1 && all[0].State.Outcome != rollout.Promoted && all[0].State.Outcome != rollout.Failed:
		t.Errorf("exit %d:\n%s", got.code, got.said)
	}
	// Nor is it by whoever goes on: there is nothing to go on with.
	if all[0].State.Outcome == rollout.Foreign && to.Whole() {
		if back := a.nines(t, "rollback", "payment-api"); back.code != 2 || !a.split().Same(to) {
			t.Errorf("rolled back, exit %d, and the alias is at %s:\n%s", back.code, a.split(), back.said)
		}
	}
}
