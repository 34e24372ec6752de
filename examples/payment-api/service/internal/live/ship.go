package live

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/front"
)

// ship rolls the new version out beside the old one: both serve behind a front
// that splits the traffic, nines moves it and judges, and in the end one of the two
// has all of it.
func (r *runner) ship(ctx context.Context) error {
	s := r.screen
	s.title("2. Versions " + r.opt.Before + " and " + r.opt.Version + " stand side by side")
	f, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer f.close()
	s.say("  front         %s/process   sends each payment to one of the two, by weight", f.door)
	s.say("From now on %g payments a second arrive there, by chance.", r.opt.Rate)
	stop := r.load(ctx, f.door)
	defer stop()
	r.env = append(r.env, "PAYMENT_API="+r.opt.Self, "PAYMENT_API_FRONT="+f.admin)
	if r.opt.Fault != "" {
		s.say("\nVersion %s has a fault: %s.", r.opt.Version, meaning(r.opt.Fault))
	}
	s.title("3. The new version proves itself, or goes back")
	code, err := r.nines(ctx, "canary", "payment-api", "--env", "local", "--version", r.opt.Version)
	if err != nil {
		return err
	}
	if _, err := r.nines(ctx, "why"); err != nil {
		return err
	}
	s.title("4. Who has the traffic now, and what the clients saw")
	if err := front.Do(ctx, f.admin, func(string) string { return "" }, r.opt.Out); err != nil {
		return err
	}
	report := stop()
	if err := report.Print(r.opt.Out); err != nil {
		return err
	}
	return r.shipped(code)
}

// shipped says what it came to, and whether that is what was to be shown.
func (r *runner) shipped(code int) error {
	want := pass
	if r.opt.Fault != "" {
		want = fail
	}
	r.screen.say("\nEverything stops now. What was decided and done is in %s; go on with", r.opt.Config+"/.nines")
	r.screen.say("\n  bin/nines --config %s replay\n  bin/nines --config %[1]s ledger --offline", r.opt.Config)
	if r.opt.Fault == "" {
		r.screen.say("  make ship FAULT=errors     # or latency-body, latency-tail, slow-dependency")
	}
	return unless(code == want, fmt.Sprintf("the canary ended with %d, not %d", code, want))
}

// opened is a front that serves.
type opened struct {
	door, admin string
	servers     []*http.Server
}

func (o *opened) close() {
	for _, s := range o.servers {
		_ = s.Close() // what it serves still is given up
	}
}

// open starts both versions, and the front before them.
func (r *runner) open(ctx context.Context) (*opened, error) {
	versions := map[string]*url.URL{}
	for _, v := range []string{r.opt.Before, r.opt.Version} {
		at, err := r.service(ctx, v)
		if err != nil {
			return nil, err
		}
		if versions[v], err = url.Parse(at.api); err != nil {
			return nil, err
		}
		r.screen.say("  version %s  %s", v, at.api)
		if v == r.opt.Version && r.opt.Fault != "" {
			if err := call(ctx, http.MethodPut, at.admin+"/fault", strings.NewReader(r.opt.Fault)); err != nil {
				return nil, err
			}
		}
	}
	f := front.New(versions, r.opt.Before, rand.Float64)
	out := &opened{}
	for _, part := range []struct {
		at *string
		of http.Handler
	}{{&out.door, f}, {&out.admin, f.Admin()}} {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			out.close()
			return nil, err
		}
		s := &http.Server{Handler: part.of, ReadHeaderTimeout: 10 * time.Second}
		out.servers = append(out.servers, s)
		*part.at = "http://" + l.Addr().String()
		go func() {
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				r.parts.fail(fmt.Errorf("the front: %w", err))
			}
		}()
	}
	return out, nil
}
