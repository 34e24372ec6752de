package handover

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/render/handover"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// The kinds of entries about alerts.
const (
	kindAlert   ledger.Kind = "alert"
	kindSilence ledger.Kind = "silence"
)

// earlier is how long before the stretch a silence or an incident may have begun
// that still matters in it.
const earlier = 90 * 24 * time.Hour

// body is what bodies of entries have in common, as far as it is shown.
type body struct {
	Of          string    `json:"of"` // of an end: the entry that ends
	Version     string    `json:"version"`
	Environment string    `json:"environment"`
	Reason      string    `json:"reason"`
	Author      string    `json:"author"`
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	Error       string    `json:"error"`  // of notices
	Deploy      string    `json:"deploy"` // of incidents: what did it
	// Phase and State are of rollouts.
	Phase string `json:"phase"`
	State struct {
		Outcome string `json:"outcome"`
		Version string `json:"version"`
	} `json:"state"`
}

// ended says how a rollout ended, in words; "" for a step on its way, and for one
// that was promoted, which its deployment tells.
func (b *body) ended(service string) string {
	if b.Phase != "end" || b.State.Outcome == "" || b.State.Outcome == "promoted" || b.State.Outcome == "nothing" {
		return ""
	}
	return strings.Join(strings.Fields("a rollout of "+service+" "+b.State.Version+" ended: "+b.State.Outcome), " ")
}

// alertBody is the body of an entry about an alert.
type alertBody struct {
	Kind      json.RawMessage `json:"kind"`
	Incident  string          `json:"incident"`
	Objective string          `json:"objective"`
	Severity  json.RawMessage `json:"severity"`
	At        slo.Minute      `json:"at"`
	Fired     slo.Minute      `json:"fired"`
	Ended     slo.Minute      `json:"ended"`
	HeldBy    string          `json:"held_by"`
	Reasons   []struct {
		Text string `json:"text"`
	} `json:"reasons"`
}

// gathering is a report on its way.
type gathering struct {
	r    *handover.Report
	opt  Options
	ends map[string]time.Time // of marks, by ID
	open map[string]int       // incidents, by ID
	// marks are silences and freezes: which of them ended shows later.
	marks []mark
}

type mark struct {
	id   string
	kind ledger.Kind
	handover.Stretch
}

// records reads the ledger. What an entry's body does not say is left out; an
// entry that cannot be read hides no other.
func records(ctx context.Context, env *run.Env, opt Options, r *handover.Report) error {
	if env.Ledger == nil {
		return nil
	}
	g := &gathering{r: r, opt: opt, ends: map[string]time.Time{}, open: map[string]int{}}
	q := ledger.Query{
		Kinds: []ledger.Kind{
			ledger.KindDeploy, ledger.KindOverride, ledger.KindDocument, ledger.KindReset, ledger.KindFreeze, ledger.KindExclusion,
			ledger.KindEnd, ledger.KindNotice, kindAlert, kindSilence, ledger.KindRollout, ledger.KindIncident,
		},
		From: r.From.Add(-earlier), To: r.To.Add(time.Second), // the end of a query is not in it
	}
	for e, err := range env.Ledger.Scan(ctx, q) {
		if err != nil {
			return fault.Wrap(fault.Unavailable, "read the ledger", err, "")
		}
		var b body
		if e.Kind == ledger.KindNotice { // its "to" is somebody, not an instant
			b.Error = noticeError(e.Body)
		} else if json.Unmarshal(e.Body, &b) != nil {
			continue
		}
		if concerns(e.Subject, opt.Select) {
			g.entry(e, &b)
		}
	}
	g.finish()
	return nil
}

func noticeError(data json.RawMessage) string {
	var n struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(data, &n) != nil {
		return ""
	}
	return n.Error
}

// concerns says whether an entry's subject is one of those asked for.
func concerns(subject string, selected []string) bool {
	return len(selected) == 0 || subject == "*" || slices.ContainsFunc(selected, func(s string) bool {
		return subject == s || strings.HasPrefix(subject, s+"/") || strings.HasPrefix(s, subject+"/")
	})
}

func (g *gathering) entry(e ledger.Entry, b *body) {
	within := !e.At.Before(g.r.From) && !e.At.After(g.r.To)
	change := notify.Change{At: e.At, Kind: string(e.Kind), Actor: e.Actor, ID: e.ID}
	switch e.Kind {
	case ledger.KindOverride:
		if within {
			g.override(e, b, change)
		}
	case ledger.KindEnd:
		g.ends[b.Of] = e.At
	case ledger.KindFreeze, kindSilence:
		g.stretch(e, b)
	case kindAlert:
		g.alert(e)
	case ledger.KindNotice:
		if within {
			g.notice(e, b, change)
		}
	case ledger.KindDeploy, ledger.KindRollout, ledger.KindIncident, ledger.KindDocument, ledger.KindReset, ledger.KindExclusion:
		if change.Text = b.changed(e); within && change.Text != "" {
			g.r.Changes = append(g.r.Changes, change)
		}
	case ledger.KindDecision, ledger.KindToken:
	}
}

// changed says in words what an entry changed; "" for nothing.
func (b *body) changed(e ledger.Entry) string {
	switch e.Kind { //nolint:exhaustive // the others change nothing
	case ledger.KindDeploy:
		return join(e.Subject, b.Version, "went to", b.Environment)
	case ledger.KindRollout:
		return b.ended(e.Subject)
	case ledger.KindIncident:
		text := "users of " + e.Subject + " were hurt"
		if b.Deploy != "" {
			text += ", by " + b.Deploy
		}
		if b.Reason != "" {
			text += ": " + b.Reason
		}
		return text
	case ledger.KindDocument:
		return "the documents of " + e.Subject + " changed"
	case ledger.KindReset:
		return "the history of " + e.Subject + " was forgotten"
	case ledger.KindExclusion:
		return "a stretch of " + e.Subject + " was excluded: " + b.Reason
	}
	return ""
}

// override keeps who let a deployment through.
func (g *gathering) override(e ledger.Entry, b *body, change notify.Change) {
	if change.Text = "the gate of " + e.Subject + " was overridden"; b.Reason != "" {
		change.Text += ": " + b.Reason
	}
	g.r.Overrides = append(g.r.Overrides, change)
}

// notice keeps what somebody should have been told and was not.
func (g *gathering) notice(e ledger.Entry, b *body, change notify.Change) {
	if b.Error == "" {
		return
	}
	change.Text = "a notice about " + e.Subject + " was not told: " + b.Error
	g.r.Untold = append(g.r.Untold, change)
}

// join puts together what is there: "payment-api 1.4.2 went to production".
func join(subject, version, went, environment string) string {
	out := subject
	if version != "" {
		out += " " + version
	}
	if environment == "" {
		return out + " was deployed"
	}
	return out + " " + went + " " + environment
}

func (g *gathering) stretch(e ledger.Entry, b *body) {
	m := handover.Stretch{Subject: e.Subject, From: b.From, To: b.To, Author: b.Author, Reason: b.Reason}
	if m.From.IsZero() {
		m.From = e.At
	}
	if m.Author == "" {
		m.Author = e.Actor
	}
	g.marks = append(g.marks, mark{e.ID, e.Kind, m})
}

// stretches sorts out those that matter, ended ones with their end.
func (g *gathering) stretches() {
	r := g.r
	for _, k := range g.marks {
		m := k.Stretch
		if end, ok := g.ends[k.id]; ok && (m.To.IsZero() || end.Before(m.To)) {
			m.To = end
		}
		if m.From.After(r.To) || !m.To.IsZero() && !m.To.After(r.From) {
			continue
		}
		m.Holds = m.To.IsZero() || r.To.Before(m.To)
		if k.kind == kindSilence {
			r.Silences = append(r.Silences, m)
		} else {
			r.Freezes = append(r.Freezes, m)
		}
	}
}

// word reads what is written as a word, or, of a severity, as its number.
func word(raw json.RawMessage) string {
	switch text := string(bytes.Trim(raw, `"`)); text {
	case "0":
		return notify.Page
	case "1":
		return notify.Ticket
	default:
		return text
	}
}

// alert puts the entries of one incident together.
func (g *gathering) alert(e ledger.Entry) {
	var b alertBody
	if json.Unmarshal(e.Body, &b) != nil {
		return
	}
	at := e.At
	if b.At > 0 {
		at = b.At.Time()
	}
	switch word(b.Kind) {
	case "resolved":
		if i, ok := g.open[b.Incident]; ok {
			g.r.Incidents[i].Ended = at
			if b.Ended > 0 {
				g.r.Incidents[i].Ended = b.Ended.Time()
			}
		}
		return
	case "opened", "escalated", "held_back":
	default:
		return
	}
	if _, known := g.open[b.Incident]; known && word(b.Kind) != "escalated" {
		return
	}
	i := handover.Incident{ID: b.Incident, Objective: e.Subject, Severity: word(b.Severity), At: at, HeldBack: b.HeldBy}
	if len(b.Reasons) > 0 {
		i.Text = b.Reasons[0].Text
	}
	g.open[b.Incident] = len(g.r.Incidents)
	g.r.Incidents = append(g.r.Incidents, i)
}

// finish counts, leaves out what was over before the stretch, and turns lists
// round: newest first.
func (g *gathering) finish() {
	r := g.r
	zone := r.Zone
	if zone == nil {
		zone = time.UTC
	}
	g.stretches()
	r.Incidents = slices.DeleteFunc(r.Incidents, func(i handover.Incident) bool {
		return i.At.Before(r.From) && (i.HeldBack != "" || !i.Ended.IsZero() && !i.Ended.After(r.From))
	})
	for k := range r.Incidents {
		i := &r.Incidents[k]
		at := i.At.In(zone)
		hour := at.Hour()
		i.Night = g.opt.night(slo.Minute(hour)*slo.Hour + slo.Minute(at.Minute()))
		if i.HeldBack != "" || i.At.Before(r.From) {
			continue
		}
		if i.Severity == notify.Page {
			r.Hours[hour].Pages++
			if i.Night {
				r.Night.Pages++
			}
		} else {
			r.Hours[hour].Tickets++
		}
	}
	slices.Reverse(r.Incidents)
	slices.Reverse(r.Changes)
	slices.Reverse(r.Overrides)
	slices.Reverse(r.Untold)
	slices.Reverse(r.Silences)
	slices.Reverse(r.Freezes)
}
