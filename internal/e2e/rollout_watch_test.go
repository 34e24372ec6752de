package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
)

// TestAWatchRollsTheAliasBack promotes a version that is good while it is a canary
// and fails a while later: the watch finds it, and puts the alias back through
// Lambda, once, also where a request to it is lost. What it did can be told, and
// comes out the same again.
func TestAWatchRollsTheAliasBack(t *testing.T) {
	t.Parallel()
	a := openAccount(t, 0.3)
	// A file of minutes knows the future: what the rollback brings is in it.
	a.since = a.now(t).Truncate(time.Minute).Add(20 * time.Minute)
	a.until = a.since.Add(7 * time.Minute)
	a.lay(t)
	if got := a.nines(t, "canary", "payment-api"); got.code != 0 || !a.split().Same(act.Split{Stable: newVersion}) {
		t.Fatalf("exit %d, and the alias is at %s:\n%s", got.code, a.split(), got.said)
	}
	setClock(t, a.clock(), a.since.Add(6*time.Minute))
	a.set(func(n int, _ bool) fate {
		if n == 2 {
			return lost
		}
		return served
	}, nil)
	writes := a.writes
	got := a.nines(t, "watch", "payment-api", "--duration", "30", "--rollback", "auto")
	t.Logf("exit %d\n%s", got.code, got.said)
	a.set(nil, nil)
	if got.code != 3 || !a.split().Same(act.Split{Stable: oldVersion}) || a.writes != writes+1 {
		t.Fatalf("exit %d, %d writes, and the alias is at %s", got.code, a.writes-writes, a.split())
	}
	if want := "rolled back to 1"; !strings.Contains(got.said, want) || !strings.Contains(got.said, "that has helped") {
		t.Errorf("it does not say %q", want)
	}
	// Told, judged again, and not done again.
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"why"}, 0, "rolled back to 1"},
		{[]string{"replay"}, 0, "AGREES"},
		{[]string{"watch", "payment-api", "--duration", "30", "--rollback", "auto"}, 3, "rolled back to 1"},
		{[]string{"ledger", "--verify"}, 0, "is intact"},
	} {
		if got := a.nines(t, c.args...); got.code != c.code || !strings.Contains(got.said, c.says) {
			t.Errorf("nines %v: exit %d:\n%s", c.args, got.code, got.said)
		}
	}
	if a.writes != writes+1 {
		t.Errorf("%d writes, want one", a.writes-writes)
	}
	var list []struct {
		Body struct {
			Stage, Target string
		} `json:"body"`
	}
	text := a.nines(t, "ledger", "--kind", "rollout", "--limit", "0", "-o", "json").said
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) == 0 || list[0].Body.Stage != "watch" {
		t.Errorf("the newest entry of the ledger: %v, %+v", err, list)
	}
}
