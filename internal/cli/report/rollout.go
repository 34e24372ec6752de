package report

import (
	"context"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/render"
	"gitlab.com/nines-sre/nines/internal/render/dotenv"
	"gitlab.com/nines-sre/nines/internal/render/gitlab"
	"gitlab.com/nines-sre/nines/internal/render/junit"
	"gitlab.com/nines-sre/nines/internal/render/openmetrics"
	"gitlab.com/nines-sre/nines/internal/render/term"
)

// Rollout is the answer of a canary, a promotion, a rollback or a watch. text and
// object are what the verb itself prints for people and as JSON.
func Rollout(r *render.Rollout, text func(term.Style) string, object any) Answer {
	codes := make([]string, len(r.Decision.Reasons))
	for i, reason := range r.Decision.Reasons {
		codes[i] = reason.Code
	}
	vars := []dotenv.Var{
		{Name: "NINES_VERDICT", Value: r.Decision.Verdict.String()},
		{Name: "NINES_VERSION", Value: r.Version},
		{Name: "NINES_ROLLOUT", Value: r.ID},
		{Name: "NINES_OUTCOME", Value: r.Outcome},
		{Name: "NINES_BASELINE", Value: r.Baseline},
		{Name: "NINES_EXIT_CODE", Value: strconv.Itoa(r.ExitCode)},
		{Name: "NINES_DECISION_ID", Value: r.Decision.ID},
		{Name: "NINES_SERVICE", Value: r.Service},
		{Name: "NINES_REASONS", Value: strings.Join(codes, ",")},
		{Name: "NINES_AT", Value: r.Decision.At.UTC().Format(time.RFC3339)},
	}
	return Answer{
		Text: text, Object: object, Suite: junit.Rollout(r), Vars: vars,
		Links: gitlab.RolloutLinks(r), Metrics: openmetrics.Rollout(r),
	}
}

// Surround fills in what the job knows: its address, the commit, the environment
// unless one is said.
func Surround(h *host.Host, r *render.Rollout) {
	r.JobURL = h.Getenv("CI_JOB_URL")
	r.Commit = h.Getenv("CI_COMMIT_SHA")
	if r.Environment == "" {
		r.Environment = h.Getenv("CI_ENVIRONMENT_NAME")
	}
}

// noteFor is how long a note may hold a job up.
const noteFor = 30 * time.Second

// Note keeps the rollout's part of the note on the merge request, where there is
// one and NINES_GITLAB_TOKEN may write it. f may be nil. What cannot be written
// is said on standard error: it changes no verdict.
func Note(ctx context.Context, h *host.Host, f forge.Forge, r *render.Rollout) {
	if f == nil || h.At != "" { // a question about another time is nobody's news
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteFor)
	defer cancel()
	n := forge.Note{
		Commit: r.Commit, Marker: gitlab.Marker(r.Service, r.Environment), Part: r.Verb, Body: gitlab.Rollout(r, ""),
	}
	if iid, err := strconv.ParseInt(h.Getenv("CI_MERGE_REQUEST_IID"), 10, 64); err == nil && iid > 0 {
		n.Change = iid
	}
	at, err := f.Note(ctx, n)
	switch {
	case err == nil:
		h.Note("the merge request's note: %s", at)
	case fault.KindOf(err) != fault.NotFound:
		h.Note("no note on the merge request: %v", err)
	}
}

// Forge opens the platform whose notes may be written: nil where there is none,
// or no token for it.
func Forge(h *host.Host, o *host.ForgeFlags, p *gate.Policy) forge.Forge {
	if !h.MayNote(o, p) {
		return nil
	}
	f, err := h.Forge(o, p)
	if err != nil {
		h.Note("no note on the merge request: %v", err)
		return nil
	}
	return f
}
