// Package cloudwatch runs a local CloudWatch, and talks to one that runs: sets
// its clock, injects faults, asks what was requested of it, loads history.
package cloudwatch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// Address is where a local CloudWatch listens unless told otherwise.
const Address = "127.0.0.1:4582"

const (
	// tailPoll is how often a followed file is looked at.
	tailPoll = 250 * time.Millisecond
	// stopsIn is how long requests under way may take when it is told to stop.
	stopsIn = 10 * time.Second
	// headerIn is how long a client may take to say what it wants.
	headerIn = 10 * time.Second
)

// Options say how a local CloudWatch is served.
type Options struct {
	// Listen is HOST:PORT; port 0 takes a free one.
	Listen string
	// Expose allows an address that others can reach: whoever reaches it may
	// read and write.
	Expose bool
	// Server is how it is built; its Clock is required.
	Server cloudwatchd.Config
	// At sets its clock; zero leaves the real time. Frozen stops it there.
	At     time.Time
	Frozen bool
	// Lines are read as embedded-metric-format lines until they end; nil: none.
	Lines io.Reader
	// Tail are files whose lines are followed, from their end, or from their
	// beginning with FromStart.
	Tail      []string
	FromStart bool
	// Ready is told once it listens.
	Ready func(Running) error
}

// Running is a local CloudWatch that listens.
type Running struct {
	URL    string                 `json:"url"`
	Home   cloudwatchd.Place      `json:"-"`
	Clock  cloudwatchd.ClockState `json:"clock"`
	Others bool                   `json:"-"` // others than this machine reach it
}

// Serve runs a local CloudWatch until ctx ends. Requests under way are answered
// and what was acknowledged is kept. When following a file or reading lines
// fails, it ends with that.
func Serve(ctx context.Context, opt Options) (err error) {
	listener, others, err := listen(ctx, opt)
	if err != nil {
		return err
	}
	server, err := cloudwatchd.New(ctx, opt.Server)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, server.Close(context.WithoutCancel(ctx))) }()
	setClock(server.Clock(), opt)
	web := &http.Server{Handler: server, ReadHeaderTimeout: headerIn}
	told := ctx // ends when it is told to stop; ctx ends as well when something fails
	ctx, cancel := context.WithCancelCause(told)
	defer cancel(nil)
	var work sync.WaitGroup
	work.Go(func() {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			cancel(fault.Wrap(fault.Unavailable, "serve "+opt.Listen, err, ""))
		}
	})
	for _, path := range opt.Tail {
		work.Go(func() {
			if err := server.TailEMF(ctx, server.Home(), path, opt.FromStart, tailPoll); err != nil {
				cancel(err)
			}
		})
	}
	lines := feed(ctx, server, opt.Lines, cancel)
	err = opt.Ready(Running{URL: "http://" + listener.Addr().String(), Home: server.Home(), Clock: server.ClockState(), Others: others})
	if err == nil {
		<-ctx.Done()
		if told.Err() == nil {
			err = context.Cause(ctx)
		}
	}
	cancel(nil)
	lines.stop()
	err = errors.Join(err, stop(ctx, web))
	work.Wait()
	return err
}

func setClock(c *cloudwatchd.Clock, opt Options) {
	at := opt.At
	if at.IsZero() {
		at = opt.Server.Clock()
	}
	switch {
	case opt.Frozen:
		c.Freeze(at)
	case !opt.At.IsZero():
		c.Set(at)
	}
}

// stop lets requests under way end, and breaks off those that do not.
func stop(ctx context.Context, web *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopsIn)
	defer cancel()
	if err := web.Shutdown(ctx); err != nil {
		return fault.Wrap(fault.Unavailable, "stop", errors.Join(err, web.Close()), "requests that were under way have no answer")
	}
	return nil
}

// listen opens the port; only this machine reaches it, unless asked for.
func listen(ctx context.Context, opt Options) (l net.Listener, others bool, err error) {
	host, _, err := net.SplitHostPort(opt.Listen)
	if err != nil {
		return nil, false, fault.Wrap(fault.Invalid, "--listen "+opt.Listen, err, "write HOST:PORT, as in "+Address)
	}
	others = !local(host)
	if others && !opt.Expose {
		return nil, true, fault.New(fault.Invalid, "--listen "+opt.Listen, "others than this machine would reach it, and could read and write without credentials",
			"listen on 127.0.0.1, or say --expose")
	}
	var c net.ListenConfig
	l, err = c.Listen(ctx, "tcp", opt.Listen)
	if err != nil {
		hint := ""
		if errors.Is(err, syscall.EADDRINUSE) {
			hint = "another one may run already; --listen 127.0.0.1:0 takes a free port"
		}
		return nil, others, fault.Wrap(fault.Unavailable, "listen on "+opt.Listen, err, hint)
	}
	return l, others, nil
}

// local says whether only this machine reaches a host.
func local(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
