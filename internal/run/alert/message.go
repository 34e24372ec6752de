package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// changeReach is how far before a burn began changes are named.
const changeReach = 2 * time.Hour

// mostChanges is how many are.
const mostChanges = 5

// message says what an event is, at an instant. What cannot be read is left out:
// what burns matters more than what is known beside it.
func message(ctx context.Context, env *run.Env, l *Letter, now time.Time) notify.Message {
	e := &l.Event
	a := notify.Alert{
		Status: statusOf(e.Kind), Severity: e.Severity.String(), Incident: e.Incident, Objective: e.Objective, Policy: e.Policy,
		Condition: conditionName(e), Escalates: e.Escalates, Again: l.Unsure, Remaining: e.Remaining, Notes: notes(e),
	}
	if e.Since > 0 {
		a.StartsAt = e.Since.Time()
	}
	if e.Ended > 0 {
		a.EndsAt = e.Ended.Time()
	}
	if a.Status == notify.Firing && e.LongLook > 0 {
		a.Long, a.Short = &notify.Rate{Lookback: slo.FormatLength(e.LongLook), Value: e.Long}, &notify.Rate{Lookback: slo.FormatLength(e.ShortLook), Value: e.Short}
		a.Bad, a.Total = e.Bad, e.Total
	}
	if o := objective(env.Catalog, e.Objective); o != nil {
		describe(ctx, env, e, o, &a)
	}
	if a.Status != notify.Resolved {
		a.Changes, a.Looked = changes(ctx, env, e)
	}
	m := notify.OfAlert(a, now, env.Zone)
	m.Verdict = string(e.Kind)
	return m
}

func statusOf(k alert.Kind) notify.Status {
	switch k {
	case alert.Resolved:
		return notify.Resolved
	case alert.NoData:
		return notify.NoData
	case alert.DataBack:
		return notify.DataBack
	case alert.Opened, alert.Escalated, alert.HeldBack:
	}
	return notify.Firing
}

// conditionName is the last part of a rule's ID, without the policy behind it.
func conditionName(e *alert.Event) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(e.Rule, e.Objective+"/"), "@")
	return name
}

// notes are the reasons that the numbers of the alert do not say.
func notes(e *alert.Event) (out []string) {
	for _, r := range e.Reasons {
		switch r.Code {
		case "burning", "budget", "ended", "escalated":
		default:
			out = append(out, r.Text)
		}
	}
	return out
}

func objective(c *config.Catalog, key string) *config.Objective {
	for i := range c.Objectives {
		if c.Objectives[i].Key() == key {
			return &c.Objectives[i]
		}
	}
	return nil
}

// describe says what the documents and the history know of the objective.
func describe(ctx context.Context, env *run.Env, e *alert.Event, o *config.Objective, a *notify.Alert) {
	a.SLO, a.Target = o.SLO, o.Target.String()
	if o.Window != nil {
		a.Window = o.Window.String()
	}
	for name, values := range o.Labels {
		if a.Labels == nil {
			a.Labels = map[string]string{}
		}
		a.Labels[name] = strings.Join(values, ",")
	}
	at := slices.IndexFunc(o.Conditions, func(c slo.Condition) bool { return c.Name == a.Condition })
	switch {
	case at >= 0 && o.Conditions[at].Weighted && len(e.Reasons) > 0 && a.Status == notify.Firing:
		a.Notes = append([]string{e.Reasons[0].Text}, a.Notes...) // its threshold is no rate
	default:
		a.Threshold = e.Threshold
	}
	if a.Status == notify.NoData || a.Status == notify.DataBack {
		return
	}
	entries, err := status.Read(ctx, env, status.Options{At: e.At.Time(), Select: []string{o.Service + "/" + o.SLO}})
	if err != nil {
		return
	}
	for i := range entries {
		if st := &entries[i].Status; entries[i].Objective.Key() == e.Objective {
			a.Exhausts = exhausts(st, e.LongLook)
			a.Lost = lost(ctx, env, e, o, st)
		}
	}
}

// exhausts is in how many seconds the budget is gone if errors keep arriving as in
// a look-back.
func exhausts(st *slo.Status, lookback slo.Minute) *int64 {
	for _, x := range st.Exhausts {
		if x.Lookback == lookback && x.In != nil {
			return new(int64(*x.In) * 60)
		}
	}
	return nil
}

// lost is the share of the budget that an incident cost, from where its short
// look-back began to its end, or to now; nil for a composite.
func lost(ctx context.Context, env *run.Env, e *alert.Event, o *config.Objective, st *slo.Status) *float64 {
	if len(o.Members) > 0 || st.Budget.Allowed <= 0 || e.Since == 0 {
		return nil
	}
	end := e.At
	if e.Ended > 0 {
		end = e.Ended
	}
	span := slo.Span{From: e.Since - e.ShortLook, To: end}
	id, step := measure.SliceID(&o.Objective), slo.Minute(1)
	if o.Budgeting != slo.Occurrences {
		step = max(1, o.Slice)
	}
	views, err := env.History.Open(ctx, []timeline.Request{{ID: id, Step: step, Frontier: end, Points: []slo.Span{span}}})
	if v := views[id]; err == nil && v != nil {
		bad := 0.0
		for _, c := range v.Points(span) {
			bad += c.Bad().Float()
		}
		return new(bad / st.Budget.Allowed)
	}
	return nil
}

// changes are deployments, overrides and changed documents shortly before, and how
// far back was looked; 0: nobody could.
func changes(ctx context.Context, env *run.Env, e *alert.Event) (out []notify.Change, looked time.Duration) {
	if env.Ledger == nil || e.Since == 0 {
		return nil, 0
	}
	q := ledger.Query{
		Kinds: []ledger.Kind{ledger.KindDeploy, ledger.KindOverride, ledger.KindDocument}, Subject: e.Service,
		From: e.Since.Time().Add(-changeReach), To: e.At.Time(), Newest: true, Limit: mostChanges,
	}
	for entry, err := range env.Ledger.Scan(ctx, q) {
		if err != nil {
			return out, 0
		}
		var body struct {
			Version string `json:"version"`
			Reason  string `json:"reason"`
		}
		text := string(entry.Kind)
		if json.Unmarshal(entry.Body, &body) == nil {
			text = strings.TrimSpace(fmt.Sprintf("%s %s", entry.Kind, body.Version))
			if body.Reason != "" {
				text += ": " + body.Reason
			}
		}
		out = append(out, notify.Change{At: entry.At, Kind: string(entry.Kind), Text: text, Actor: entry.Actor, ID: entry.ID})
	}
	return out, changeReach
}
