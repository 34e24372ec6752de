package lambdahost

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/poll"
	"gitlab.com/nines-sre/nines/internal/run/status"
)

// state is what is kept from one invocation to the next.
type state struct {
	host    *host.Host
	catalog *config.Catalog
	session *host.Session
	step    *poll.Stepper
	last    map[string]status.Entry // how objectives stood when last measured
}

// env is the shells' environment at an instant.
func (s *state) env(now time.Time) *run.Env {
	env := *s.session.Env
	env.Now = now
	return &env
}

// open loads the documents and opens the stores, or goes on with those of the
// last invocation if the documents are the same. Where the documents can be
// read and the store cannot be opened, the state comes back with the error: the
// gate has an answer to that.
func (f *Function) open(ctx context.Context, now time.Time) (*state, error) {
	st := f.state
	if st == nil {
		st = &state{host: f.host(now)}
	}
	st.host.Now = func() time.Time { return now }
	catalog, err := st.host.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	if st.session != nil && st.catalog == catalog {
		st.session.Now = now
		return st, nil
	}
	f.forget(ctx)
	st = &state{host: st.host, catalog: catalog, last: map[string]status.Entry{}}
	session, err := st.host.OpenWith(ctx, catalog, host.ReadWrite)
	if err != nil {
		if st.session, _ = st.host.Storeless(catalog); st.session == nil { // the zone is wrong: the same error again
			return nil, err
		}
		return st, err
	}
	if !session.Kept() {
		return nil, host.Closing(fault.New(fault.Invalid, "open store "+session.URL, "it keeps nothing between two invocations",
			"set NINES_STORE to a table, as dynamodb:nines"), session.Close)
	}
	st.session = session
	st.session.Log = f.log
	if f.Getenv("NINES_ACTOR") == "" {
		st.session.Actor = "lambda " + f.Getenv("AWS_LAMBDA_FUNCTION_NAME")
	}
	f.state = st
	return st, nil
}

// host is the command line's, without a terminal and with Lambda's defaults:
// documents are in the folder slo of the package unless NINES_CONFIG says
// otherwise.
func (f *Function) host(now time.Time) *host.Host {
	w := f.w.Wiring
	w.Cache = &config.Cache{}
	h := &host.Host{
		Process: host.Process{Out: io.Discard, Err: io.Discard, Getenv: f.Getenv, Now: func() time.Time { return now }},
		Wiring:  w, Globals: host.Globals{Quiet: true},
	}
	if f.Getenv("NINES_CONFIG") == "" {
		h.Config = []string{filepath.Join(f.Getenv("LAMBDA_TASK_ROOT"), "slo")}
	}
	return h
}

// forget closes what is open and begins anew with the next invocation.
func (f *Function) forget(ctx context.Context) {
	if f.state == nil {
		return
	}
	if err := f.state.session.Close(); err != nil {
		f.log.LogAttrs(ctx, slog.LevelWarn, "the store did not close", slog.String("error", err.Error()))
	}
	f.state = nil
}
