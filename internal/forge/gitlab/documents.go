package gitlab

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
)

const (
	maxDocument = 4 << 20 // bytes; longer files are no documents
	fetchFor    = time.Minute
)

// At implements forge.Documents: GitLab says whether the branch is protected
// and which commit it is at, git fetches that commit from GitLab, and not from
// the working copy, whose branches and remotes are the job's. It needs the
// program git, one round trip more than a clone of depth one, and no right
// beyond that of a job's own token.
func (f *Forge) At(ctx context.Context, branch string, paths []string) (forge.Snapshot, error) {
	op := fmt.Sprintf("documents of the branch %s of %s", branch, f.where.Project)
	b, ok, err := f.api.Branch(ctx, branch)
	switch {
	case err != nil:
		return forge.Snapshot{}, fault.Wrap(fault.Unavailable, op, err, "")
	case !ok:
		return forge.Snapshot{}, fault.New(fault.NotFound, op, "there is no such branch", "name one that is protected")
	case !b.Protected:
		return forge.Snapshot{}, fault.New(fault.Denied, op, "the branch is not protected: whoever is gated could change the policy", "protect it, or name one that is protected")
	}
	dir, err := os.MkdirTemp("", "nines-documents-")
	if err != nil {
		return forge.Snapshot{}, fault.Wrap(fault.Unavailable, op, err, "")
	}
	defer os.RemoveAll(dir) //nolint:errcheck // what stays behind is in the temporary folder
	ctx, cancel := context.WithTimeout(ctx, fetchFor)
	defer cancel()
	g := &git{dir: dir, secret: f.secret}
	if err := g.fetch(ctx, f.where, b.Commit.ID); err != nil {
		return forge.Snapshot{}, fault.Wrap(fault.Unavailable, op, err, "")
	}
	files, err := g.read(ctx, b.Commit.ID, paths)
	if err != nil {
		return forge.Snapshot{}, fault.Wrap(fault.Unavailable, op, err, "")
	}
	return forge.Snapshot{Branch: branch, Commit: b.Commit.ID, Files: files}, nil
}

// git is a repository made for one look.
type git struct {
	dir    string
	secret secret
}

// fetch brings one commit in, without its history, and without the files until
// they are asked for where the server can do that.
func (g *git) fetch(ctx context.Context, where forge.Where, commit string) error {
	if len(commit) < 40 || strings.Trim(commit, "0123456789abcdef") != "" {
		return fault.New(fault.Denied, "git fetch", fmt.Sprintf("%q is not a commit", commit), "")
	}
	u, err := url.Parse(where.URL)
	if err != nil {
		return fault.Wrap(fault.Invalid, "git fetch", err, "")
	}
	project := where.Project
	if strings.Trim(project, "0123456789") == "" {
		return fault.New(fault.Invalid, "git fetch", "a repository is found by the path of its project, not by a number", "name the project as group/project")
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--template=", "."},
		{"remote", "add", "origin", u.JoinPath(project + ".git").String()},
		{"config", "remote.origin.promisor", "true"},
		{"config", "remote.origin.partialclonefilter", "blob:none"},
		{"fetch", "--quiet", "--depth=1", "--no-tags", "--filter=blob:none", "origin", commit},
	} {
		if _, err := g.run(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// read returns the documents under paths at a commit.
func (g *git) read(ctx context.Context, commit string, paths []string) (map[string][]byte, error) {
	args := []string{"ls-tree", "-r", "-z", "--name-only", commit}
	for _, p := range paths {
		if p != "." {
			args = append(args, p)
		}
	}
	out, err := g.run(ctx, args...)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range strings.SplitSeq(out, "\x00") {
		if document(name) {
			names = append(names, name)
		}
	}
	files := map[string][]byte{}
	if len(names) == 0 {
		return files, nil
	}
	// One request for all of them; a link becomes a small file that says where
	// it leads, and leads nowhere.
	if _, err := g.run(ctx, append([]string{"checkout", "--quiet", commit, "--"}, names...)...); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(g.dir)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read documents", err, "")
	}
	defer root.Close() //nolint:errcheck // only read
	for _, name := range names {
		info, err := root.Lstat(filepath.FromSlash(name))
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxDocument {
			return nil, fault.New(fault.Invalid, "read "+name, "it is no file, or too long for a document", "")
		}
		if files[name], err = root.ReadFile(filepath.FromSlash(name)); err != nil {
			return nil, fault.Wrap(fault.Unavailable, "read "+name, err, "")
		}
	}
	return files, nil
}

// document says whether a file may hold documents, as in a folder on disk.
func document(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return false
		}
	}
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// run runs git with surroundings of its own: no setting of the user, of the
// machine or of a variable changes where it fetches from or what it runs. The
// token stands in no argument, which others could list.
func (g *git) run(ctx context.Context, args ...string) (string, error) {
	//nolint:gosec // the arguments are ours, paths stand behind their verb, commits were checked
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", g.dir}, args...)...)
	settings := [][2]string{
		{"core.symlinks", "false"},
		{"core.hooksPath", os.DevNull},
		{"core.fsmonitor", "false"},
		{"http.followRedirects", "false"},
		{"protocol.allow", "never"},
		{"protocol.https.allow", "always"},
		{"protocol.http.allow", "always"},
		{"credential.helper", ""},
		{"advice.detachedHead", "false"},
		{"safe.directory", "*"},
	}
	if g.secret.token != "" {
		basic := base64.StdEncoding.EncodeToString([]byte(g.secret.user + ":" + g.secret.token))
		settings = append(settings, [2]string{"http.extraHeader", "Authorization: Basic " + basic})
	}
	cmd.Env = []string{"HOME=" + g.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C", fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(settings))}
	for i, s := range settings {
		cmd.Env = append(cmd.Env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, s[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, s[1]))
	}
	for _, name := range []string{"PATH", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"} {
		if v := os.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	if v := os.Getenv("SSL_CERT_FILE"); v != "" {
		cmd.Env = append(cmd.Env, "GIT_SSL_CAINFO="+v)
	}
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", fault.New(fault.Unavailable, "git "+args[0], "there is no program git here", "install it in the job's image")
	case ctx.Err() != nil:
		return "", fault.New(fault.Unavailable, "git "+args[0], "it took longer than "+fetchFor.String(), "")
	case err != nil:
		return "", fault.New(fault.Unavailable, "git "+args[0], lastLine(said.String(), err.Error()), "")
	}
	return string(out), nil
}

// lastLine is the last thing a program said.
func lastLine(text, or string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return last
	}
	return or
}
