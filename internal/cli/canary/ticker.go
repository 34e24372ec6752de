package canary

import (
	"fmt"
	"math"
	"strings"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/render"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/rollout"
	runcanary "gitlab.com/nines-sre/nines/internal/run/canary"
)

// ticker shows on standard error how a rollout goes: a line a minute, or one line
// that changes on a terminal; what happens stands on lines of its own.
type ticker struct {
	h    *host.Host
	open bool // a line stands there that may be written over
}

func (t *ticker) tell(p runcanary.Progress) {
	if t.h.Quiet {
		return
	}
	at := p.At.UTC().Format("15:04")
	for _, r := range p.Reasons {
		if r.Code == "passed" || r.Code == "worse" || r.Code == "unsure" {
			continue // said with its numbers at the end
		}
		t.line(at + "  " + r.Text)
	}
	if !p.Looked || p.State.Phase != rollout.Bake {
		return
	}
	text := at + "  " + standing(&p)
	if !t.h.ErrStyle().Decor {
		t.line(text)
		return
	}
	st := t.h.ErrStyle()
	_, _ = fmt.Fprint(t.h.Err, "\r\x1b[K"+st.Truncate(term.Clean(text), max(20, st.Width-1)))
	t.open = true
}

func (t *ticker) line(text string) {
	t.end()
	_, _ = fmt.Fprintln(t.h.Err, "nines: "+term.Clean(text))
}

// end leaves a line that may be written over as it is.
func (t *ticker) end() {
	if t.open {
		_, _ = fmt.Fprintln(t.h.Err)
		t.open = false
	}
}

// standing is how it stands, in a line.
func standing(p *runcanary.Progress) string {
	s := &p.State
	parts := []string{fmt.Sprintf("step %d of %d", s.Step+1, len(s.Plan.Steps))}
	if !s.Plan.Still {
		parts[0] += ", " + rollout.Percent(s.At().Weight)
	}
	parts = append(parts, fmt.Sprintf("%d of %d minutes", s.Minutes, s.Needs()),
		fmt.Sprintf("%s requests, %s bad", term.Count(float64(p.Requests)), term.Count(float64(p.Bad))))
	if p.Baseline.Rate != nil && !s.Plan.Still {
		parts = append(parts, "beside "+term.Percent(*p.Baseline.Rate, 2))
	}
	if e := evidence(&p.Result); e != "" {
		parts = append(parts, e)
	}
	return strings.Join(parts, ", ")
}

// evidence is the strongest evidence of harm of any metric, as odds.
func evidence(r *judge.Result) string {
	most, missing := 0.0, int64(0)
	for i := range r.Findings {
		f := &r.Findings[i]
		most, missing = max(most, f.LogE), max(missing, f.Missing)
	}
	switch {
	case most > 0:
		return fmt.Sprintf("evidence of harm %.3g : 1", math.Exp(min(most, 13.8)))
	case missing > 0:
		return render.Missing(missing)
	}
	return ""
}
