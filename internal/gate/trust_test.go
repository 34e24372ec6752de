package gate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/gate"
)

const home = "https://gitlab.example.com"

// proven is a policy that wants names proven.
func proven(change ...func(*gate.Policy)) gate.Policy {
	p := gate.Policy{Name: "p", Identity: gate.Identity{GitLab: home, Projects: []string{"shop/pay", "20"}}}
	for _, f := range change {
		f(&p)
	}
	return p
}

// ada is a maintainer whose job deploys main to production.
func ada(change ...func(*forge.Actor)) *forge.Actor {
	a := &forge.Actor{
		Login: "ada", Proof: forge.ByToken, Role: forge.Maintainer, Groups: []string{"shop/leads"}, Issuer: home, Project: "shop/pay",
		Ref: "main", Environment: "production", Tier: "production", RefProtected: true, EnvironmentProtected: true, Job: "302",
	}
	for _, f := range change {
		f(a)
	}
	return a
}

func TestMayOverride(t *testing.T) {
	allowed := func(w gate.Allowed) gate.Policy { return proven(func(p *gate.Policy) { p.Override.Allowed = w }) }
	for _, tc := range []struct {
		name   string
		policy gate.Policy
		actor  *forge.Actor
		say    string // "": may
	}{
		{"no identity asked for, a name", gate.Policy{}, &forge.Actor{Login: "eve"}, ""},
		{"no identity asked for, no name", gate.Policy{}, &forge.Actor{}, "not known who"},
		{"no identity asked for, nobody", gate.Policy{}, nil, "not known who"},
		{"proven", proven(), ada(), ""},
		{"a name only", proven(), &forge.Actor{Login: "ada"}, "not proven"},
		{"nobody", proven(), nil, "not proven"},
		{"a name with every claim, unproven", proven(), ada(func(a *forge.Actor) { a.Proof = forge.Unproven }), "not proven"},
		{"another project", proven(), ada(func(a *forge.Actor) { a.Project = "eve/pay" }), "none of the policy's"},
		{"its number", proven(), ada(func(a *forge.Actor) { a.Project, a.ProjectID = "moved/pay", "20" }), ""},
		{"another GitLab", proven(), ada(func(a *forge.Actor) { a.Issuer = "https://gitlab.evil.example" }), "the policy believes"},
		{"on the list of actors", proven(func(p *gate.Policy) { p.Override.Actors = []string{"ada"} }), ada(), ""},
		{"not on it", proven(func(p *gate.Policy) { p.Override.Actors = []string{"bob"} }), ada(), "may not"},
		{"by name", allowed(gate.Allowed{Users: []string{"ada"}}), ada(func(a *forge.Actor) { a.Role = "" }), ""},
		{"by role", allowed(gate.Allowed{Role: forge.Maintainer}), ada(), ""},
		{"by a stronger role", allowed(gate.Allowed{Role: forge.Developer}), ada(), ""},
		{"by group", allowed(gate.Allowed{Groups: []string{"shop/leads"}}), ada(func(a *forge.Actor) { a.Role = "" }), ""},
		{"weaker role", allowed(gate.Allowed{Role: forge.Owner}), ada(), "ask a owner"},
		{"unknown role", allowed(gate.Allowed{Role: forge.Guest}), ada(func(a *forge.Actor) { a.Role = "god" }), "may not"},
		{"no role known", allowed(gate.Allowed{Role: forge.Guest}), ada(func(a *forge.Actor) { a.Role = "" }), "may not"},
		{"another group", allowed(gate.Allowed{Groups: []string{"shop"}}), ada(), "may not"},
		{"branch not protected", allowed(gate.Allowed{ProtectedRef: true}), ada(func(a *forge.Actor) { a.RefProtected = false }), "not protected"},
		{"environment not protected", allowed(gate.Allowed{ProtectedEnvironment: true}), ada(func(a *forge.Actor) { a.EnvironmentProtected = false }), "no protected environment"},
		{"another tier", allowed(gate.Allowed{Tiers: []string{"staging"}}), ada(), "tier"},
		{"all of it", allowed(gate.Allowed{Users: []string{"ada"}, ProtectedRef: true, ProtectedEnvironment: true, Tiers: []string{"production"}}), ada(), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.policy.MayOverride(tc.actor)
			if tc.say == "" && err != nil {
				t.Fatal(err)
			}
			if tc.say != "" && (fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error()+fault.HintOf(err), tc.say)) {
				t.Errorf("%v (%s)", err, fault.HintOf(err))
			}
		})
	}
}

func TestApprover(t *testing.T) {
	p := proven(func(p *gate.Policy) { p.Override.Allowed = gate.Allowed{Role: forge.Maintainer, Approval: true} })
	dev := ada(func(a *forge.Actor) { a.Login, a.Role = "dev", forge.Developer })
	by := func(login string, r forge.Role) forge.Approval {
		return forge.Approval{Person: forge.Person{Login: login, Role: r}}
	}
	for _, tc := range []struct {
		name      string
		policy    gate.Policy
		job       *forge.Actor
		approvals []forge.Approval
		want      string
	}{
		{"by a maintainer", p, dev, []forge.Approval{by("x", forge.Reporter), by("lead", forge.Maintainer)}, "lead"},
		{"none", p, dev, nil, ""},
		{"by a developer", p, dev, []forge.Approval{by("bob", forge.Developer)}, ""},
		{"by oneself", p, ada(), []forge.Approval{by("ada", forge.Maintainer)}, ""},
		{"by nobody", p, dev, []forge.Approval{by("", forge.Owner)}, ""},
		{"not asked for", proven(), dev, []forge.Approval{by("lead", forge.Maintainer)}, ""},
		{"of a job that is not proven", p, &forge.Actor{Login: "dev", Job: "302"}, []forge.Approval{by("lead", forge.Maintainer)}, ""},
		{"the job's groups are not the approver's", proven(func(p *gate.Policy) {
			p.Override.Allowed = gate.Allowed{Groups: []string{"shop/leads"}, Approval: true}
		}), dev, []forge.Approval{by("lead", forge.Maintainer)}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := tc.policy.Approver(tc.job, tc.approvals)
			if got.Login != tc.want || ok != (tc.want != "") || ok && got.Proof != forge.ByApproval {
				t.Errorf("%+v %v", got, ok)
			}
		})
	}
}

const commit = "0123456789012345678901234567890123456789"

func TestClassOf(t *testing.T) {
	verify := func(u gate.WhenUnknown) gate.Policy {
		return proven(func(p *gate.Policy) {
			p.Classes = gate.ClassRule{
				Verify: true, WhenUnknown: u, Fix: gate.Leave{Label: "fix", Role: forge.Maintainer},
				Security: gate.Leave{Label: "sec", Users: []string{"sec"}},
			}
		})
	}
	d := func(protected bool) []forge.Deployment {
		return []forge.Deployment{{ID: 12, Environment: "production", Ref: "topic", RefProtected: protected}}
	}
	mr := func(author, label, by string, r forge.Role, approvals ...forge.Person) []forge.Change {
		return []forge.Change{{ID: 7, Author: author, Labels: []forge.Label{{Name: label, By: forge.Person{Login: by, Role: r}}}, Approvals: approvals}}
	}
	lead := forge.Person{Login: "lead", Role: forge.Maintainer}
	for _, tc := range []struct {
		name     string
		policy   gate.Policy
		claim    gate.Class
		evidence *gate.ClassEvidence
		want     gate.Class
		say      string
	}{
		{"nothing is verified", gate.Policy{}, gate.ClassRollback, nil, gate.ClassRollback, ""},
		{"nothing is claimed", verify(""), "", nil, gate.ClassChange, ""},
		{"rollback, deployed before", verify(""), gate.ClassRollback, &gate.ClassEvidence{Deployed: d(true)}, gate.ClassRollback, "deployment 12"},
		{"rollback, recorded before", verify(""), gate.ClassRollback, &gate.ClassEvidence{Recorded: []string{"abc"}}, gate.ClassRollback, "entry abc"},
		{"rollback, no record", verify(""), gate.ClassRollback, &gate.ClassEvidence{}, gate.ClassChange, "not borne out"},
		{"rollback, nothing was looked at", verify(""), gate.ClassRollback, nil, gate.ClassChange, "not borne out"},
		{"rollback, deployed from a branch of anybody's", verify(""), gate.ClassRollback, &gate.ClassEvidence{Deployed: d(false)}, gate.ClassChange, "topic, which is not protected"},
		{"rollback, records away", verify(""), gate.ClassRollback, &gate.ClassEvidence{Unread: []string{"503"}}, gate.ClassRollback, "could not be verified: 503"},
		{"rollback, records away, strict", verify(gate.UnknownIsNone), gate.ClassRollback, &gate.ClassEvidence{Unread: []string{"503"}}, gate.ClassChange, "could not be verified"},
		{"rollback, one record away, the other does not have it", verify(""), gate.ClassRollback, &gate.ClassEvidence{Unread: []string{"503"}, Read: []string{"the ledger"}}, gate.ClassChange, "the ledger does not show"},
		{"rollback, one record away, the other has it", verify(gate.UnknownIsNone), gate.ClassRollback, &gate.ClassEvidence{Unread: []string{"503"}, Recorded: []string{"abc"}}, gate.ClassRollback, "abc"},
		{"rollback, doubted", verify(""), gate.ClassRollback, &gate.ClassEvidence{Deployed: d(true), Recorded: []string{"abc"}, Doubts: []string{"no token"}}, gate.ClassChange, "no token"},
		{"fix, labelled by a maintainer", verify(""), gate.ClassFix, &gate.ClassEvidence{Changes: mr("dev", "fix", "lead", forge.Maintainer)}, gate.ClassFix, "set by lead"},
		{"fix, labelled by its author, a maintainer", verify(""), gate.ClassFix, &gate.ClassEvidence{Changes: mr("lead", "fix", "lead", forge.Maintainer)}, gate.ClassFix, "set by lead"},
		{"fix, labelled by a nobody", verify(""), gate.ClassFix, &gate.ClassEvidence{Changes: mr("dev", "fix", "dev", forge.Developer)}, gate.ClassChange, "nobody who may (a maintainer)"},
		{"fix, labelled by a nobody, approved by a maintainer", verify(""), gate.ClassFix, &gate.ClassEvidence{Changes: mr("dev", "fix", "dev", forge.Developer, lead)}, gate.ClassFix, "approved by lead"},
		{"fix, labelled by a nobody, approved by its author", verify(""), gate.ClassFix, &gate.ClassEvidence{Changes: mr("lead", "fix", "dev", forge.Developer, lead)}, gate.ClassChange, "nobody who may"},
		{"fix, who labelled it is not known", verify(""), gate.ClassFix, &gate.ClassEvidence{Changes: mr("dev", "fix", "", "")}, gate.ClassChange, "nobody who may"},
		{"fix, another label", verify(""), gate.ClassFix, &gate.ClassEvidence{Changes: mr("dev", "fix2", "lead", forge.Maintainer, lead)}, gate.ClassChange, "no merge request"},
		{"fix, GitLab away", verify(""), gate.ClassFix, &gate.ClassEvidence{Unread: []string{"503"}}, gate.ClassChange, "503"},
		{"security, by name", verify(""), gate.ClassSecurity, &gate.ClassEvidence{Changes: mr("dev", "sec", "sec", forge.Guest)}, gate.ClassSecurity, "set by sec"},
		{"security, a maintainer is not named", verify(""), gate.ClassSecurity, &gate.ClassEvidence{Changes: mr("dev", "sec", "lead", forge.Maintainer, lead)}, gate.ClassChange, "nobody who may (sec)"},
		{"fix, the policy knows no label", proven(func(p *gate.Policy) { p.Classes.Verify = true }), gate.ClassFix, &gate.ClassEvidence{Changes: mr("dev", "", "lead", forge.Maintainer)}, gate.ClassChange, "names no label"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := gate.Change{Class: tc.claim, Version: commit, Evidence: tc.evidence}
			got, note := tc.policy.ClassOf(&c)
			if got != tc.want || !strings.Contains(note, tc.say) || (tc.say == "") != (note == "") {
				t.Errorf("%s: %s", got, note)
			}
		})
	}
}

// TestUnprovenClaimsGainNothing checks that, where classes are verified, a claim
// without evidence never does better than no claim, whatever the budget, and
// that what was decided on survives being recorded.
func TestUnprovenClaimsGainNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := drawRequest(rt)
		r.Policy.Identity = gate.Identity{GitLab: home, Projects: []string{"shop/pay"}}
		r.Policy.Classes = gate.ClassRule{Verify: true, Fix: gate.Leave{Label: "fix"}}
		r.Change.Class = rapid.SampledFrom([]gate.Class{gate.ClassFix, gate.ClassSecurity, gate.ClassRollback}).Draw(rt, "claim")
		r.Change.Evidence = rapid.SampledFrom([]*gate.ClassEvidence{
			nil,
			{},
			{Doubts: []string{"x"}},
			{Doubts: []string{"x"}, Unread: []string{"y"}, Recorded: []string{"z"}},
			{Deployed: []forge.Deployment{{ID: 1}}},
			{Read: []string{"x"}, Unread: []string{"y"}},
			{Changes: []forge.Change{{ID: 7, Labels: []forge.Label{{Name: "fix"}}}}},
		}).Draw(rt, "evidence")
		plain := r
		plain.Change.Class = gate.ClassChange
		got, want := gate.Decide(r), gate.Decide(plain)
		if got.Verdict != want.Verdict {
			rt.Fatalf("%s is %s, a change is %s", r.Change.Class, got.Verdict, want.Verdict)
		}
		body, err := json.Marshal(r)
		if err != nil {
			rt.Fatal(err)
		}
		var back gate.Request
		if err := json.Unmarshal(body, &back); err != nil {
			rt.Fatal(err)
		}
		if again := gate.Decide(back); again.InputDigest != got.InputDigest || again.Verdict != got.Verdict {
			rt.Fatal("the recorded request decides otherwise")
		}
	})
}

func TestTrustIsValidated(t *testing.T) {
	for name, p := range map[string]gate.Policy{
		"allowed without identity": {Override: gate.OverrideRule{Allowed: gate.Allowed{Users: []string{"ada"}}}},
		"condition, no identity":   {Override: gate.OverrideRule{Allowed: gate.Allowed{ProtectedRef: true}}},
		"identity without project": {Identity: gate.Identity{GitLab: home}},
		"unknown role":             proven(func(p *gate.Policy) { p.Override.Allowed.Role = "god" }),
		"unknown role of a fix":    proven(func(p *gate.Policy) { p.Classes.Fix = gate.Leave{Label: "x", Role: "god"} }),
		"unknown answer":           proven(func(p *gate.Policy) { p.Classes.WhenUnknown = "maybe" }),
	} {
		if err := p.Validate(); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := proven()
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
}

// TestOldRecordsDecideAlike pins that a request recorded before there were
// proofs has the digest that it had.
func TestOldRecordsDecideAlike(t *testing.T) {
	const old = `{"service":"pay","change":{"class":"change","version":"1","actor":"ada"},"policy":{"name":""},"states":null,"at":"2025-01-31T12:00:00Z"}`
	var r gate.Request
	if err := json.Unmarshal([]byte(old), &r); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(r)
	if err != nil || string(again) != old {
		t.Errorf("%s %v", again, err)
	}
	if d := gate.Decide(r); d.Verdict == decision.Pass {
		t.Error(d)
	}
}
