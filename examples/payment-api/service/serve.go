package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/cardnet"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/fault"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/observe"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/payment"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/web"
	"gitlab.com/nines-sre/nines/telemetry"
)

const (
	// patience is how long the card network's answer is waited for.
	patience = 2 * time.Second
	// remembered and rememberFor bound what is known of earlier payments.
	remembered  = 100_000
	rememberFor = 24 * time.Hour
	// stopsIn is how long requests under way may take when it is told to stop.
	stopsIn = 5 * time.Second
)

// wallClock is the machine's. It implements payment.Clock.
type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// newService makes the core that a server and a function share.
func newService(network payment.Network, faults *fault.Switch, version string) *payment.Service {
	return &payment.Service{
		Network: network, Faults: faults, Clock: wallClock{}, Draw: rand.Float64, Version: version,
		Memory: payment.NewMemory(remembered, rememberFor),
	}
}

// faultsOf reads FAULT's words into a switch.
func faultsOf(text string) (*fault.Switch, error) {
	plan, err := fault.Parse(text)
	if err != nil {
		return nil, err
	}
	s := &fault.Switch{}
	s.Set(plan)
	return s, nil
}

// serve is the verb: the API, the admin endpoint and, unless there is another, a
// card network, each on its own port, until ctx ends.
func serve(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`HOST:PORT` of the API; port 0 takes a free one")
	admin := flags.String("admin", "127.0.0.1:0", "`HOST:PORT` of the admin endpoint, on this machine only; \"\": none")
	network := flags.String("card-network", os.Getenv("CARD_NETWORK_URL"), "`URL` of the card network (CARD_NETWORK_URL); \"\": one of its own")
	faultText := flags.String("fault", os.Getenv("FAULT"), "`FAULT` to begin with (FAULT): errors, latency-body, latency-tail, slow-dependency, with :RATE:DELAY")
	if err := parse(flags, args); err != nil {
		return err
	}
	faults, err := faultsOf(*faultText)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	v := versionOr(version)
	tel, flush := telemetry.Start(ctx, observe.Options(observe.PaymentAPI, v, os.Getenv)...)
	defer func() { err = errors.Join(err, flush(context.WithoutCancel(ctx))) }()
	s := &servers{fail: cancel}
	defer s.stop(ctx)
	if *network == "" {
		// A stand-in: what there is to tell about it, the client's spans tell.
		n := &cardnet.Network{Clock: wallClock{}, Draw: rand.Float64, Faults: faults}
		if *network, err = s.start(ctx, "127.0.0.1:0", cardnet.Handler(n)); err != nil {
			return err
		}
	}
	client, err := cardnet.Dial(*network, tel.Trace.Transport(http.DefaultTransport), patience)
	if err != nil {
		return err
	}
	url, err := s.start(ctx, *addr, tel.Middleware(web.Handler(newService(client, faults, v), observe.New(tel, v, ""))))
	if err != nil {
		return err
	}
	said := fmt.Sprintf("payment-api %s listens at %s, card network %s", v, url, *network)
	if *admin != "" {
		at, err := s.admin(ctx, *admin, faults)
		if err != nil {
			return err
		}
		said += ", admin " + at
	}
	fmt.Fprintln(os.Stderr, said)
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// cardNetwork is the verb: the dependency alone.
func cardNetwork(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("card-network", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8090", "`HOST:PORT` to listen on; port 0 takes a free one")
	faultText := flags.String("fault", os.Getenv("FAULT"), "`FAULT` to begin with (FAULT): slow-dependency, with :RATE:DELAY")
	if err := parse(flags, args); err != nil {
		return err
	}
	faults, err := faultsOf(*faultText)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	tel, flush := telemetry.Start(ctx, observe.Options(observe.CardNetwork, versionOr(version), os.Getenv)...)
	defer func() { err = errors.Join(err, flush(context.WithoutCancel(ctx))) }()
	s := &servers{fail: cancel}
	defer s.stop(ctx)
	n := &cardnet.Network{Clock: wallClock{}, Draw: rand.Float64, Faults: faults}
	url, err := s.start(ctx, *addr, tel.Middleware(cardnet.Handler(n)))
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "card network listens at", url)
	<-ctx.Done()
	return nil
}

// servers run side by side and stop together.
type servers struct {
	fail context.CancelCauseFunc
	all  []*http.Server
	work sync.WaitGroup
}

// start serves h and returns its URL.
func (s *servers) start(ctx context.Context, addr string, h http.Handler) (url string, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("listen on %s: %w", addr, err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, IdleTimeout: time.Minute}
	s.all = append(s.all, server)
	s.work.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.fail(fmt.Errorf("serve %s: %w", addr, err))
		}
	})
	return "http://" + l.Addr().String(), nil
}

// admin serves the endpoint that switches faults, to this machine only.
func (s *servers) admin(ctx context.Context, addr string, faults *fault.Switch) (url string, err error) {
	host, _, err := net.SplitHostPort(addr)
	if ip, bad := netip.ParseAddr(host); err != nil || !strings.EqualFold(host, "localhost") && (bad != nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("the admin endpoint breaks the service for whoever reaches it: want an address of this machine only, as 127.0.0.1:0, not %q", addr)
	}
	return s.start(ctx, addr, web.Admin(faults))
}

// stop lets requests under way end, and breaks off those that do not.
func (s *servers) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopsIn)
	defer cancel()
	for _, server := range s.all {
		if server.Shutdown(ctx) != nil {
			_ = server.Close() // it was given its time
		}
	}
	s.work.Wait()
}
