// Package forgetest is the suite that every forge passes: what it must say of a
// small world, and what it must never say.
package forgetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
)

// Now is the instant of the world.
func Now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// Commits of the world.
const (
	Old      = "1111111111111111111111111111111111111111" // deployed from main, by pipeline 10
	Branchy  = "2222222222222222222222222222222222222222" // deployed from a branch that is not protected
	Said     = "3333333333333333333333333333333333333333" // said to be deployed, by a call
	Failed   = "4444444444444444444444444444444444444444" // its deployment failed
	Fixed    = "5555555555555555555555555555555555555555" // brought by !7, whose label lead set
	Unmerged = "6666666666666666666666666666666666666666" // head of !8, which is open
)

// World is what a fixture shows. In it lead is a maintainer, dev a developer and
// guest no member; the project is shop/pay. !7 is merged as Fixed, by dev, has
// the labels nines::fix (set by dev, removed, set by lead) and urgent (set by
// guest) and is approved by lead. !8 is open at Unmerged, labelled nines::fix by
// lead. Job 302 deploys to production, approved by lead and rejected by dev.
type World struct {
	Forge forge.Forge
	// Token issues a token of a job that dev runs on main to production, in
	// project, for an audience, expiring then.
	Token func(t *testing.T, project, audience string, expires time.Time) string
	// Break makes everything unreachable.
	Break func()
	// Notes returns the notes of a merge request, oldest first.
	Notes func(id int64) []string
}

// Run runs the suite; open makes a fresh world.
func Run(t *testing.T, open func(t *testing.T) World) {
	t.Run("actor", func(t *testing.T) { actors(t, open(t)) })
	t.Run("deployments", func(t *testing.T) { deployments(t, open(t)) })
	t.Run("changes", func(t *testing.T) { changes(t, open(t)) })
	t.Run("approvals", func(t *testing.T) { approvals(t, open(t)) })
	t.Run("note", func(t *testing.T) { notes(t, open(t)) })
	t.Run("away", func(t *testing.T) { away(t, open(t)) })
}

func actors(t *testing.T, w World) {
	good := w.Token(t, "shop/pay", "nines", Now().Add(time.Hour))
	a, err := w.Forge.Actor(t.Context(), good, "nines", Now())
	if err != nil {
		t.Fatal(err)
	}
	if a.Login != "dev" || a.Proof != forge.ByToken || a.Project != "shop/pay" || a.Environment != "production" || a.Token == "" ||
		!a.RefProtected || a.Job != "302" || a.Role != forge.Developer {
		t.Errorf("%+v", a)
	}
	if strings.Contains(good, a.Token) {
		t.Error("the token itself is kept")
	}
	other := w.Token(t, "shop/pay", "nines", Now().Add(time.Hour))
	if b, err := w.Forge.Actor(t.Context(), other, "nines", Now()); err != nil || b.Token == a.Token {
		t.Errorf("two tokens have one digest: %v", err)
	}
	for name, token := range map[string]string{
		"none":             "",
		"no token":         "hello",
		"another project":  w.Token(t, "shop/other", "nines", Now().Add(time.Hour)),
		"another audience": w.Token(t, "shop/pay", "vault", Now().Add(time.Hour)),
		"expired":          w.Token(t, "shop/pay", "nines", Now().Add(-time.Hour)),
	} {
		if got, err := w.Forge.Actor(t.Context(), token, "nines", Now()); fault.KindOf(err) != fault.Denied || got.Proven() {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

func deployments(t *testing.T, w World) {
	for _, tc := range []struct {
		env, commit, pipeline string
		want                  int
		protected             bool
	}{
		{"production", Old, "574", 1, true},
		{"production", Old, "10", 0, false}, // the one that asks
		{"staging", Old, "574", 0, false},
		{"prod", Old, "574", 0, false}, // names are whole
		{"production", Branchy, "574", 1, false},
		{"production", Said, "574", 0, false},
		{"production", Failed, "574", 0, false},
		{"production", Fixed, "574", 0, false},
		{"production", Old[:8], "574", 0, false},
		{"production", "", "574", 0, false},
	} {
		got, err := w.Forge.Deployments(t.Context(), tc.env, tc.commit, tc.pipeline)
		if err != nil || len(got) != tc.want {
			t.Errorf("%s %.8s: %+v %v", tc.env, tc.commit, got, err)
			continue
		}
		for _, d := range got {
			if d.RefProtected != tc.protected || d.Version != tc.commit || d.Environment != tc.env || d.At.IsZero() || d.ID == 0 {
				t.Errorf("%s %.8s: %+v", tc.env, tc.commit, d)
			}
		}
	}
}

func changes(t *testing.T, w World) {
	got, err := w.Forge.Changes(t.Context(), Fixed)
	if err != nil || len(got) != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	got[0].URL = ""
	want := forge.Change{
		ID: 7, Author: "dev",
		Labels: []forge.Label{
			{Name: "nines::fix", By: forge.Person{Login: "lead", Role: forge.Maintainer}},
			{Name: "urgent", By: forge.Person{Login: "guest"}},
		},
		Approvals: []forge.Person{{Login: "lead", Role: forge.Maintainer}},
	}
	if d := cmp.Diff(want, got[0]); d != "" {
		t.Error(d)
	}
	for _, commit := range []string{Unmerged, Old, "unknown"} {
		if got, err := w.Forge.Changes(t.Context(), commit); err != nil || len(got) != 0 {
			t.Errorf("%s: %+v %v", commit, got, err)
		}
	}
}

func approvals(t *testing.T, w World) {
	job := forge.Actor{Environment: "production", Job: "302", Proof: forge.ByToken}
	got, err := w.Forge.Approvals(t.Context(), job)
	if err != nil || len(got) != 1 || got[0].Login != "lead" || got[0].Role != forge.Maintainer {
		t.Errorf("%+v %v", got, err)
	}
	job.Job = "303"
	if got, err := w.Forge.Approvals(t.Context(), job); err != nil || len(got) != 0 {
		t.Errorf("another job: %+v %v", got, err)
	}
}

func notes(t *testing.T, w World) {
	write := func(n forge.Note) {
		t.Helper()
		if _, err := w.Forge.Note(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	write(forge.Note{Commit: Fixed, Marker: "nines/pay", Body: "first"})
	write(forge.Note{Commit: Fixed, Marker: "nines/pay", Body: "second"})
	write(forge.Note{Change: 7, Marker: "nines/pay", Body: "third"})
	write(forge.Note{Change: 7, Marker: "nines/shop", Body: "another's"})
	got := w.Notes(7)
	var mine []string
	for _, n := range got {
		if strings.Contains(n, "third") || strings.Contains(n, "first") || strings.Contains(n, "second") {
			mine = append(mine, n)
		}
	}
	if len(mine) != 1 || !strings.Contains(mine[0], "third") || !strings.Contains(strings.Join(got, "\n"), "another's") {
		t.Errorf("%q", got)
	}
	parts(t, w, write)
	if _, err := w.Forge.Note(t.Context(), forge.Note{Commit: Old, Marker: "nines/pay", Body: "x"}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a commit without a merge request: %v", err)
	}
}

// parts checks that a note keeps what others wrote about the same commit, and
// nothing else.
func parts(t *testing.T, w World, write func(forge.Note)) {
	t.Helper()
	of := func(commit, part, body string) forge.Note {
		return forge.Note{Commit: commit, Change: 7, Marker: "nines/parts", Part: part, Body: body}
	}
	for _, n := range []forge.Note{of(Old, "gate", "stale"), of(Fixed, "gate", "gated"), of(Fixed, "canary", "baking"), of(Fixed, "canary", "passed")} {
		write(n)
	}
	text := strings.Join(slices.DeleteFunc(w.Notes(7), func(n string) bool { return !strings.Contains(n, "gated") }), "")
	if strings.Count(text, "gated") != 1 || strings.Count(text, "passed") != 1 || strings.Contains(text, "baking") || strings.Contains(text, "stale") {
		t.Errorf("the parts of a note: %q", text)
	}
}

// away checks that what cannot be reached is an error, and never an empty
// answer: nothing and not knowing are two things.
func away(t *testing.T, w World) {
	token := w.Token(t, "shop/pay", "nines", Now().Add(time.Hour))
	w.Break()
	_, actor := w.Forge.Actor(t.Context(), token, "nines", Now())
	_, deployed := w.Forge.Deployments(t.Context(), "production", Old, "")
	_, changed := w.Forge.Changes(t.Context(), Fixed)
	_, approved := w.Forge.Approvals(t.Context(), forge.Actor{Environment: "production", Job: "302"})
	_, noted := w.Forge.Note(t.Context(), forge.Note{Change: 7, Marker: "nines/pay", Body: "x"})
	for name, err := range map[string]error{"actor": actor, "deployments": deployed, "changes": changed, "approvals": approved, "note": noted} {
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}
