package gate

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	render "gitlab.com/nines-sre/nines/internal/render/gitlab"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/run/tell"
)

// tellFor is how long telling people may hold a job up.
const tellFor = 30 * time.Second

// report is an answer that goes to a file beside the one that is printed.
type report struct{ format, file string }

// parseReports reads FORMAT=FILE.
func parseReports(texts []string) ([]report, error) {
	out := make([]report, 0, len(texts))
	for _, text := range texts {
		format, file, ok := strings.Cut(text, "=")
		if !ok || file == "" || !slices.Contains(formats(), format) {
			return nil, fault.New(fault.Invalid, "--report "+text, "it is not FORMAT=FILE", "as in junit=gate.xml; formats are "+strings.Join(formats(), ", "))
		}
		out = append(out, report{format, file})
	}
	return out, nil
}

// write writes it to its file.
func (r report) write(what printable) error {
	var b bytes.Buffer
	if err := write(&b, what, r.format, term.Style{}); err != nil {
		return fault.Wrap(fault.Internal, "--report "+r.format, err, "")
	}
	const everybody = 0o644 // an artifact: the runner collects it, perhaps as somebody else
	if err := os.WriteFile(r.file, b.Bytes(), everybody); err != nil {
		return fault.Wrap(fault.Unavailable, "--report "+r.format+"="+r.file, err, "")
	}
	return nil
}

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
		n := forge.Note{Commit: a.Request.Change.Version, Marker: render.Marker(a.Request.Service, a.Request.Environment), Body: render.Note(a.shown())}
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
