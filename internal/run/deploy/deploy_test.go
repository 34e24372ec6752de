package deploy_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	forgememory "gitlab.com/nines-sre/nines/internal/forge/memory"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run/deploy"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	"gitlab.com/nines-sre/nines/internal/run/spool"
)

const (
	home = "https://gitlab.example.com"
	sha  = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

func guarded() gate.Policy {
	return gate.Policy{Identity: gate.Identity{GitLab: home, Projects: []string{"shop/pay"}}}
}

func token(change func(*forge.Actor)) map[string]forgememory.Token {
	a := forge.Actor{
		Login: "dev", Proof: forge.ByToken, Issuer: home, Project: "shop/pay", Ref: "main", Commit: sha, Environment: "production", RefProtected: true,
	}
	change(&a)
	return map[string]forgememory.Token{"t": {Actor: a, Audience: "nines", Expires: runtest.Now().Add(time.Hour)}}
}

func TestRecord(t *testing.T) {
	for _, tc := range []struct {
		name   string
		policy gate.Policy
		opt    deploy.Options
		job    func(*forge.Actor)
		why    string // "": it counts
	}{
		{"without identity", gate.Policy{}, deploy.Options{Version: "1"}, nil, ""},
		{"proven", guarded(), deploy.Options{Version: sha, Environment: "production", Token: "t"}, func(*forge.Actor) {}, ""},
		{"a version of its own", guarded(), deploy.Options{Version: "1.4.2", Environment: "production", Token: "t"}, func(*forge.Actor) {}, ""},
		{"protected environment", guarded(), deploy.Options{Version: sha, Environment: "production", Token: "t"}, func(a *forge.Actor) { a.RefProtected, a.EnvironmentProtected = false, true }, ""},
		{"no token", guarded(), deploy.Options{Version: sha, Environment: "production"}, func(*forge.Actor) {}, "no identity token"},
		{"a token that is none", guarded(), deploy.Options{Version: sha, Environment: "production", Token: "x"}, func(*forge.Actor) {}, "nobody issued it"},
		{"another project", guarded(), deploy.Options{Version: sha, Environment: "production", Token: "t"}, func(a *forge.Actor) { a.Project = "eve/pay" }, "eve/pay"},
		{"nothing protected", guarded(), deploy.Options{Version: sha, Environment: "production", Token: "t"}, func(a *forge.Actor) { a.RefProtected = false }, "not protected"},
		{"another environment", guarded(), deploy.Options{Version: sha, Environment: "staging", Token: "t"}, func(*forge.Actor) {}, `the job deploys to "production"`},
		{"another commit", guarded(), deploy.Options{Version: strings.Repeat("b", 40), Environment: "production", Token: "t"}, func(*forge.Actor) {}, "the job is of the commit aaaaaaaa"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			env, l := runtest.Env(runtest.Policy(tc.policy))
			if tc.job != nil {
				env.Forge = &forgememory.Forge{Where: forge.Where{URL: home, Project: "shop/pay"}, Tokens: token(tc.job)}
			}
			tc.opt.Service = "payment-api"
			out, err := deploy.Record(t.Context(), env, tc.opt)
			if err != nil || out.Counts != (tc.why == "") || !strings.Contains(out.Why, tc.why) || out.ID == "" {
				t.Fatalf("%+v %v", out, err)
			}
			e := l.All()[0]
			var d rungate.Deployed
			if err := json.Unmarshal(e.Body, &d); err != nil || e.Kind != ledger.KindDeploy || d.Version != tc.opt.Version {
				t.Errorf("%+v %v", e, err)
			}
			if d.By != nil && tc.why != "" {
				t.Errorf("what does not count says who vouches: %+v", d.By)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	env, l := runtest.Env()
	if _, err := deploy.Record(t.Context(), env, deploy.Options{Service: "nobody", Version: "1"}); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
	if _, err := deploy.Record(t.Context(), env, deploy.Options{Service: "payment-api"}); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	if n := len(l.All()); n > 0 {
		t.Errorf("%d entries", n)
	}
}

// TestLedgerAway checks that what was deployed is recorded when the ledger is
// back, once.
func TestLedgerAway(t *testing.T) {
	env, l := runtest.Env()
	l.FailAppend = fault.New(fault.Unavailable, "ledger", "locked", "")
	opt := deploy.Options{Service: "payment-api", Version: "1"}
	if _, err := deploy.Record(t.Context(), env, opt); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("without a spool: %v", err)
	}
	dir := spool.Dir(t.TempDir())
	env.Spool = dir
	for range 2 {
		if out, err := deploy.Record(t.Context(), env, opt); err != nil || !out.Spooled {
			t.Errorf("%+v %v", out, err)
		}
	}
	l.FailAppend = nil
	if n, err := dir.Drain(t.Context(), l); err != nil || n != 1 || len(l.All()) != 1 {
		t.Errorf("%d %v", n, err)
	}
}
