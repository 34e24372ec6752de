package host

import (
	"context"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/run"
	runalert "gitlab.com/nines-sre/nines/internal/run/alert"
	"gitlab.com/nines-sre/nines/internal/run/status"
)

// Alerts decides what was measured and tells whom it concerns. A store that keeps
// nothing has no alerts.
//
// Left is how much time there is for telling; nil: as much as it takes.
func (h *Host) Alerts(ctx context.Context, s *Session, env *run.Env, entries []status.Entry, left func() time.Duration) (runalert.Report, error) {
	if !s.Kept() {
		return runalert.Report{}, nil
	}
	return runalert.Run(ctx, env, runalert.Options{Entries: entries, Open: h.alertTarget, By: env.Actor, Now: h.Now, Chart: true, Left: left})
}

// TellAlerts is [Host.Alerts] for a terminal: what happened gets a line on
// standard error. Without entries it reads how the selected objectives stand.
func (h *Host) TellAlerts(ctx context.Context, s *Session, entries []status.Entry, selected []string) error {
	if !s.Kept() {
		return nil
	}
	env := *s.Env
	env.Now = h.Now()
	if entries == nil {
		var err error
		if entries, err = status.Read(ctx, &env, status.Options{Select: selected}); err != nil {
			return err
		}
	}
	rep, err := h.Alerts(ctx, s, &env, entries, nil)
	for i := range rep.Events {
		e := &rep.Events[i]
		h.Note("alert %s: %s, %s", e.Kind, e.Rule, e.Reasons[0].Text)
	}
	for i := range rep.Told {
		h.Note("told %s of %s", rep.Told[i].Target, rep.Told[i].Event.Incident)
	}
	for i := range rep.Failed {
		h.Note("%s could not be told and will be again: %s", rep.Failed[i].Target, rep.Failed[i].Error)
	}
	for i := range rep.Dead {
		h.Note("%s was given up: %s", rep.Dead[i].Target, rep.Dead[i].Error)
	}
	return err
}

// alertTarget opens a target, its secrets looked up.
func (h *Host) alertTarget(ctx context.Context, name string, a notify.Address) (notify.Target, error) {
	a, _, err := h.Resolve(ctx, a)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "tell "+name, err, "")
	}
	at := forge.Where{URL: strings.TrimSuffix(h.Getenv("CI_SERVER_URL"), "/"), Project: h.Getenv("CI_PROJECT_PATH")}
	return h.OpenTarget(a, at, ForgeAccess{JobToken: h.Getenv("CI_JOB_TOKEN")})
}
