package git_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/config/configtest"
	"gitlab.com/nines-sre/nines/internal/config/git"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gitkit"
)

// server is a real git server, over TLS, on this machine: git's own program for
// it behind Go's web server.
type server struct {
	*httptest.Server
	root, trust string
	asked       atomic.Int64
	mu          sync.Mutex
	password    string // "" lets everybody in
	seen        []string
}

func serve(t *testing.T) *server {
	t.Helper()
	path, err := exec.CommandContext(t.Context(), "git", "--exec-path").Output()
	if err != nil {
		t.Skip("there is no git here")
	}
	backend := filepath.Join(strings.TrimSpace(string(path)), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Skip("git has no http-backend here")
	}
	s := &server{root: t.TempDir()}
	h := &cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + s.root, "GIT_HTTP_EXPORT_ALL=1", "HOME=" + s.root}, Stderr: io.Discard}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.mu.Lock()
		password := s.password
		s.seen = append(s.seen, r.Header.Get("Authorization"))
		s.mu.Unlock()
		if _, given, _ := r.BasicAuth(); given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		if rest, is := strings.CutPrefix(r.URL.Path, "/moved"); is {
			http.Redirect(w, r, s.URL+rest+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	s.trust = filepath.Join(t.TempDir(), "ca.pem")
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(s.trust, data, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_SSL_CAINFO", s.trust) // wins over a setting, and may be set to something else here
	return s
}

// repository is one on the server, and a working copy to write with.
type repository struct {
	t    *testing.T
	work string
	bare string
}

func (s *server) repository(t *testing.T, name string) *repository {
	t.Helper()
	r := &repository{t: t, work: t.TempDir(), bare: filepath.Join(s.root, name)}
	r.git("init", "--quiet", "-b", "main")
	r.git("init", "--quiet", "--bare", "-b", "main", r.bare)
	r.git("-C", r.bare, "config", "uploadpack.allowFilter", "true")
	r.write("README.md", "documents\n")
	r.write("slo/README.md", "documents\n")
	r.write("slo-old/x.yaml", "x: 1\n")
	r.commit()
	return r
}

func (r *repository) git(args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Dir = r.work
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *repository) write(name, data string) {
	r.t.Helper()
	full := filepath.Join(r.work, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(data), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *repository) commit() string {
	r.t.Helper()
	r.git("add", "-A", "-f")
	r.git("commit", "--quiet", "--allow-empty", "-m", "x")
	r.git("push", "--quiet", r.bare, "HEAD")
	return r.git("rev-parse", "HEAD")
}

func open(t *testing.T, address string, env map[string]string) *git.Source {
	t.Helper()
	if env == nil {
		env = map[string]string{}
	}
	if env["NINES_CACHE"] == "" {
		env["NINES_CACHE"] = t.TempDir()
	}
	src, err := git.New(address, git.Options{
		Getenv: func(name string) string { return env[name] },
		Config: []gitkit.Setting{{Key: "safe.directory", Value: "*"}, {Key: "credential.helper", Value: ""}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// heard returns the Authorization headers since it was called last.
func (s *server) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

func (s *server) host() string { return strings.TrimPrefix(s.URL, "https://") }

// TestSuite: the contract, over TLS and from a path of this machine.
func TestSuite(t *testing.T) {
	s := serve(t)
	var n atomic.Int64
	for _, way := range []string{"https", "file"} {
		t.Run(way, func(t *testing.T) {
			if way == "file" && os.Getenv("NINES_FULL") == "" {
				t.Skip("the full test holds a path to it too; a transcript reads one")
			}
			configtest.Run(t, func(t *testing.T) configtest.Place {
				name := fmt.Sprintf("docs-%d.git", n.Add(1))
				r := s.repository(t, name)
				base := "git+" + s.URL + "/" + name
				if way == "file" {
					base = "git+" + (&url.URL{Scheme: "file", Path: r.bare}).String()
				}
				return configtest.Place{
					Source: open(t, base+"//slo?ref=main", nil), Many: 3, Hidden: true,
					Name: func(name string) string { return base + "@" + r.git("rev-parse", "HEAD")[:12] + ":slo/" + name },
					Put:  func(_ *testing.T, name, data string) { r.write("slo/"+name, data); r.commit() },
					Delete: func(t *testing.T, name string) {
						if err := os.Remove(filepath.Join(r.work, "slo", name)); err != nil {
							t.Fatal(err)
						}
						r.commit()
					},
				}
			})
		})
	}
}

func names(t *testing.T, src config.Source) []string {
	t.Helper()
	items, err := src.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, i := range items {
		_, path, _ := strings.Cut(i.Name[strings.LastIndex(i.Name, "@"):], ":")
		data, err := src.Read(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s=%s%t", path, data, i.Named))
	}
	return out
}

// TestRefs: branches, tags (plain and with a message), commits, one file, all
// of a repository; and what is fetched once is not fetched again.
func TestRefs(t *testing.T) {
	s := serve(t)
	r := s.repository(t, "refs.git")
	r.write("slo/a.yaml", "a: 1\n")
	first := r.commit()
	r.git("tag", "v1")
	r.git("tag", "-a", "-m", "noted", "v1a")
	r.write("slo/a.yaml", "a: 2\n")
	if err := os.Symlink("a.yaml", filepath.Join(r.work, "slo", "link.yaml")); err != nil {
		t.Fatal(err)
	}
	r.commit()
	r.git("push", "--quiet", r.bare, "v1", "v1a", "HEAD:refs/heads/team/x", "HEAD:refs/heads/both", "v1:refs/tags/both")
	cache := t.TempDir()
	base := "git+" + s.URL + "/refs.git"
	for address, want := range map[string]string{
		"//slo": "slo/a.yaml=a: 2\nfalse", "//slo?ref=v1": "slo/a.yaml=a: 1\nfalse", "//slo?ref=v1a": "slo/a.yaml=a: 1\nfalse",
		"//slo/?ref=" + first: "slo/a.yaml=a: 1\nfalse", "//slo/a.yaml?ref=team/x": "slo/a.yaml=a: 2\ntrue",
		"//slo?ref=refs/heads/both": "slo/a.yaml=a: 2\nfalse", "?ref=refs/tags/v1a": "slo-old/x.yaml=x: 1\nfalse slo/a.yaml=a: 1\nfalse",
	} {
		for range 2 {
			src := open(t, base+address, map[string]string{"NINES_CACHE": cache})
			if got := strings.Join(names(t, src), " "); got != want {
				t.Errorf("%s: %q, want %q", address, got, want)
			}
		}
	}
	before := s.asked.Load()
	names(t, open(t, base+"//slo?ref="+first, map[string]string{"NINES_CACHE": cache}))
	if asked := s.asked.Load() - before; asked != 0 {
		t.Errorf("a commit that is kept was asked for %d times", asked)
	}
	for address, want := range map[string]fault.Kind{
		"//slo?ref=none": fault.NotFound, "//none": fault.NotFound, "//slo/link.yaml": fault.Invalid, "//slo?ref=both": fault.Invalid,
		"//slo?ref=" + strings.Repeat("0", 40): fault.NotFound,
	} {
		if _, err := open(t, base+address, nil).List(t.Context()); fault.KindOf(err) != want {
			t.Errorf("%s: %v (%v), want %v", address, fault.KindOf(err), err, want)
		}
	}
}

// TestKeptIsChecked: what was kept and is not what git calls it is fetched anew.
func TestKeptIsChecked(t *testing.T) {
	s := serve(t)
	r := s.repository(t, "kept.git")
	r.write("slo/a.yaml", "a: 1\n")
	r.commit()
	cache := t.TempDir()
	address := "git+" + s.URL + "/kept.git//slo"
	names(t, open(t, address, map[string]string{"NINES_CACHE": cache}))
	kept, err := filepath.Glob(filepath.Join(cache, "git", "*", "*"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept are %v, %v", kept, err)
	}
	for _, damage := range []string{"", "{", `{"Repository":"x"}`} {
		data, err := os.ReadFile(kept[0])
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(data), `"YTogMQo="`, `"YTogMgo="`, 1) // a: 2
		if damage != "" {
			text = damage
		}
		if text == string(data) {
			t.Fatal("nothing was damaged")
		}
		if err := os.WriteFile(kept[0], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := names(t, open(t, address, map[string]string{"NINES_CACHE": cache})); len(got) != 1 || got[0] != "slo/a.yaml=a: 1\nfalse" {
			t.Errorf("reads %q", got)
		}
	}
}

// TestTokens: a token goes to its own host, stands in no error and is not sent
// along to where the server sends.
func TestTokens(t *testing.T) {
	s := serve(t)
	r := s.repository(t, "closed.git")
	r.write("slo/a.yaml", "a: 1\n")
	r.commit()
	s.mu.Lock()
	s.password = "glpat-secret"
	s.mu.Unlock()
	address := "git+" + s.URL + "/closed.git//slo"
	for _, env := range []map[string]string{
		{"NINES_GIT_TOKEN": "glpat-secret", "NINES_GIT_HOST": s.host()},
		{"NINES_GIT_TOKEN": "glpat-secret", "CI_SERVER_FQDN": s.host(), "CI_SERVER_HOST": "127.0.0.1"},
		{"CI_JOB_TOKEN": "glpat-secret", "CI_SERVER_FQDN": s.host()},
	} {
		if got := names(t, open(t, address, env)); len(got) != 1 {
			t.Errorf("reads %q", got)
		}
	}
	for _, c := range []struct {
		address string
		env     map[string]string
		want    fault.Kind
	}{
		{address, nil, fault.Denied},
		{address, map[string]string{"NINES_GIT_TOKEN": "glpat-wrong", "NINES_GIT_HOST": s.host()}, fault.Denied},
		{address, map[string]string{"NINES_GIT_TOKEN": "glpat-secret"}, fault.Invalid},
		{address, map[string]string{"NINES_GIT_TOKEN": "glpat-secret", "NINES_GIT_HOST": "git.example.com"}, fault.Denied},
		{address, map[string]string{"CI_JOB_TOKEN": "glpat-secret", "CI_SERVER_HOST": "git.example.com"}, fault.Denied},
		{"git+" + s.URL + "/moved/closed.git//slo", map[string]string{"NINES_GIT_TOKEN": "glpat-secret", "NINES_GIT_HOST": s.host()}, fault.Invalid},
		{"git+" + s.URL + "/none.git", map[string]string{"NINES_GIT_TOKEN": "glpat-secret", "NINES_GIT_HOST": s.host()}, fault.NotFound},
	} {
		s.heard()
		_, err := open(t, c.address, c.env).List(t.Context())
		// A token that is another host's, or nobody's, is not shown at all.
		if seen := s.heard(); c.env["NINES_GIT_HOST"] != s.host() && strings.Join(seen, "") != "" {
			t.Errorf("%v: the server saw %q", c.env, seen)
		}
		if fault.KindOf(err) != c.want || fault.HintOf(err) == "" {
			t.Errorf("%s %v: %v (%v), want %v", c.address, c.env, fault.KindOf(err), err, c.want)
		}
		if strings.Contains(fmt.Sprint(err), "glpat") || strings.Contains(fmt.Sprint(err), "Basic ") {
			t.Errorf("a token shows in %v", err)
		}
	}
}

// TestAddresses: nothing in an address becomes an option, another protocol, or
// a path outside.
func TestAddresses(t *testing.T) {
	for _, address := range []string{
		"git+https://", "git+https://h", "git+https://h/", "git+https://h//x", "git+https://-oProxyCommand=x/r.git",
		"git+ssh://-oProxyCommand=x/r.git", "git+https://u:pw@h/r.git", "git+https://token@h/r.git", "git+ssh://u:pw@h/r.git",
		"git+http://h/r.git", "git+https://h/r.git//../x", "git+https://h/r.git//a/../b", "git+https://h/r.git?ref=--upload-pack=x",
		"git+https://h/r.git?ref=a..b", "git+https://h/r.git?ref=a:b", "git+https://h/r.git?ref=%2bx%3ay", "git+https://h/r.git?ref=a&ref=b",
		"git+https://h/r.git?branch=a", "git+https://h/r.git#x", "git+https://h/r.git?ref=", "git+https://h/%0ax", "git+https://h/r%zz", "git+file://",
	} {
		_, err := git.Open(t.Context(), address)
		if fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" || strings.Contains(fmt.Sprint(err), "pw") || strings.Contains(fmt.Sprint(err), "token@") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{
		"git+https://h/g/r.git", "git+https://h:8443/g/r.git//a/b?ref=x", "git+ssh://git@h/g/r.git//a", "git+file:///srv/r//a", "git+http://127.0.0.1:1/r",
	} {
		if _, err := git.Open(t.Context(), address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}
