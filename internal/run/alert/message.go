package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/run"
)

// Alerting is the event of messages about alerts.
const Alerting notify.Event = "alert"

// changeReach is how far before a burn began changes are named.
const changeReach = 2 * time.Hour

// mostChanges is how many are.
const mostChanges = 5

// message says in words what an event is.
func message(ctx context.Context, env *run.Env, l *Letter) notify.Message {
	e := &l.Event
	m := notify.Message{
		Event: Alerting, Service: e.Service, Verdict: string(e.Kind), At: e.At.Time(), Key: e.Incident,
		Title: title(e),
	}
	if l.Unsure {
		m.Lines = append(m.Lines, "This may have been told before: whoever sent it was interrupted.")
	}
	for _, r := range e.Reasons {
		m.Lines = append(m.Lines, r.Text)
	}
	if e.Since > 0 {
		m.Lines = append(m.Lines, "since "+env.Show(e.Since.Time()))
	}
	if e.Kind == alert.Resolved {
		m.Lines = append(m.Lines, "until "+env.Show(e.Ended.Time()))
		return m
	}
	m.Lines = append(m.Lines, changes(ctx, env, e)...)
	return m
}

func title(e *alert.Event) string {
	switch e.Kind {
	case alert.Opened, alert.HeldBack:
		return fmt.Sprintf("%s: %s burns its error budget", e.Severity, e.Objective)
	case alert.Escalated:
		return fmt.Sprintf("%s: %s burns its error budget, more than before", e.Severity, e.Objective)
	case alert.Resolved:
		return fmt.Sprintf("over: %s (%s)", e.Objective, e.Severity)
	case alert.NoData:
		return e.Objective + " cannot be judged: data is missing"
	case alert.DataBack:
		return e.Objective + " can be judged again"
	}
	return e.Objective
}

// changes are deployments and overrides of the service shortly before.
func changes(ctx context.Context, env *run.Env, e *alert.Event) (out []string) {
	if env.Ledger == nil || e.Since == 0 {
		return nil
	}
	q := ledger.Query{
		Kinds: []ledger.Kind{ledger.KindDeploy, ledger.KindOverride}, Subject: e.Service,
		From: e.Since.Time().Add(-changeReach), To: e.At.Time(), Newest: true, Limit: mostChanges,
	}
	for entry, err := range env.Ledger.Scan(ctx, q) {
		if err != nil {
			return out // what burns matters more than what changed
		}
		var body struct {
			Version string `json:"version"`
			Reason  string `json:"reason"`
		}
		if json.Unmarshal(entry.Body, &body) != nil {
			continue
		}
		text := fmt.Sprintf("before: %s %s by %s at %s", entry.Kind, body.Version, entry.Actor, env.Show(entry.At))
		if body.Reason != "" {
			text += ": " + body.Reason
		}
		out = append(out, text)
	}
	return out
}
