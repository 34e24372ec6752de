package watch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// lately is how old a recorded deployment may be to be the one that is watched when
// nobody says which, beside the length of the watch.
const lately = 30 * time.Minute

// recordedLate is how long after a deployment it may be recorded and still be it.
const recordedLate = 10 * time.Minute

// deployment is one that is on record.
type deployment struct {
	at          time.Time
	id, version string
}

// find says which deployment is watched: the one that was named, else an unfinished
// watch, else the newest on record, else one that is done right now.
func (w *watcher) find(ctx context.Context) error {
	all, err := w.deployments(ctx)
	if err != nil {
		return err
	}
	w.deployed = w.opt.Deployed.UTC()
	if w.deployed.IsZero() {
		if w.deployed, err = w.unfinished(ctx); err != nil {
			return err
		}
	}
	now := w.env.Now.UTC().Truncate(time.Second)
	if w.deployed.IsZero() && len(all) > 0 && now.Sub(all[0].at) <= w.policy.Duration.Duration()+lately {
		w.deployed = all[0].at
	}
	if w.deployed.IsZero() {
		w.deployed = now
		w.out.Notes = append(w.out.Notes, "no deployment of "+w.opt.Service+" is on record lately: it is watched from now on")
	}
	if w.deployed.After(now) {
		return fault.New(fault.Invalid, "watch "+w.opt.Service, "the deployment lies in the future: "+w.deployed.Format(time.RFC3339), "say when it was done with --since")
	}
	w.name(all)
	return nil
}

// name takes the versions from the record, where nobody said them.
func (w *watcher) name(all []deployment) {
	i := slices.IndexFunc(all, func(d deployment) bool { return !d.at.After(w.deployed.Add(recordedLate)) })
	if i < 0 {
		return
	}
	w.opt.Version = cmp.Or(w.opt.Version, all[i].version)
	for _, d := range all[i:] {
		if d.version != all[i].version {
			w.opt.Before = cmp.Or(w.opt.Before, d.version)
			return
		}
	}
}

// deployments are those on record for the service and environment, newest first.
func (w *watcher) deployments(ctx context.Context) ([]deployment, error) {
	if w.env.Ledger == nil {
		return nil, nil
	}
	var out []deployment
	q := ledger.Query{Kinds: []ledger.Kind{ledger.KindDeploy}, Subject: w.opt.Service, Newest: true, To: w.env.Now.Add(time.Second)}
	for e, err := range w.env.Ledger.Scan(ctx, q) {
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "read the ledger", err, "")
		}
		var d rungate.Deployed
		if e.Subject != w.opt.Service || json.Unmarshal(e.Body, &d) != nil || !w.here(d.Environment) {
			continue
		}
		out = append(out, deployment{e.At.UTC().Truncate(time.Second), e.ID, d.Version})
	}
	return out, nil
}

// here says whether something is about the environment that is watched.
func (w *watcher) here(environment string) bool {
	return w.opt.Environment == "" || environment == "" || environment == w.opt.Environment
}

// id names the watch of a deployment.
func (w *watcher) id() string {
	return fmt.Sprintf("watch/%s/%s/%s", w.opt.Service, cmp.Or(w.opt.Environment, "-"), w.deployed.Format("20060102T150405Z"))
}

// weekNote says of an earlier week why it does not count; "": it does.
type weekNote struct {
	back    int
	span    slo.Span
	without string
}

// earlier finds the same hours of earlier weeks, and what happened in them.
func (w *watcher) earlier(ctx context.Context) error {
	if w.weeks != nil {
		return nil
	}
	weeks := []weekNote{}
	for k := 1; k <= w.policy.Weeks; k++ {
		s := w.span()
		back := slo.Minute(k) * slo.Week
		weeks = append(weeks, weekNote{back: k, span: slo.Span{From: s.From - back, To: s.To - back}})
	}
	if w.env.Ledger != nil {
		// Freezes and incidents may have begun long before.
		q := ledger.Query{
			Kinds: []ledger.Kind{ledger.KindDeploy, ledger.KindRollout, ledger.KindFreeze, ledger.KindIncident, ledger.KindAlert, ledger.KindEnd},
			To:    w.deployed,
		}
		ends := map[string]time.Time{}
		var seen []happening
		for e, err := range w.env.Ledger.Scan(ctx, q) {
			if err != nil {
				return fault.Wrap(fault.Unavailable, "read the ledger", err, "")
			}
			if h, ok := w.happened(&e, ends); ok {
				seen = append(seen, h)
			}
		}
		for i := range weeks {
			weeks[i].without = without(weeks[i].span, seen, ends)
		}
	}
	w.weeks = weeks
	return nil
}

// happening is something that makes a stretch no reference.
type happening struct {
	id, what string
	from, to time.Time // to zero: it has not ended
}

// happened reads what an entry says about the service; ok is false for nothing.
func (w *watcher) happened(e *ledger.Entry, ends map[string]time.Time) (h happening, ok bool) {
	if e.Kind == ledger.KindAlert {
		var a alert.Event
		if json.Unmarshal(e.Body, &a) != nil || a.Kind != alert.Resolved || !concerns(e.Subject, w.opt.Service) {
			return h, false
		}
		return happening{e.ID, "an incident", a.Since.Time(), a.Ended.Time()}, true
	}
	var b struct {
		Of          string    `json:"of"`
		Environment string    `json:"environment"`
		From        time.Time `json:"from"`
		To          time.Time `json:"to"`
	}
	if json.Unmarshal(e.Body, &b) != nil {
		return h, false
	}
	switch e.Kind {
	case ledger.KindEnd:
		ends[b.Of] = e.At
		return h, false
	case ledger.KindFreeze:
		return happening{e.ID, "a freeze", b.From, b.To}, e.Subject == "*" || e.Subject == w.opt.Service
	case ledger.KindIncident:
		return happening{e.ID, "an incident", b.From, b.To}, concerns(e.Subject, w.opt.Service)
	case ledger.KindDeploy, ledger.KindRollout:
		return happening{e.ID, "a deployment", e.At, e.At.Add(time.Second)}, e.Subject == w.opt.Service && w.here(b.Environment)
	case ledger.KindDecision, ledger.KindOverride, ledger.KindExclusion, ledger.KindReset, ledger.KindDocument, ledger.KindNotice,
		ledger.KindToken, ledger.KindAlert, ledger.KindSilence: // not asked for, or read above
	}
	return h, false
}

// concerns says whether a subject is the service or a part of it.
func concerns(subject, service string) bool {
	return subject == service || len(subject) > len(service) && subject[:len(service)+1] == service+"/"
}

// without says what keeps a stretch from being a reference; "": nothing.
func without(s slo.Span, seen []happening, ends map[string]time.Time) string {
	from, to := s.From.Time(), s.To.Time()
	for _, h := range seen {
		if end, ok := ends[h.id]; ok && (h.to.IsZero() || end.Before(h.to)) {
			h.to = end
		}
		if h.from.Before(to) && (h.to.IsZero() || h.to.After(from)) {
			return "it held " + h.what
		}
	}
	return ""
}

// compared are the stretches that are read of every metric.
func (w *watcher) compared() (after, before slo.Span) {
	after = w.span()
	until := slo.MinuteOf(w.deployed)
	return after, slo.Span{From: until - w.policy.Duration, To: until}
}
