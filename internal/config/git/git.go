// Package git reads documents from a repository: every file below a folder of
// one commit that is called as documents are, or one file. It runs the program
// git, and keeps what it read by commit.
package git

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gitkit"
)

// Schemes are what addresses begin with: "git+https://host/repo.git//folder?ref=main".
func Schemes() []string { return []string{"git+https", "git+ssh", "git+file", "git+http"} }

// Options are a source's surroundings.
type Options struct {
	// Getenv reads the variables with tokens and where to keep what was read.
	Getenv func(string) string
	// Config are further settings of git.
	Config []gitkit.Setting
}

// Source is a folder of a repository. It implements config.Source.
type Source struct {
	address
	opt Options

	mu      sync.Mutex
	current *snapshot
	before  *snapshot // items of the last but one List can still be read
}

var _ config.Source = (*Source)(nil)

// Open is the opener for addresses.
func Open(_ context.Context, text string) (config.Source, error) {
	return New(text, Options{Getenv: os.Getenv})
}

// New is Open with the caller's surroundings.
func New(text string, opt Options) (*Source, error) {
	a, err := parse(text)
	if err != nil {
		return nil, err
	}
	return &Source{address: a, opt: opt}, nil
}

// patience is how long a repository may take; git itself would wait for ever.
const patience = 3 * time.Minute

// List implements config.Source: the documents of the commit that the ref now
// stands for.
func (s *Source) List(ctx context.Context) ([]config.Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fault.New(fault.Unavailable, "git", "it took longer than "+patience.String(), "check the network"))
	defer cancel()
	commit, ref, err := s.resolve(ctx)
	if err != nil {
		return nil, s.wrap(err)
	}
	if s.current == nil || s.current.Commit != commit {
		snap, err := s.snapshot(ctx, commit, ref)
		if err != nil {
			return nil, s.wrap(err)
		}
		s.before, s.current = s.current, snap
	}
	out := make([]config.Item, 0, len(s.current.Files))
	for i := range s.current.Files {
		f := &s.current.Files[i]
		out = append(out, config.Item{Name: s.name(s.current.Commit, f.Path), Version: f.Blob, Named: f.Path == s.folder})
	}
	slices.SortFunc(out, func(a, b config.Item) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// Read implements config.Source. What was listed last is at hand.
func (s *Source) Read(_ context.Context, item config.Item) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, snap := range []*snapshot{s.current, s.before} {
		if snap == nil {
			continue
		}
		for i := range snap.Files {
			if f := &snap.Files[i]; f.Blob == item.Version && s.name(snap.Commit, f.Path) == item.Name {
				return f.Data, nil
			}
		}
	}
	return nil, fault.New(fault.Conflict, "read "+item.Name, "it is of an older commit", "run it again")
}

// name is what messages call a file: the repository, the commit, the path.
func (s *Source) name(commit, path string) string {
	const short = 12
	return "git+" + s.repository + "@" + commit[:min(short, len(commit))] + ":" + path
}

// wrap names the repository in an error.
func (s *Source) wrap(err error) error {
	return &fault.Error{Op: "read documents in git+" + s.repository, Kind: fault.KindOf(err), Err: err, Hint: fault.HintOf(err)}
}

// git runs a command of git's for this repository.
func (s *Source) git(ctx context.Context, dir string, stdin []byte, args ...string) ([]byte, error) {
	settings, secrets, err := s.credentials(s.opt.Getenv)
	if err != nil {
		return nil, err
	}
	return gitkit.Run(ctx, gitkit.Command{
		Dir: dir, Args: args, Stdin: stdin, Protocol: s.protocol, Config: slices.Concat(s.opt.Config, settings), Secrets: secrets,
		Most: mostBytes,
	})
}

// resolve asks the repository which commit the ref stands for, and its full
// name. A commit stands for itself and asks nobody.
func (s *Source) resolve(ctx context.Context) (commit, ref string, err error) {
	if objectName(s.ref) {
		return s.ref, s.ref, fault.Wrap(fault.Canceled, "git", ctx.Err(), "")
	}
	want := cmp.Or(s.ref, "HEAD")
	out, err := s.git(ctx, "", nil, "ls-remote", "--quiet", "--", s.repository, want, want+"^{}")
	if err != nil {
		return "", "", err
	}
	refs := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if id, name, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && objectName(id) {
			refs[name] = id
		}
	}
	branch, tag := "refs/heads/"+want, "refs/tags/"+want
	switch {
	case refs[branch] != "" && refs[tag] != "":
		return "", "", fault.New(fault.Invalid, "ref "+want, "it is a branch and a tag", "write ref="+branch+" or ref="+tag)
	case refs[branch] != "":
		return refs[branch], branch, nil
	case refs[tag] != "":
		return cmp.Or(refs[tag+"^{}"], refs[tag]), tag, nil
	case refs[want] != "":
		return cmp.Or(refs[want+"^{}"], refs[want]), want, nil
	}
	return "", "", fault.New(fault.NotFound, "ref "+want, "the repository has no such branch or tag", "check the name; a commit needs all of its 40 digits")
}

// objectName says whether a text is the full name of an object.
func objectName(text string) bool {
	return (len(text) == 40 || len(text) == 64) && strings.Trim(text, "0123456789abcdef") == ""
}
