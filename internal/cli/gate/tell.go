package gate

import (
	"context"
	"strconv"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/forge"
	render "gitlab.com/nines-sre/nines/internal/render/gitlab"
	"gitlab.com/nines-sre/nines/internal/run/tell"
)

// tellFor is how long telling people may hold a job up.
const tellFor = 30 * time.Second

// shown is the answer as GitLab's renderings take it.
func (a answer) shown() render.Answer {
	return render.Answer{Request: a.Request, Decision: a.Decision, ExitCode: a.ExitCode, Advice: a.Advice, JobURL: a.job}
}

// tell writes the merge request's note and tells those whom the policy names.
func (o *options) tell(ctx context.Context, h *host.Host, s *host.Session, a answer) {
	if h.At != "" { // a question about another time is nobody's news
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tellFor)
	defer cancel()
	s.Forge = a.forge
	opt := tell.Options{Outcome: a.Outcome, URL: a.job, Wait: host.Pause}
	if len(a.Request.Policy.Notify) > 0 {
		opt.To = h.Targets(ctx, &o.forge, &a.Request.Policy)
	}
	if o.note && a.forge != nil && h.MayNote(&o.forge, &a.Request.Policy) {
		n := forge.Note{Commit: a.Request.Change.Version, Marker: render.Marker(a.Request.Service, a.Request.Environment), Part: "gate", Body: render.Note(a.shown())}
		if iid, err := strconv.ParseInt(h.Getenv("CI_MERGE_REQUEST_IID"), 10, 64); err == nil && iid > 0 {
			n.Change = iid
		}
		if sha := h.Getenv("CI_COMMIT_SHA"); sha != "" && !a.Request.Change.By.Proven() {
			n.Commit = sha
		}
		opt.Note = &n
	}
	for _, remark := range tell.Run(ctx, s.Env, opt) {
		h.Note("%s", remark)
	}
}
