package lambdahost

import (
	"context"
	"time"

	clistatus "gitlab.com/nines-sre/nines/internal/cli/status"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/status"
)

// status answers how objectives stand, from the history alone: the schedule
// keeps it up to date.
func (*Function) status(ctx context.Context, st *state, ev Event, at time.Time, answer *Answer) error {
	env := st.env(answer.At)
	entries, err := status.Read(ctx, env, status.Options{At: at, Select: ev.Select})
	if err != nil {
		return err
	}
	a := clistatus.View{Entries: entries, Zone: env.Zone, Now: env.Now}.Answer()
	answer.Status = &a
	return nil
}

// gate answers whether a deployment may go: it brings in the newest minutes,
// decides and records. opened is what kept the store from being opened; the
// policy's onError answers to that.
func (*Function) gate(ctx context.Context, st *state, opened error, ev Event, at time.Time, answer *Answer) error {
	if st == nil || fault.KindOf(opened) == fault.Canceled && opened != nil {
		return opened
	}
	env := st.env(answer.At)
	ask := rungate.Options{
		Service: ev.Service, Environment: ev.Environment, At: at, Trouble: opened,
		Change: gate.Change{Class: gate.ClassChange, Version: ev.Version, Actor: env.Actor},
	}
	if subjects := rungate.Subjects(st.catalog, ev.Service); len(subjects) > 0 && opened == nil {
		ask.Trouble = st.host.BringIn(ctx, st.session, subjects)
		if ask.Trouble != nil && fault.KindOf(ask.Trouble) == fault.Canceled {
			return ask.Trouble
		}
	}
	out, err := rungate.Run(ctx, env, ask)
	if err != nil {
		return err
	}
	answer.Gate = &Gate{Decision: out.Decision, Advice: out.Advice}
	answer.ExitCode = out.ExitCode
	return nil
}
