// Package live runs the example whole, on one machine and without an account: a
// local CloudWatch, the payment API with its card network, the load that is put
// on it, and nines, which measures it and answers the gate.
package live

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/fault"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/load"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/simulate"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/web"
)

// Options say how the run goes.
type Options struct {
	Nines, Self string // the programs
	Config      string // the folder of documents; its .nines is written anew
	Before      string // the version of the past
	Version     string // the one that goes live
	Fault       string // what is switched on while it runs; "": nothing
	Ship        bool   // roll the new version out beside the old one
	Rate        float64
	Past        time.Duration // how much of a past is simulated
	Limit       time.Duration // when a run that has come to nothing ends
	Out, Err    io.Writer
	Color       bool
	Environ     []string
	// Record writes what a version tells about itself, by a clock.
	Record func(w io.Writer, version string, now func() time.Time) web.Recorder
	Now    func() time.Time
}

// The gate's exit codes.
const (
	pass = 0
	fail = 3
)

const (
	// lag is how long after its end a minute may be used; the documents say so.
	lag = time.Minute
	// enough is how much of the live traffic has to be measured before the gate is
	// asked about it.
	enough = 30 * time.Second
	// grace is for the line of a minute's last request to be read.
	grace = 2 * time.Second
)

type runner struct {
	opt    Options
	screen *screen
	parts  *parts
	env    []string
	aws    []string // what clients of the local CloudWatch have to know
	counts atomic.Pointer[load.Report]
}

// ErrInterrupted says that the run was told to stop, and has stopped.
var ErrInterrupted = errors.New("interrupted; everything is stopped")

// Run runs it until the gate has answered about live traffic: the way it should,
// or not, which is an error. When ctx ends everything is stopped.
func Run(ctx context.Context, opt Options) (err error) {
	if _, err := fault.Parse(opt.Fault); err != nil {
		return err
	}
	told := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx, limit := context.WithTimeoutCause(ctx, opt.Limit, fmt.Errorf("nothing has come of it within %v", opt.Limit))
	defer limit()
	r := &runner{opt: opt, screen: &screen{to: opt.Out, color: opt.Color}, parts: &parts{fail: cancel}}
	r.env = append(plain(opt.Environ), "NINES_CONFIG="+opt.Config)
	defer func() {
		r.screen.close()
		r.parts.stop()
		switch cause := context.Cause(ctx); {
		case err != nil && told.Err() != nil:
			err = ErrInterrupted
		case err != nil && cause != nil:
			err = cause
		}
	}()
	// Everything begins anew, so that it can be run again.
	if err := errors.Join(os.RemoveAll(filepath.Dir(r.log())), os.MkdirAll(filepath.Dir(r.log()), 0o750)); err != nil {
		return err
	}
	return r.steps(ctx)
}

// steps are what happens, in its order.
func (r *runner) steps(ctx context.Context) error {
	url, err := r.cloudWatch(ctx)
	if err != nil {
		return err
	}
	s := r.screen
	s.say("%s", s.bold("A payment API, measured live. Everything runs on this machine; nothing needs an account."))
	s.say("  CloudWatch    %s   a local one; it reads the service's lines in %s", url, r.log())
	s.say("  objectives    %s   99.9 %% of the payments succeed, 99 %% within 300 ms, in an hour", r.opt.Config)
	if err := r.before(ctx, url); err != nil {
		return err
	}
	if r.opt.Ship {
		return r.ship(ctx)
	}
	at, err := r.deploy(ctx)
	if err != nil {
		return err
	}
	return r.live(ctx, at)
}

// before gives the service a past, and asks the gate about it.
func (r *runner) before(ctx context.Context, url string) error {
	s := r.screen
	s.title("1. An hour needs a past")
	n, err := r.past(ctx, url)
	if err != nil {
		return err
	}
	s.say("Simulated: %s payments that version %s took in the last %.0f minutes, by the same code under a clock of its own.", thousands(n), r.opt.Before, r.opt.Past.Minutes())
	s.say("Without it nothing could be decided: what is not measured is not good.")
	if _, err := r.nines(ctx, "measure", "--since", "2h"); err != nil {
		return err
	}
	code, err := r.nines(ctx, "gate", "payment-api", "--env", "local", "--version", r.opt.Version)
	return errors.Join(err, unless(err != nil || code == pass, "the gate does not pass the simulated past"))
}

// deploy starts the new version.
func (r *runner) deploy(ctx context.Context) (addresses, error) {
	s := r.screen
	s.title("2. Version " + r.opt.Version + " goes live")
	at, err := r.service(ctx, r.opt.Version)
	if err != nil {
		return at, err
	}
	s.say("  payment API   %s/process", at.api)
	s.say("  card network  %s   what it depends on", at.network)
	_, err = r.nines(ctx, "record", "deployment", "payment-api", "--env", "local", "--version", r.opt.Version)
	return at, err
}

// past simulates what lies behind, up to now.
func (r *runner) past(ctx context.Context, url string) (payments int, err error) {
	var lines bytes.Buffer
	now := r.opt.Now().UTC()
	constant, err := load.ParseShape("constant", 0)
	if err != nil {
		return 0, err
	}
	payments, err = simulate.Run(ctx, simulate.Options{
		From: now.Add(-r.opt.Past), To: now, Rate: r.opt.Rate, Shape: constant, Seed: rand.Uint64(), Version: r.opt.Before, Patience: 2 * time.Second, //nolint:gosec // chance, not secrecy
		Record: func(c *simulate.Clock) web.Recorder { return r.opt.Record(&lines, r.opt.Before, c.Now) },
	})
	if err != nil {
		return payments, err
	}
	return payments, post(ctx, url+"/emf", &lines)
}

// chunk is how many bytes of lines are sent at once.
const chunk = 4 << 20

// post sends lines in portions.
func post(ctx context.Context, url string, lines io.Reader) error {
	in := bufio.NewReaderSize(lines, 64<<10)
	var part bytes.Buffer
	for end := false; !end; {
		line, err := in.ReadBytes('\n')
		part.Write(line)
		if end = err != nil; end && !errors.Is(err, io.EOF) {
			return err
		}
		if part.Len() >= chunk || end && part.Len() > 0 {
			if err := call(ctx, http.MethodPost, url, &part); err != nil {
				return err
			}
			part.Reset()
		}
	}
	return nil
}

// call makes a request whose answer has to be a success.
func call(ctx context.Context, method, url string, body io.Reader) error {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err != nil || res.StatusCode/100 != 2 {
		return errors.Join(fmt.Errorf("%s %s: %s: %s", method, url, res.Status, text), err)
	}
	return nil
}

// live puts load on the service, breaks it if asked to, and asks the gate.
func (r *runner) live(ctx context.Context, at addresses) error {
	s := r.screen
	s.say("\nFrom now on %g payments a second arrive, by chance, whether or not the service keeps up.", r.opt.Rate)
	stop := r.load(ctx, at.api)
	defer stop()
	if r.opt.Fault != "" {
		s.say("\n%s", s.bold("$ curl -X PUT --data "+r.opt.Fault+" "+at.admin+"/fault"))
		if err := call(ctx, http.MethodPut, at.admin+"/fault", strings.NewReader(r.opt.Fault)); err != nil {
			return err
		}
		s.say("It misbehaves now: %s.", meaning(r.opt.Fault))
	}
	code, err := r.watch(ctx)
	if err != nil {
		return err
	}
	if _, err := r.nines(ctx, "status"); err != nil {
		return err
	}
	if code == fail {
		if _, err := r.nines(ctx, "why"); err != nil {
			return err
		}
	}
	s.title("3. What the clients saw")
	report := stop()
	if err := report.Print(r.opt.Out); err != nil {
		return err
	}
	return r.end(code)
}

// load sends payments beside everything else; stop ends it and returns what came
// of it. It may be called again.
func (r *runner) load(ctx context.Context, url string) (stop func() load.Report) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan load.Report, 1)
	constant, _ := load.ParseShape("constant", 0) // a shape there is
	go func() {
		report, err := load.Run(ctx, load.Options{
			URL: url, Rate: r.opt.Rate, Shape: constant, Draw: rand.Float64,
			Every: 500 * time.Millisecond, Progress: func(now load.Report) { r.counts.Store(&now) },
		})
		if err != nil {
			r.parts.fail(err)
		}
		done <- report
	}()
	var report *load.Report
	return func() load.Report {
		cancel()
		if report == nil {
			got := <-done
			report = &got
		}
		return *report
	}
}

// watch waits until enough of the live traffic is measured and asks the gate; with
// a fault, minute after minute until the gate is halted.
func (r *runner) watch(ctx context.Context) (code int, err error) {
	began := r.opt.Now()
	r.screen.say("CloudWatch counts by the minute, and a minute is used once it has been over for one. At least %.0f s of this have to be in.", enough.Seconds())
	next := began.Add(enough).Truncate(time.Minute)
	if next.Before(began.Add(enough)) {
		next = next.Add(time.Minute)
	}
	for {
		usable := next.Add(lag + grace)
		r.screen.say("What came before %s UTC can be used in %.0f s.", next.UTC().Format("15:04"), usable.Sub(r.opt.Now()).Seconds())
		if err := r.wait(ctx, began, usable); err != nil {
			return 0, err
		}
		code, err := r.nines(ctx, "gate", "payment-api", "--env", "local")
		if err != nil || r.opt.Fault == "" || code == fail {
			return code, err
		}
		r.screen.say("Not halted yet; the next minute will tell.")
		next = next.Add(time.Minute)
	}
}

// wait shows how the load goes until an instant.
func (r *runner) wait(ctx context.Context, began, until time.Time) error {
	every := 10 * time.Second
	if r.screen.color {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	end := time.NewTimer(until.Sub(r.opt.Now()))
	defer end.Stop()
	defer r.screen.close()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-end.C:
			return nil
		case now := <-tick.C:
			if c := r.counts.Load(); c != nil {
				r.screen.progress("  %3.0f s  %s payments, %s failed", now.Sub(began).Seconds(), thousands(c.Sent), thousands(c.Failed()))
			}
		}
	}
}

// end says what it came to, and whether that is what was to be shown.
func (r *runner) end(code int) error {
	s, config := r.screen, r.opt.Config
	want := pass
	if r.opt.Fault != "" {
		want = fail
	}
	s.say("\nEverything stops now. What was measured and decided is in %s; go on with", filepath.Dir(r.log()))
	s.say("\n  bin/nines --config %s status payment-api/availability --offline\n  bin/nines --config %[1]s replay", config)
	if r.opt.Fault == "" {
		s.say("  make run FAULT=errors     # or latency-body, latency-tail, slow-dependency")
	}
	return unless(code == want, fmt.Sprintf("the gate ended with %d, not %d", code, want))
}

func unless(ok bool, text string) error {
	if ok {
		return nil
	}
	return errors.New(text)
}
