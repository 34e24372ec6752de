package gate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	forgememory "gitlab.com/nines-sre/nines/internal/forge/memory"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/deploy"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

const (
	home     = "https://gitlab.example.com"
	running  = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" // what the pipeline that asks is of
	earlier  = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" // was in production before
	repaired = "cccccccccccccccccccccccccccccccccccccccc" // brought by !7, labelled by lead
	posed    = "dddddddddddddddddddddddddddddddddddddddd" // brought by !8, labelled by dev
)

// guarded is a policy that believes nothing that is not proven.
func guarded(change ...func(*gate.Policy)) gate.Policy {
	p := gate.Policy{
		Name: "guarded", Identity: gate.Identity{GitLab: home, Projects: []string{"shop/pay"}},
		Override: gate.OverrideRule{Allowed: gate.Allowed{Role: forge.Maintainer, ProtectedRef: true}},
		Classes:  gate.ClassRule{Verify: true, Fix: gate.Leave{Label: "nines::fix"}, Security: gate.Leave{Label: "nines::security", Users: []string{"sec"}}},
	}
	for _, f := range change {
		f(&p)
	}
	return p
}

// scene is a halted payment-api in the hands of a platform.
type scene struct {
	env    *run.Env
	ledger *runtest.Ledger
	forge  *forgememory.Forge
}

// job is the token of a job on main to production of a commit.
func job(login string, role forge.Role, commit string, change ...func(*forge.Actor)) forgememory.Token {
	a := forge.Actor{
		Login: login, Proof: forge.ByToken, Role: role, Issuer: home, Project: "shop/pay", Ref: "main", Commit: commit, Pipeline: "574",
		Job: "302", Environment: "production", Tier: "production", RefProtected: true, EnvironmentProtected: true, Token: "digest of " + login + commit,
	}
	for _, f := range change {
		f(&a)
	}
	return forgememory.Token{Actor: a, Audience: "nines", Expires: runtest.Now().Add(time.Hour)}
}

func newScene(p gate.Policy) scene {
	env, l := runtest.Env(runtest.Policy(p))
	env.Actor = "root" // what a variable says
	lead := forge.Person{Login: "lead", Role: forge.Maintainer}
	dev := forge.Person{Login: "dev", Role: forge.Developer}
	f := &forgememory.Forge{
		Where: forge.Where{URL: home, Project: "shop/pay"},
		Tokens: map[string]forgememory.Token{
			"lead":  job("lead", forge.Maintainer, running),
			"dev":   job("dev", forge.Developer, running),
			"topic": job("lead", forge.Maintainer, running, func(a *forge.Actor) { a.Ref, a.RefProtected = "topic", false }),
			"other": job("lead", forge.Maintainer, running, func(a *forge.Actor) { a.Project = "eve/pay" }),
			"back":  job("dev", forge.Developer, earlier),
			"fix":   job("dev", forge.Developer, repaired),
			"posed": job("dev", forge.Developer, posed),
		},
		Records: []forgememory.Record{{Deployment: forge.Deployment{
			ID: 12, Version: earlier, Environment: "production", Ref: "main", Pipeline: "500", At: runtest.Now().Add(-time.Hour), RefProtected: true,
		}}},
		Merged: map[string][]forge.Change{
			repaired: {{ID: 7, Author: "dev", Labels: []forge.Label{{Name: "nines::fix", By: lead}}}},
			posed:    {{ID: 8, Author: "dev", Labels: []forge.Label{{Name: "nines::fix", By: dev}, {Name: "nines::security", By: dev}}, Approvals: []forge.Person{dev}}},
		},
	}
	old := job("lead", forge.Maintainer, running)
	old.Expires = runtest.Now()
	f.Tokens["expired"] = old
	vault := job("lead", forge.Maintainer, running)
	vault.Audience = "vault"
	f.Tokens["vault"] = vault
	env.Forge = f
	return scene{env, l, f}
}

// before is the scene's environment an hour ago.
func (s *scene) before() *run.Env {
	env := *s.env
	env.Now = env.Now.Add(-time.Hour)
	return &env
}

// asks is a question about the halted service, as variables put it.
func asks(class gate.Class, version, token string) rungate.Options {
	o := ask(state("payment-api", "availability", slo.Exhausted))
	o.Environment = "production"
	o.Change = gate.Change{Class: class, Version: version, Actor: "root"}
	o.Token = token
	return o
}

func overriding(o rungate.Options) rungate.Options {
	o.Override = &rungate.OverrideRequest{Reason: "because"}
	return o
}

// passed says whether a deployment would go on.
func passed(out rungate.Outcome, err error) bool {
	return err == nil && (out.ExitCode == 0 || out.ExitCode == 5)
}

// TestHostile is what somebody may try who can set variables, start jobs of
// their own, label their own merge requests and record what they like, but is
// none of those whom the policy names. None of it passes.
func TestHostile(t *testing.T) {
	for _, tc := range []struct {
		name string
		ask  rungate.Options
		prep func(t *testing.T, s *scene)
	}{
		{"a halted change", asks("", running, "dev"), nil},
		{"override, with a name set by a variable", overriding(asks("", running, "")), nil},
		{"override, with a token that is none", overriding(asks("", running, "made up")), nil},
		{"override, with the token of another project", overriding(asks("", running, "other")), nil},
		{"override, with an expired token", overriding(asks("", running, "expired")), nil},
		{"override, with a token that is for somebody else", overriding(asks("", running, "vault")), nil},
		{"override, by who may not", overriding(asks("", running, "dev")), nil},
		{"override, from a branch that is not protected", overriding(asks("", running, "topic")), nil},
		{"override, while nobody can be proven", overriding(asks("", running, "lead")), func(_ *testing.T, s *scene) {
			s.forge.Fail = fault.New(fault.Unavailable, "GitLab", "503", "")
		}},
		{"override, without a platform", overriding(asks("", running, "lead")), func(_ *testing.T, s *scene) { s.env.Forge = nil }},
		{"an override granted under a policy of one's own", asks("", running, "dev"), func(t *testing.T, s *scene) {
			loose := newScene(gate.Policy{})
			loose.env.Ledger = s.ledger
			if out, err := rungate.Run(t.Context(), loose.env, overriding(asks("", running, ""))); !passed(out, err) {
				t.Fatal(out, err)
			}
		}},
		{"an override proven by a GitLab of one's own", asks("", running, "dev"), func(t *testing.T, s *scene) {
			loose := newScene(guarded(func(p *gate.Policy) { p.Identity.GitLab = "https://evil.example" }))
			loose.forge.Tokens["lead"] = job("lead", forge.Maintainer, running, func(a *forge.Actor) { a.Issuer = "https://evil.example" })
			loose.env.Ledger = s.ledger
			if out, err := rungate.Run(t.Context(), loose.env, overriding(asks("", running, "lead"))); !passed(out, err) {
				t.Fatal(out, err)
			}
		}},
		{"a rollback that is none", asks(gate.ClassRollback, running, "dev"), nil},
		{"a rollback to what was there, by a job of something else", asks(gate.ClassRollback, earlier, "dev"), nil},
		{"a rollback without a token", asks(gate.ClassRollback, earlier, ""), nil},
		{"a rollback with the token of another project", asks(gate.ClassRollback, earlier, "other"), nil},
		{"a rollback with an expired token", asks(gate.ClassRollback, earlier, "expired"), nil},
		{"a rollback to another environment than the job's", func() rungate.Options {
			o := asks(gate.ClassRollback, earlier, "back")
			o.Environment, o.EnvironmentGiven = "staging", true
			return o
		}(), func(_ *testing.T, s *scene) {
			d := s.forge.Records[0]
			d.Environment = "staging"
			s.forge.Records = append(s.forge.Records, d)
		}},
		{"a rollback to what was only said to be deployed", asks(gate.ClassRollback, running, "dev"), func(_ *testing.T, s *scene) {
			s.forge.Records = append(s.forge.Records, forgememory.Record{Said: true, Deployment: forge.Deployment{Version: running, Environment: "production", RefProtected: true}})
		}},
		{"a rollback to what the same pipeline deployed", asks(gate.ClassRollback, running, "dev"), func(_ *testing.T, s *scene) {
			s.forge.Records = append(s.forge.Records, forgememory.Record{Deployment: forge.Deployment{Version: running, Environment: "production", Pipeline: "574", RefProtected: true}})
		}},
		{"a rollback to what a branch of one's own deployed", asks(gate.ClassRollback, running, "dev"), func(_ *testing.T, s *scene) {
			s.forge.Records = append(s.forge.Records, forgememory.Record{Deployment: forge.Deployment{Version: running, Environment: "production", Ref: "topic", Pipeline: "9"}})
		}},
		{"a rollback to what an unproven job recorded", asks(gate.ClassRollback, running, "dev"), record("", "production")},
		{"a rollback to what a job of a branch recorded", asks(gate.ClassRollback, running, "dev"), record("branch", "production")},
		{"a rollback to what was recorded elsewhere", asks(gate.ClassRollback, running, "dev"), record("before", "staging")},
		{"a rollback to what the same pipeline recorded", asks(gate.ClassRollback, running, "dev"), record("dev", "production")},
		{"a rollback recorded by hand, with a name", asks(gate.ClassRollback, running, "dev"), func(t *testing.T, s *scene) {
			body := `{"version":"` + running + `","environment":"production","by":{"login":"lead"}}`
			if _, err := s.ledger.Append(t.Context(), ledger.Draft{At: runtest.Now().Add(-time.Minute), Kind: ledger.KindDeploy, Subject: "payment-api", Body: json.RawMessage(body)}); err != nil {
				t.Fatal(err)
			}
		}},
		{"a rollback that is none, with a ledger that variables put out of reach", asks(gate.ClassRollback, running, "dev"), func(_ *testing.T, s *scene) {
			s.ledger.FailRead = locked
		}},
		{"a rollback that is none, with a GitLab out of reach", asks(gate.ClassRollback, running, "dev"), func(t *testing.T, s *scene) {
			recorded(t, s, earlier)
			s.forge.Fail = fault.New(fault.Unavailable, "GitLab", "proxy", "")
		}},
		{"a fix that nobody labelled", asks(gate.ClassFix, running, "dev"), nil},
		{"a fix labelled by a nobody", asks(gate.ClassFix, posed, "posed"), nil},
		{"a security update labelled by a nobody", asks(gate.ClassSecurity, posed, "posed"), nil},
		{"a fix by the variables' commit", asks(gate.ClassFix, repaired, "dev"), nil},
		{"a fix by another's label", asks(gate.ClassSecurity, repaired, "fix"), nil},
		{"a fix while the platform is away", asks(gate.ClassFix, repaired, "fix"), func(_ *testing.T, s *scene) {
			s.forge.Fail = fault.New(fault.Unavailable, "GitLab", "503", "")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene(guarded())
			if tc.prep != nil {
				tc.prep(t, &s)
			}
			out, err := rungate.Run(t.Context(), s.env, tc.ask)
			if passed(out, err) {
				t.Errorf("it passed: %d, %+v", out.ExitCode, out.Decision.Reasons)
			}
			if err == nil && out.Decision.Verdict != decision.Fail {
				t.Errorf("it is %s, and a plain change fails: %+v", out.Decision.Verdict, out.Decision.Reasons)
			}
			if err != nil && fault.HintOf(err) == "" {
				t.Logf("no hint: %v", err)
			}
		})
	}
}

// recorded has a version deployed and recorded rightly, an hour ago.
func recorded(t *testing.T, s *scene, version string) {
	t.Helper()
	s.forge.Tokens["then"] = job("dev", forge.Developer, version, func(a *forge.Actor) { a.Pipeline = "9" })
	out, err := deploy.Record(t.Context(), s.before(), deploy.Options{Service: "payment-api", Environment: "production", Version: version, Token: "then"})
	if err != nil || !out.Counts {
		t.Fatal(out, err)
	}
}

// record lets a job record that running reached an environment.
func record(token, environment string) func(*testing.T, *scene) {
	return func(t *testing.T, s *scene) {
		s.forge.Tokens["branch"] = job("dev", forge.Developer, running, func(a *forge.Actor) {
			a.Pipeline, a.RefProtected, a.EnvironmentProtected = "9", false, false
		})
		s.forge.Tokens["before"] = job("dev", forge.Developer, running, func(a *forge.Actor) { a.Pipeline, a.Environment = "9", "staging" })
		if _, err := deploy.Record(t.Context(), s.before(), deploy.Options{Service: "payment-api", Environment: environment, Version: running, Token: token}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHonest is what those may who are named, and what really was so.
func TestHonest(t *testing.T) {
	for _, tc := range []struct {
		name string
		ask  rungate.Options
		prep func(t *testing.T, s *scene)
		exit int
		say  string
	}{
		{"override by a maintainer", overriding(asks("", running, "lead")), nil, 5, "lead overrides fail"},
		{"rollback that GitLab knows", asks(gate.ClassRollback, earlier, "back"), nil, 0, "deployment 12"},
		{"rollback, the variables say another commit", asks(gate.ClassRollback, running, "back"), nil, 0, "deployment 12"},
		{"rollback by a version of one's own, recorded before", func() rungate.Options {
			o := asks(gate.ClassRollback, "1.4.2", "back")
			o.VersionGiven = true
			return o
		}(), func(t *testing.T, s *scene) {
			s.forge.Tokens["then"] = job("dev", forge.Developer, earlier, func(a *forge.Actor) { a.Pipeline = "9" })
			out, err := deploy.Record(t.Context(), s.before(), deploy.Options{Service: "payment-api", Environment: "production", Version: "1.4.2", Token: "then"})
			if err != nil || !out.Counts {
				t.Fatal(out, err)
			}
		}, 0, "by entry"},
		{"rollback while GitLab is away", asks(gate.ClassRollback, earlier, "back"), func(_ *testing.T, s *scene) {
			s.forge.Fail = fault.New(fault.Unavailable, "GitLab", "503", "")
		}, 0, "could not be verified"},
		{"rollback while everything is away", asks(gate.ClassRollback, earlier, "back"), func(_ *testing.T, s *scene) {
			s.forge.Fail = fault.New(fault.Unavailable, "GitLab", "503", "")
			s.ledger.FailAppend, s.ledger.FailRead = locked, locked
		}, 0, "could not be verified"},
		{"rollback that the ledger knows, while GitLab is away", asks(gate.ClassRollback, earlier, "back"), func(t *testing.T, s *scene) {
			recorded(t, s, earlier)
			s.forge.Fail = fault.New(fault.Unavailable, "GitLab", "503", "")
		}, 0, "could not be verified"},
		{"rollback while the ledger is away", asks(gate.ClassRollback, earlier, "back"), func(_ *testing.T, s *scene) {
			s.ledger.FailAppend, s.ledger.FailRead = locked, locked
		}, 0, "deployment 12"},
		{"a fix labelled by a maintainer", asks(gate.ClassFix, repaired, "fix"), nil, 5, "label nines::fix on !7"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene(guarded())
			if tc.prep != nil {
				tc.prep(t, &s)
			}
			out, err := rungate.Run(t.Context(), s.env, tc.ask)
			if err != nil || out.ExitCode != tc.exit {
				t.Fatalf("%v, exit code %d: %+v", err, out.ExitCode, out.Decision.Reasons)
			}
			if text := fmt.Sprint(out.Decision.Reasons); !strings.Contains(text, tc.say) {
				t.Errorf("it does not say %q: %s", tc.say, text)
			}
			if got := gate.Decide(out.Request); got.InputDigest != out.Decision.InputDigest || got.Verdict != out.Decision.Verdict {
				t.Error("the record decides otherwise")
			}
		})
	}
}

// TestTokenCountsOnce checks that a token opens one override, in one service,
// and that the override holds until it ends.
func TestTokenCountsOnce(t *testing.T) {
	s := newScene(guarded(func(p *gate.Policy) { p.Override.PerWeek = 10 }))
	if out, err := rungate.Run(t.Context(), s.env, overriding(asks("", running, "lead"))); !passed(out, err) || !out.Granted {
		t.Fatalf("%+v %v", out, err)
	}
	if out, err := rungate.Run(t.Context(), s.env, asks("", running, "dev")); !passed(out, err) || out.Granted {
		t.Errorf("the override does not hold: %+v %v", out, err)
	}
	other := overriding(asks("", running, "lead"))
	other.Service, other.Read = "checkout-api", reads(state("checkout-api", "availability", slo.Exhausted))
	if out, err := rungate.Run(t.Context(), s.env, other); fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "used for an override before") {
		t.Errorf("another service: %+v %v", out, err)
	}
	staging := overriding(asks("", running, "lead"))
	staging.Environment, staging.EnvironmentGiven = "staging", true
	if out, err := rungate.Run(t.Context(), s.env, staging); fault.KindOf(err) != fault.Denied {
		t.Errorf("another environment: %+v %v", out, err)
	}
	var spent int
	for _, e := range s.ledger.All() {
		if e.Kind == ledger.KindToken {
			spent++
			if strings.Contains(string(e.Body), `"lead"`) || e.Actor != "lead" {
				t.Errorf("%+v", e)
			}
		}
	}
	if spent != 1 {
		t.Errorf("%d tokens are recorded as spent", spent)
	}
}

// TestLimitsSpendNoToken checks that an override that is refused for its number
// leaves the token as it was.
func TestLimitsSpendNoToken(t *testing.T) {
	s := newScene(guarded(func(p *gate.Policy) { p.Override.PerWeek = 1 }))
	s.forge.Tokens["lead2"] = job("lead", forge.Maintainer, running, func(a *forge.Actor) { a.Token, a.Environment = "2", "staging" })
	if out, err := rungate.Run(t.Context(), s.env, overriding(asks("", running, "lead"))); !passed(out, err) {
		t.Fatal(out, err)
	}
	if _, err := rungate.Run(t.Context(), s.env, overriding(asks("", running, "lead2"))); fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "all used") {
		t.Errorf("%v", err)
	}
	if n := len(s.ledger.All()); n != 3 { // token, override, decision
		t.Errorf("%d entries", n)
	}
}

// TestApproval checks that an approval on the protected environment stands for
// its giver, and is nothing by oneself.
func TestApproval(t *testing.T) {
	s := newScene(guarded(func(p *gate.Policy) { p.Override.Allowed.Approval = true }))
	s.forge.Approved = map[string][]forge.Approval{"302": {{Person: forge.Person{Login: "lead", Role: forge.Maintainer}}}}
	out, err := rungate.Run(t.Context(), s.env, overriding(asks("", running, "dev")))
	if !passed(out, err) || out.Request.Override.Actor != "lead" || out.Request.Override.Proof != forge.ByApproval {
		t.Fatalf("%+v %v", out.Request.Override, err)
	}
	if !strings.Contains(out.Decision.Reasons[0].Text, "lead, by an approval, overrides") {
		t.Errorf("%v", out.Decision.Reasons)
	}
	s = newScene(guarded(func(p *gate.Policy) { p.Override.Allowed.Approval = true }))
	s.forge.Approved = map[string][]forge.Approval{"302": {{Person: forge.Person{Login: "dev", Role: forge.Maintainer}}}}
	if out, err := rungate.Run(t.Context(), s.env, overriding(asks("", running, "dev"))); passed(out, err) {
		t.Errorf("one's own approval: %+v", out)
	}
}

// TestOverrideWithoutLedger checks that an override that cannot be recorded is
// none, wherever that fails.
func TestOverrideWithoutLedger(t *testing.T) {
	s := newScene(guarded())
	s.ledger.FailAppend = locked
	if out, err := rungate.Run(t.Context(), s.env, overriding(asks("", running, "lead"))); passed(out, err) || !errors.Is(err, locked) {
		t.Errorf("%+v %v", out, err)
	}
}

// TestWithoutIdentity checks that a laptop's policy works as it always did.
func TestWithoutIdentity(t *testing.T) {
	s := newScene(gate.Policy{})
	s.env.Forge = nil
	if out, err := rungate.Run(t.Context(), s.env, asks(gate.ClassRollback, running, "")); err != nil || out.ExitCode != 0 || out.Request.Change.By != nil {
		t.Errorf("%+v %v", out, err)
	}
	if out, err := rungate.Run(t.Context(), s.env, asks(gate.ClassFix, running, "")); err != nil || out.ExitCode != 5 {
		t.Errorf("%+v %v", out, err)
	}
	if out, err := rungate.Run(t.Context(), s.env, overriding(asks("", running, ""))); err != nil || out.Request.Override.Actor != "root" || out.Request.Override.Proof != "" {
		t.Errorf("%+v %v", out, err)
	}
}
