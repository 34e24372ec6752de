package gitkit_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gitkit"
)

// repo is a repository to ask about.
type repo struct {
	t   *testing.T
	dir string
}

func newRepo(t *testing.T) *repo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git here")
	}
	r := &repo{t, t.TempDir()}
	r.git("init", "--quiet", "-b", "main")
	return r
}

func (r *repo) git(args ...string) {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func (r *repo) commit(files ...string) {
	r.t.Helper()
	for _, name := range files {
		full := filepath.Join(r.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(name+strings.Repeat("\nx", 50)), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	r.git("add", "-A")
	r.git("commit", "--quiet", "--allow-empty", "-m", "x")
}

func TestChanged(t *testing.T) {
	r := newRepo(t)
	r.commit("a/x", "b/y", "c/ü \"z\"")
	r.git("branch", "start")
	r.commit("main-only")
	r.git("checkout", "--quiet", "-b", "work", "start")
	r.git("mv", "a/x", "a/renamed")
	r.git("rm", "--quiet", "b/y")
	r.commit("c/new", "c/ü n\n\"z\"")
	if err := os.WriteFile(filepath.Join(r.dir, "not-committed"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// From anywhere in it, with variables of a hook that name another repository.
	t.Setenv("GIT_DIR", "/nowhere")
	t.Setenv("GIT_TRACE", "1")
	for _, dir := range []string{r.dir, filepath.Join(r.dir, "c")} {
		got, err := gitkit.Changed(t.Context(), dir, "main")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a/renamed", "a/x", "b/y", "c/new", "c/ü n\n\"z\""}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", dir, diff)
		}
	}
	// What HEAD is part of has always all of it.
	for _, ref := range []string{"HEAD", "work"} {
		if got, err := gitkit.Changed(t.Context(), r.dir, ref); fault.KindOf(err) != fault.Invalid {
			t.Errorf("since %s: %v, %v", ref, got, err)
		}
	}
	if err := os.Unsetenv("GIT_DIR"); err != nil { // Setenv brings back what was there
		t.Fatal(err)
	}
	// A tag that is called like the branch would be taken instead of it.
	r.git("tag", "main")
	if got, err := gitkit.Changed(t.Context(), r.dir, "main"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a name of two things: %v, %v", got, err)
	}
	if got, err := gitkit.Changed(t.Context(), r.dir, "refs/heads/main"); err != nil || len(got) != 5 {
		t.Errorf("in full: %v, %v", got, err)
	}
}

// TestNothingHides: settings by variables do not hide paths.
func TestNothingHides(t *testing.T) {
	r := newRepo(t)
	r.commit("a/x")
	r.git("checkout", "--quiet", "-b", "work")
	r.commit("a/y", "b/z")
	for i, s := range [][2]string{{"diff.relative", "true"}, {"diff.ignoreSubmodules", "all"}, {"diff.renames", "copies"}, {"diff.external", "true"}} {
		t.Setenv(fmt.Sprintf("GIT_CONFIG_KEY_%d", i), s[0])
		t.Setenv(fmt.Sprintf("GIT_CONFIG_VALUE_%d", i), s[1])
		t.Setenv("GIT_CONFIG_COUNT", fmt.Sprint(i+1))
	}
	got, err := gitkit.Changed(t.Context(), filepath.Join(r.dir, "a"), "main")
	if err != nil || !slices.Equal(got, []string{"a/y", "b/z"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestShallow: what a shallow clone does not hold is said so, and nothing is
// taken for unchanged.
func TestShallow(t *testing.T) {
	r := newRepo(t)
	r.commit("a")
	r.git("branch", "start")
	r.git("checkout", "--quiet", "-b", "work")
	r.commit("b")
	r.git("checkout", "--quiet", "main")
	r.commit("c")
	clone := &repo{t, t.TempDir()}
	clone.git("clone", "--quiet", "--depth=1", "--branch=work", "file://"+r.dir, ".")
	_, err := gitkit.Changed(t.Context(), clone.dir, "origin/main")
	if fault.KindOf(err) != fault.NotFound || !strings.Contains(fault.HintOf(err), "GIT_DEPTH: 0") {
		t.Errorf("a branch that was not fetched: %v, %q", err, fault.HintOf(err))
	}
	clone.git("fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main")
	_, err = gitkit.Changed(t.Context(), clone.dir, "origin/main")
	if fault.KindOf(err) != fault.NotFound || !strings.Contains(fault.HintOf(err), "GIT_DEPTH: 0") {
		t.Errorf("histories that do not meet: %v, %q", err, fault.HintOf(err))
	}
	clone.git("fetch", "--quiet", "--unshallow", "origin", "main")
	if got, err := gitkit.Changed(t.Context(), clone.dir, "origin/main"); err != nil || !slices.Equal(got, []string{"b"}) {
		t.Errorf("the whole history: %v, %v", got, err)
	}
}

func TestErrors(t *testing.T) {
	r := newRepo(t)
	r.commit("a")
	for ref, want := range map[string]fault.Kind{
		"": fault.Invalid, "--output=x": fault.Invalid, "main..work": fault.Invalid, "main^": fault.Invalid, "a b": fault.Invalid, "none": fault.NotFound,
	} {
		if _, err := gitkit.Changed(t.Context(), r.dir, ref); fault.KindOf(err) != want || fault.HintOf(err) == "" {
			t.Errorf("%q: %v", ref, err)
		}
	}
	if _, err := gitkit.Changed(t.Context(), t.TempDir(), "main"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no repository: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := gitkit.Changed(ctx, r.dir, "main"); fault.KindOf(err) != fault.Canceled {
		t.Errorf("nobody waits: %v", err)
	}
	if _, err := gitkit.Run(t.Context(), gitkit.Command{Args: []string{"version"}, Most: 3}); fault.KindOf(err) != fault.Full {
		t.Errorf("more than is taken: %v", err)
	}
	_, err := gitkit.Run(t.Context(), gitkit.Command{Dir: r.dir, Args: []string{"ls-remote", "--", "ext::sh -c true"}, Protocol: "https"})
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("another protocol: %v", err)
	}
	_, err = gitkit.Run(t.Context(), gitkit.Command{Dir: r.dir, Args: []string{"rev-parse", "--verify", "hush-hush"}, Secrets: []string{"hush-hush", ""}})
	if err == nil || strings.Contains(err.Error(), "hush-hush") {
		t.Errorf("a secret shows: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := gitkit.Changed(t.Context(), r.dir, "main"); fault.KindOf(err) != fault.Unsupported {
		t.Errorf("without git: %v", err)
	}
}

// TestCheckRef: what we take, git takes too.
func TestCheckRef(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git here")
	}
	rapid.Check(t, func(t *rapid.T) {
		ref := rapid.StringOfN(rapid.RuneFrom([]rune("ab/.-@{~^:?*[\\ \n\x7f.lock+#")), 0, 8, -1).Draw(t, "ref")
		if gitkit.CheckRef(ref) != "" || strings.Contains(ref, "\x00") {
			return
		}
		if err := exec.CommandContext(t.Context(), "git", "check-ref-format", "--allow-onelevel", "--", ref).Run(); err != nil && ref != "@" {
			if err := exec.CommandContext(t.Context(), "git", "check-ref-format", "refs/heads/"+ref).Run(); err != nil {
				t.Errorf("git does not take %q", ref)
			}
		}
	})
}
