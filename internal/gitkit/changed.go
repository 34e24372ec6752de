package gitkit

import (
	"context"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Changed returns the paths, from the root of the repository that dir lies in,
// that commits have changed between the point where HEAD left ref and HEAD: the
// changes of a branch, not those of ref. Both names of a renamed file are among
// them. What is not committed is not.
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
	base, err := run("rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}")
	if err != nil {
		if kind := fault.KindOf(err); kind == fault.Canceled || kind == fault.Unsupported {
			return nil, err
		}
		return nil, fault.New(fault.NotFound, op, "this clone has no "+ref, deepen(ref))
	}
	from, err := run("merge-base", "--", strings.TrimSpace(base), "HEAD")
	if err != nil || strings.TrimSpace(from) == "" {
		if fault.KindOf(err) == fault.Canceled {
			return nil, err
		}
		return nil, fault.New(fault.NotFound, op, "this clone does not reach back to where HEAD and "+ref+" part", deepen(ref))
	}
	out, err := run("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", strings.TrimSpace(from), "HEAD", "--")
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
