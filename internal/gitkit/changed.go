package gitkit

import (
	"context"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Changed returns the paths, from the root of the repository that dir lies in,
// that commits have changed between the point where HEAD left ref and HEAD: the
// changes of a branch, not those of ref. Both names of a renamed file are among
// them. What is not committed is not. A HEAD that is part of ref, and a name
// that stands for two things, are errors: what a gate takes for unchanged must
// be so.
func Changed(ctx context.Context, dir, ref string) ([]string, error) {
	op := "changes since " + ref
	if why := CheckRef(ref); why != "" {
		return nil, fault.New(fault.Invalid, op, why, "name a branch, a tag or a commit, as origin/main")
	}
	run := func(args ...string) (string, error) {
		out, err := Run(ctx, Command{Dir: dir, Args: args})
		return string(out), err
	}
	if _, err := run("rev-parse", "--show-toplevel"); err != nil {
		if fault.KindOf(err) == fault.Unavailable {
			return nil, fault.New(fault.Invalid, op, err.Error(), "run it in the repository that is deployed")
		}
		return nil, err
	}
	// A tag may be called like a branch, and git would take the tag.
	both, err := run("for-each-ref", "--format=%(refname)", "--", "refs/tags/"+ref, "refs/heads/"+ref, "refs/remotes/"+ref)
	if err != nil {
		return nil, err
	}
	if names := strings.Fields(both); len(names) > 1 {
		return nil, fault.New(fault.Invalid, op, "it stands for "+strings.Join(names, " and "), "write the one that is meant in full")
	}
	from, head, err := parting(run, ref, op)
	if err != nil {
		return nil, err
	}
	if from == head {
		return nil, fault.New(fault.Invalid, op, "HEAD is part of "+ref+", so that nothing would ever have changed",
			"compare with what was deployed last: its tag or commit")
	}
	// Settings that hide paths may come by variables; none of them counts here.
	out, err := run("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-relative", "--ignore-submodules=none", from, head, "--")
	if err != nil {
		return nil, err
	}
	var paths []string
	for p := range strings.SplitSeq(out, "\x00") {
		if p != "" {
			paths = append(paths, p)
		}
	}
	return paths, nil
}

// parting returns the commit where HEAD left ref, and HEAD's own.
func parting(run func(...string) (string, error), ref, op string) (from, head string, err error) {
	commit := func(name string) (string, error) {
		out, err := run("rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
		return strings.TrimSpace(out), err
	}
	// Whatever git says here means that it has no such thing, unless it could not
	// be asked.
	missing := func(err error, text string) error {
		if kind := fault.KindOf(err); kind == fault.Canceled || kind == fault.Unsupported {
			return err
		}
		return fault.New(fault.NotFound, op, text, deepen(ref))
	}
	base, err := commit(ref)
	if err != nil {
		return "", "", missing(err, "this clone has no "+ref)
	}
	if head, err = commit("HEAD"); err != nil {
		return "", "", missing(err, "this clone has no commit")
	}
	from, err = run("merge-base", "--", base, head)
	if from = strings.TrimSpace(from); err != nil || from == "" {
		return "", "", missing(err, "this clone does not reach back to where HEAD and "+ref+" part")
	}
	return from, head, nil
}

// deepen says what a shallow clone lacks.
func deepen(ref string) string {
	branch := strings.TrimPrefix(strings.TrimPrefix(ref, "refs/remotes/"), "origin/")
	return "the clone is too shallow: set GIT_DEPTH: 0 in the job, or run `git fetch --unshallow origin " + branch + "` before"
}

// CheckRef says what is wrong with a name of a branch, a tag or a commit, ""
// for nothing. It is stricter than git: no expression, no option.
// (git-check-ref-format(1).)
func CheckRef(ref string) string {
	switch {
	case ref == "":
		return "it is empty"
	case len(ref) > 255:
		return "it is too long"
	case strings.HasPrefix(ref, "-"), strings.HasPrefix(ref, "/"), strings.HasSuffix(ref, "/"), strings.HasSuffix(ref, "."),
		strings.HasSuffix(ref, ".lock"), strings.Contains(ref, ".."), strings.Contains(ref, "//"), strings.Contains(ref, "@{"),
		strings.HasPrefix(ref, "."), strings.Contains(ref, "/."):
		return "it is no name of a branch, a tag or a commit"
	}
	for _, r := range ref {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r) {
			return "it is no name of a branch, a tag or a commit"
		}
	}
	return ""
}
