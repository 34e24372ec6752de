package why

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
)

// How much is told of each part; a wall of text is read by nobody.
const (
	mostReasons = 3
	mostLosses  = 2
	mostChanges = 3
	mostAdvice  = 4
)

// How far from the beginning of a loss a change is looked for.
const (
	before = 2 * time.Hour
	behind = 10 * time.Minute // who records a deployment does so when it is through
)

// teller puts an explanation together.
type teller struct {
	env   *run.Env
	entry ledger.Entry
	req   *gate.Request
	dec   *decision.Decision
}

func (t *teller) tell(ctx context.Context) ([]string, error) {
	lines := []string{t.headline()}
	lines = append(lines, t.because()...)
	s := t.objective()
	if s != nil {
		lines = append(lines, t.left(s)...)
		lines = append(lines, t.lost(s)...)
	}
	changes, err := t.changes(ctx, s)
	if err != nil {
		return nil, err
	}
	lines = append(lines, changes...)
	lines = append(lines, t.now(ctx)...)
	return append(lines, t.recorded()), nil
}

// recorded says where the decision stands, and up to when it knew.
func (t *teller) recorded() string {
	line := fmt.Sprintf("%s %s, by policy %s", label("Recorded"), t.entry.ID, t.dec.Policy)
	var oldest time.Time
	for i := range t.req.States {
		if f := t.req.States[i].Frontier; !f.IsZero() && (oldest.IsZero() || f.Before(oldest)) {
			oldest = f
		}
	}
	if !oldest.IsZero() {
		line += ", on what was measured up to " + t.env.Show(oldest)
	}
	return line + "; `nines replay " + t.entry.ID + "` recomputes it"
}

// label puts the word a line begins with in a column.
func label(word string) string { return fmt.Sprintf("%-10s", word+":") }

// more is a line that goes on with the one before.
func more(text string) string { return strings.Repeat(" ", 10) + " " + text }

// headline says what was decided, about what, when and for whom.
func (t *teller) headline() string {
	what := t.dec.Subject
	if v := t.req.Change.Version; v != "" {
		what += " " + v
	}
	if env := t.req.Environment; env != "" {
		what += " to " + env
	}
	if c := t.req.Change.Class; c != "" && c != gate.ClassChange {
		what += fmt.Sprintf(" (a %s)", c)
	}
	line := fmt.Sprintf("%s  %s, decided %s", strings.ToUpper(t.dec.Verdict.String()), what, t.env.Show(t.dec.At))
	if who := cmp.Or(t.req.Change.Actor, t.entry.Actor); who != "" && who != "unknown" {
		line += " for " + who
	}
	if t.req.Policy.Mode == gate.ModeAdvise {
		line += " (advice only: nothing was held)"
	}
	return line
}

// because gives the reasons, the deciding one first.
func (t *teller) because() []string {
	var out []string
	for i, r := range t.dec.Reasons {
		if i == mostReasons {
			out = append(out, more(fmt.Sprintf("and %d more: `nines ledger` has them all", len(t.dec.Reasons)-i)))
			break
		}
		if i == 0 {
			out = append(out, label("Because")+" "+r.Text)
		} else {
			out = append(out, more(r.Text))
		}
	}
	return out
}

// objective is the one the first reason about a budget is about; without one,
// the service's own with least left.
func (t *teller) objective() *gate.BudgetState {
	for _, r := range t.dec.Reasons {
		for i := range t.req.States {
			if s := &t.req.States[i]; strings.Contains(r.Text, s.Key()+":") {
				return s
			}
		}
	}
	var worst *gate.BudgetState
	for i := range t.req.States {
		s := &t.req.States[i]
		if s.Remaining != nil && !s.Dependency && (worst == nil || *s.Remaining < *worst.Remaining) {
			worst = s
		}
	}
	return worst
}

// left says how much budget there is, unless a reason does already.
func (t *teller) left(s *gate.BudgetState) []string {
	for i, r := range t.dec.Reasons {
		if i < mostReasons && strings.Contains(r.Text, s.Key()+":") && strings.Contains(r.Text, " left (spent ") {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s %s: %s", label("Left"), s.Key(), s.BudgetText())}
}

// lost says when and in which stretches the budget went.
func (t *teller) lost(s *gate.BudgetState) []string {
	var out []string
	for i, l := range s.Losses {
		if i == mostLosses {
			break
		}
		text := fmt.Sprintf("%s for %s: %s of %s %s bad, %s of the budget", t.env.Show(l.From), gate.Length(l.To.Sub(l.From)),
			gate.Number(l.Bad), gate.Number(l.Total), s.Unit(), gate.Percent(l.Share))
		if i == 0 {
			out = append(out, label("Lost")+" "+text)
		} else {
			out = append(out, more(text))
		}
	}
	return out
}

// changes says what happened just before the worst loss, or before the decision
// where no loss is known.
func (t *teller) changes(ctx context.Context, s *gate.BudgetState) ([]string, error) {
	since, what := t.dec.At, "the decision"
	if s != nil && len(s.Losses) > 0 {
		since, what = s.Losses[0].From, "it began"
	} else if t.dec.Verdict == decision.Pass {
		return nil, nil // nothing is wrong that a change could have brought
	}
	until := since.Add(behind)
	if until.After(t.entry.At) {
		until = t.entry.At
	}
	q := ledger.Query{From: since.Add(-before), To: until, Newest: true, Kinds: []ledger.Kind{
		ledger.KindDeploy, ledger.KindDocument, ledger.KindOverride, ledger.KindFreeze, ledger.KindExclusion,
		ledger.KindReset, ledger.KindEnd, ledger.KindDecision,
	}}
	var out []string
	for e, err := range t.env.Ledger.Scan(ctx, q) {
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "read the ledger", err, "")
		}
		text := t.change(e)
		if text == "" {
			continue
		}
		if len(out) == mostChanges {
			out = append(out, more("and more: `nines ledger` has them all"))
			break
		}
		text = fmt.Sprintf("%s %s", t.env.Show(e.At), text) + distance(since.Sub(e.At), what)
		if len(out) == 0 {
			out = append(out, label("Before it")+" "+text)
		} else {
			out = append(out, more(text))
		}
	}
	if len(out) == 0 {
		out = []string{label("Before it") + " nothing is recorded in the " + gate.Length(before) + " before " + what}
	}
	return out, nil
}

func distance(d time.Duration, what string) string {
	switch {
	case d > 0:
		return fmt.Sprintf(" (%s before %s)", gate.Length(d), what)
	case d < 0:
		return fmt.Sprintf(" (%s after %s)", gate.Length(-d), what)
	}
	return ""
}

// happening is what a change's entry says, as far as it says it.
type happening struct {
	Version     string `json:"version"`
	Environment string `json:"environment"`
	Reason      string `json:"reason"`
	Kind        string `json:"kind"`
	rungate.Record
}

// change puts an entry in words; "" for one that changed nothing here.
func (t *teller) change(e ledger.Entry) string {
	if e.ID == t.entry.ID || !t.concerns(e.Subject) {
		return ""
	}
	var body happening
	if err := json.Unmarshal(e.Body, &body); err != nil {
		body = happening{Reason: "(its entry cannot be read)"}
	}
	what := body.what(e.Kind)
	if what == "" {
		return ""
	}
	if e.Subject != t.req.Service && e.Subject != "" {
		what += " of " + e.Subject
	}
	if e.Actor != "" {
		what += " by " + e.Actor
	}
	if body.Reason != "" {
		what += ": " + body.Reason
	}
	return what
}

// what names a change; "" for what is none.
func (h *happening) what(kind ledger.Kind) string {
	switch kind {
	case ledger.KindDeploy:
		return strings.Join(strings.Fields("deployment "+h.Version+" "+h.Environment), " ")
	case ledger.KindDocument:
		return "change of the documents"
	case ledger.KindOverride:
		return strings.TrimSpace("override " + h.Version)
	case ledger.KindFreeze, ledger.KindExclusion, ledger.KindReset:
		return string(kind)
	case ledger.KindToken, ledger.KindNotice, ledger.KindAlert, ledger.KindSilence, ledger.KindRollout, ledger.KindIncident:
	case ledger.KindEnd:
		return "end of " + article(h.Kind)
	case ledger.KindDecision:
		// What the gate let go was probably deployed; what it held was not.
		if v := h.Decision.Verdict; (v == decision.Pass || v == decision.Warn) && h.Request.Change.Version != "" {
			return fmt.Sprintf("the gate let %s go (%s)", h.Request.Change.Version, v)
		}
	}
	return ""
}

func article(kind string) string {
	switch kind {
	case "override", "exclusion":
		return "an " + kind
	case "":
		return "something"
	}
	return "a " + kind
}

// concerns says whether an entry is about the service, about everything, or
// about something it depends on.
func (t *teller) concerns(subject string) bool {
	service, _, _ := strings.Cut(subject, "/")
	return subject == "" || subject == "*" || service == t.req.Service ||
		slices.ContainsFunc(t.req.States, func(s gate.BudgetState) bool { return s.Service == service })
}

// now says what may be done.
func (t *teller) now(ctx context.Context) []string {
	advice := rungate.Advice(ctx, t.env, *t.req)
	var out []string
	for i, a := range advice {
		if i == mostAdvice && len(advice) > mostAdvice+1 {
			// Leaving one out must not hide the last, which is the override.
			out = append(out, more(advice[len(advice)-1]))
			break
		}
		if i == 0 {
			out = append(out, label("Now")+" "+a)
		} else {
			out = append(out, more(a))
		}
	}
	return out
}
