package gitlab_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/forge/forgetest"
	"gitlab.com/nines-sre/nines/internal/forge/gitlab"
	"gitlab.com/nines-sre/nines/internal/gitlabd"
)

// world is the suite's, in a local GitLab.
func world() gitlabd.State {
	at := forgetest.Now().Add(-24 * time.Hour)
	deployment := func(id int64, commit, ref, status string, job, pipeline int64) gitlabd.Deployment {
		return gitlabd.Deployment{ID: id, Commit: commit, Ref: ref, Environment: "production", Status: status, Job: job, Pipeline: pipeline, At: at}
	}
	running := deployment(9, forgetest.Fixed, "main", "running", 302, 574)
	running.Approvals = []gitlabd.Approval{{By: "dev", Status: "rejected", At: at}, {By: "lead", Status: "approved", Comment: "go", At: at}}
	return gitlabd.State{
		Project: "shop/pay", ProjectID: 20, Tokens: map[string]string{"glpat-1": "api", "job-1": "job", "glpat-2": "read_api"},
		Branches: []gitlabd.Ref{{Name: "main", Commit: forgetest.Fixed, Protected: true}, {Name: "topic", Commit: forgetest.Branchy}, {Name: "main-2", Protected: true}},
		Members:  []gitlabd.Member{{ID: 1, Login: "lead", Level: 40}, {ID: 2, Login: "dev", Level: 30}, {ID: 3, Login: "guest"}},
		Deployments: []gitlabd.Deployment{
			deployment(1, forgetest.Old, "main", "success", 101, 10), deployment(2, forgetest.Branchy, "topic", "success", 102, 11),
			deployment(3, forgetest.Said, "main", "success", 0, 0), deployment(4, forgetest.Failed, "main", "failed", 103, 12), running,
		},
		MergeRequests: []gitlabd.MergeRequest{
			{
				IID: 7, State: "merged", Target: "main", Head: "77", MergeCommit: forgetest.Fixed, Author: "dev", Labels: []string{"nines::fix", "urgent"},
				Events: []gitlabd.LabelEvent{
					{By: "dev", Action: "add", Label: "nines::fix"},
					{By: "dev", Action: "remove", Label: "nines::fix"},
					{By: "guest", Action: "add", Label: "urgent"},
					{By: "lead", Action: "add", Label: "nines::fix"},
				},
				ApprovedBy: []string{"lead"},
				// Somebody else's note with our mark, and one of the system's.
				Notes: []gitlabd.Note{{ID: 1, By: "guest", Body: "<!-- nines/pay -->\nPASS"}, {ID: 2, By: "lead", Body: "added label", System: true}},
			},
			{
				IID: 8, State: "opened", Target: "main", Head: forgetest.Unmerged, Commits: []string{forgetest.Fixed}, Author: "dev",
				Labels: []string{"nines::fix"}, Events: []gitlabd.LabelEvent{{By: "lead", Action: "add", Label: "nines::fix"}},
			},
		},
	}
}

// serve starts a local GitLab over TLS.
func serve(t *testing.T, state gitlabd.State) (*gitlabd.Server, *httptest.Server) {
	t.Helper()
	d, err := gitlabd.New(state)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewTLSServer(d)
	t.Cleanup(s.Close)
	d.SetURL(s.URL)
	return d, s
}

func open(t *testing.T, s *httptest.Server, opt gitlab.Options) *gitlab.Forge {
	t.Helper()
	opt.HTTP = s.Client()
	opt.Wait = func(context.Context, time.Duration) error { return nil }
	f, err := gitlab.New(forge.Where{URL: s.URL, Project: "shop/pay"}, opt)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func token(t *testing.T, d *gitlabd.Server, change map[string]any) string {
	t.Helper()
	claims := map[string]any{"user_login": "dev", "user_id": "2", "user_access_level": "developer"}
	maps.Copy(claims, change)
	out, err := d.Token(forgetest.Now(), claims)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSuite(t *testing.T) {
	forgetest.Run(t, func(t *testing.T) forgetest.World {
		d, s := serve(t, world())
		return forgetest.World{
			Forge: open(t, s, gitlab.Options{Token: "glpat-1", JobToken: "job-1"}),
			Token: func(t *testing.T, project, audience string, expires time.Time) string {
				id := "20"
				if project != "shop/pay" {
					id = "21"
				}
				return token(t, d, map[string]any{"project_path": project, "project_id": id, "aud": audience, "exp": expires.Unix()})
			},
			Break: func() {
				d.Update(func(s *gitlabd.State) { s.Status, s.NoKeys = 503, true })
			},
			Notes: func(id int64) (out []string) {
				d.Update(func(s *gitlabd.State) {
					for _, m := range s.MergeRequests {
						for _, n := range m.Notes {
							if m.IID == id {
								out = append(out, n.Body)
							}
						}
					}
				})
				return out
			},
		}
	})
}

// TestJobToken checks what is left when there is no project token: who runs the
// job and what was deployed; nothing about who set a label, and no note.
func TestJobToken(t *testing.T) {
	d, s := serve(t, world())
	f := open(t, s, gitlab.Options{JobToken: "job-1"})
	if a, err := f.Actor(t.Context(), token(t, d, nil), "nines", forgetest.Now()); err != nil || a.Login != "dev" {
		t.Errorf("%+v %v", a, err)
	}
	if got, err := f.Deployments(t.Context(), "production", forgetest.Old, ""); err != nil || len(got) != 1 || !got[0].RefProtected {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := f.Approvals(t.Context(), forge.Actor{Environment: "production", Job: "302"}); err != nil || len(got) != 1 || got[0].Login != "lead" || got[0].Role != "" {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := f.Changes(t.Context(), forgetest.Fixed); fault.KindOf(err) != fault.Denied {
		t.Errorf("who set a label: %+v %v", got, err)
	}
	if _, err := f.Note(t.Context(), forge.Note{Change: 7, Marker: "nines/pay", Body: "x"}); fault.KindOf(err) != fault.Denied {
		t.Errorf("a note: %v", err)
	}
	for _, c := range d.Calls() {
		if !strings.HasPrefix(c, "GET ") {
			t.Errorf("it tried to write: %s", c)
		}
	}
}

// TestSaidByTheJobItself checks that a job cannot make itself a rollback: its
// token may say that something was deployed.
func TestSaidByTheJobItself(t *testing.T) {
	_, s := serve(t, world())
	const evil = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
	body := strings.NewReader("environment=production&sha=" + evil + "&ref=main&tag=false&status=success")
	req := httptest.NewRequestWithContext(t.Context(), "POST", s.URL+"/api/v4/projects/20/deployments", body)
	req.RequestURI = ""
	req.Header.Set("JOB-TOKEN", "job-1")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := s.Client().Do(req)
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("%v %v", res, err)
	}
	res.Body.Close()
	if got, err := open(t, s, gitlab.Options{JobToken: "job-1"}).Deployments(t.Context(), "production", evil, "574"); err != nil || len(got) != 0 {
		t.Errorf("%+v %v", got, err)
	}
}

// TestClaims checks that a word, a number or a truth is read alike, and that
// what is left out stays empty.
func TestClaims(t *testing.T) {
	d, s := serve(t, world())
	f := open(t, s, gitlab.Options{Token: "glpat-1"})
	a, err := f.Actor(t.Context(), token(t, d, map[string]any{
		"ref_protected": true, "environment_protected": false, "job_id": 12, "user_access_level": 50, "groups_direct": []string{"shop/leads"}, "environment": nil,
	}), "nines", forgetest.Now())
	if err != nil || !a.RefProtected || a.EnvironmentProtected || a.Job != "12" || a.Role != forge.Owner || !slices.Equal(a.Groups, []string{"shop/leads"}) || a.Environment != "" {
		t.Errorf("%+v %v", a, err)
	}
	a, err = f.Actor(t.Context(), token(t, d, map[string]any{"user_access_level": nil, "ref_protected": "false", "environment_protected": "1"}), "nines", forgetest.Now())
	if err != nil || a.Role != forge.Developer || a.RefProtected || a.EnvironmentProtected {
		t.Errorf("asked for the role: %+v %v", a, err)
	}
	for _, bad := range []map[string]any{{"user_login": nil}, {"user_login": ""}, {"job_id": map[string]any{}}, {"groups_direct": "all"}} {
		if a, err := f.Actor(t.Context(), token(t, d, bad), "nines", forgetest.Now()); fault.KindOf(err) != fault.Denied {
			t.Errorf("%v: %+v %v", bad, a, err)
		}
	}
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// repository makes a bare one with a policy on main and a looser one on topic.
func repository(t *testing.T) (bare, main, topic string) {
	t.Helper()
	work := t.TempDir()
	bare = filepath.Join(t.TempDir(), "pay.git")
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(work, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git(t, work, "init", "-q")
	write("slo/policy.yaml", "mode: enforce\n")
	write("slo/.hidden.yaml", "x\n")
	write("slo/readme.md", "x\n")
	write("other/deep/x.yml", "x\n")
	if err := os.Symlink("/etc/passwd", filepath.Join(work, "slo", "link.yaml")); err != nil {
		t.Fatal(err)
	}
	git(t, work, "add", "-A")
	git(t, work, "commit", "-qm", "one")
	main = git(t, work, "rev-parse", "HEAD")
	git(t, work, "checkout", "-qb", "topic")
	write("slo/policy.yaml", "mode: advise\n")
	git(t, work, "commit", "-qam", "two")
	topic = git(t, work, "rev-parse", "HEAD")
	git(t, work, "clone", "-q", "--bare", work, bare)
	git(t, bare, "config", "uploadpack.allowFilter", "true")
	git(t, bare, "config", "uploadpack.allowAnySHA1InWant", "true")
	return bare, main, topic
}

func TestDocuments(t *testing.T) {
	bare, main, topic := repository(t)
	state := world()
	state.Repository = bare
	state.Branches = []gitlabd.Ref{{Name: "main", Commit: main, Protected: true}, {Name: "topic", Commit: topic}}
	d, err := gitlabd.New(state)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(d) // git does not know the test's certificate
	t.Cleanup(s.Close)
	d.SetURL(s.URL)
	f := open(t, s, gitlab.Options{JobToken: "job-1"})
	got, err := f.At(t.Context(), "main", []string{"slo"})
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(got.Files))
	if got.Commit != main || !slices.Equal(names, []string{"slo/link.yaml", "slo/policy.yaml"}) || string(got.Files["slo/policy.yaml"]) != "mode: enforce\n" {
		t.Errorf("%s %q", got.Commit, names)
	}
	if text := string(got.Files["slo/link.yaml"]); text != "/etc/passwd" {
		t.Errorf("a link was followed: %q", text)
	}
	if got, err := f.At(t.Context(), "main", []string{"."}); err != nil || len(got.Files) != 3 {
		t.Errorf("%v %v", got.Files, err)
	}
	for _, tc := range []struct {
		name, branch string
		kind         fault.Kind
		spoil        func(*gitlabd.State)
	}{
		{"not protected", "topic", fault.Denied, nil},
		{"not there", "nowhere", fault.NotFound, nil},
		{"a part of a name", "mai", fault.NotFound, nil},
		{"away", "main", fault.Unavailable, func(s *gitlabd.State) { s.Status = 503 }},
		{"a commit that git does not have", "main", fault.Unavailable, func(s *gitlabd.State) { s.Branches[0].Commit = forgetest.Old }},
		{"no commit", "main", fault.Denied, func(s *gitlabd.State) { s.Branches[0].Commit = "--upload-pack=x" }},
		{"token withdrawn", "main", fault.Denied, func(s *gitlabd.State) { delete(s.Tokens, "job-1") }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.spoil != nil {
				d.Update(tc.spoil)
				t.Cleanup(func() {
					d.Update(func(s *gitlabd.State) { s.Status, s.Branches[0].Commit, s.Tokens["job-1"] = 0, main, "job" })
				})
			}
			if got, err := f.At(t.Context(), tc.branch, []string{"slo"}); fault.KindOf(err) != tc.kind || len(got.Files) > 0 {
				t.Errorf("%v %v", got, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.At(ctx, "main", []string{"slo"}); err == nil {
		t.Error("a call that was given up answers")
	}
}
