package gitlab

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/gitlabapi"
)

// Note implements forge.Forge.
func (f *Forge) Note(ctx context.Context, n forge.Note) (string, error) {
	const op = "merge request note"
	if !f.api.Writes() {
		return "", fault.New(fault.Denied, op, "a job's own token may not write one", "give the job a project access token with the scope api, as NINES_GITLAB_TOKEN")
	}
	m, err := f.about(ctx, n)
	if err != nil {
		return "", err
	}
	mark := "<!-- " + n.Marker + " -->"
	var mine []gitlabapi.Note
	err = f.api.Notes(ctx, m.IID, func(got gitlabapi.Note) bool {
		if !got.System && strings.HasPrefix(got.Body, mark) {
			mine = append(mine, got)
		}
		return true
	})
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, op, err, "")
	}
	for _, old := range mine {
		body := mark + "\n" + n.In(old.Body)
		if old.Body == body {
			return address(m, old.ID), nil
		}
		got, err := f.api.SetNote(ctx, m.IID, old.ID, body)
		switch {
		case err == nil:
			return address(m, got.ID), nil
		case fault.KindOf(err) == fault.Denied:
			continue // somebody else wrote it, with our mark
		default:
			return "", fault.Wrap(fault.Unavailable, op, err, "")
		}
	}
	got, err := f.api.AddNote(ctx, m.IID, mark+"\n"+n.In(""))
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, op, err, "")
	}
	return address(m, got.ID), nil
}

func address(m gitlabapi.MergeRequest, note int64) string {
	return fmt.Sprintf("%s#note_%d", m.WebURL, note)
}

// about finds the merge request of a note: the named one, else the one that
// brought the commit, else an open one that holds it.
func (f *Forge) about(ctx context.Context, n forge.Note) (gitlabapi.MergeRequest, error) {
	none := fault.New(fault.NotFound, "merge request note", "no merge request belongs to "+n.Commit, "")
	if n.Change != 0 {
		m, err := f.api.MergeRequest(ctx, n.Change)
		return m, fault.Wrap(fault.Unavailable, "merge request note", err, "")
	}
	if n.Commit == "" {
		return gitlabapi.MergeRequest{}, none
	}
	all, err := f.api.Merged(ctx, n.Commit)
	if err != nil {
		return gitlabapi.MergeRequest{}, fault.Wrap(fault.Unavailable, "merge request note", err, "")
	}
	rank := func(m gitlabapi.MergeRequest) int {
		brought := slices.Contains([]string{m.MergeCommitSHA, m.SquashCommitSHA, m.SHA}, n.Commit)
		switch {
		case m.State == "merged" && brought:
			return 0
		case m.State == "opened" && brought:
			return 1
		case m.State == "merged":
			return 2
		case m.State == "opened":
			return 3
		}
		return 4
	}
	if len(all) == 0 {
		return gitlabapi.MergeRequest{}, none
	}
	return slices.MinFunc(all, func(a, b gitlabapi.MergeRequest) int { return rank(a) - rank(b) }), nil
}
