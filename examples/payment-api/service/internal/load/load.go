package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Options say what is sent, and where.
type Options struct {
	// URL is the payment API's, without a path.
	URL string
	// Rate is payments a second at the shape's peak.
	Rate float64
	// Duration is how long payments are sent; 0: until ctx ends.
	Duration time.Duration
	Shape    Shape
	// Timeout is how long one answer may take; 0: ten seconds.
	Timeout time.Duration
	// InFlight is how many requests may be without an answer at a time; those
	// beyond wait, and their wait counts. 0: 2,000.
	InFlight int
	// Draw is chance; it is called by one goroutine.
	Draw func() float64
	// Every and Progress: the counts so far are told so often; nil: never.
	Every    time.Duration
	Progress func(Report)
}

// prepared fills in what was left out, and refuses what cannot be.
func (o Options) prepared() (Options, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return o, fmt.Errorf("%q is no address of a payment API: want a URL, as in http://127.0.0.1:8080", o.URL)
	case !(o.Rate > 0 && o.Rate <= 100_000):
		return o, fmt.Errorf("a rate of %v: want payments a second, above 0 and up to 100000", o.Rate)
	case o.Duration < 0:
		return o, fmt.Errorf("a duration of %v: want one above 0", o.Duration)
	}
	o.URL = u.JoinPath("/process").String()
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.InFlight <= 0 {
		o.InFlight = 2000
	}
	return o, nil
}

// Run sends payments until the duration is over or ctx ends; those under way are
// waited for. The error is one of the options: a service that does not answer is
// a result.
func Run(ctx context.Context, o Options) (Report, error) {
	o, err := o.prepared()
	if err != nil {
		return Report{}, err
	}
	began := time.Now()
	g := &generator{
		opt: o, tally: &tally{r: Report{Status: map[int]int{}}}, slots: make(chan struct{}, o.InFlight),
		client: &http.Client{Timeout: o.Timeout, Transport: &http.Transport{MaxIdleConns: o.InFlight, MaxIdleConnsPerHost: o.InFlight, IdleConnTimeout: 30 * time.Second}},
	}
	defer g.client.CloseIdleConnections()
	stop := g.tell()
	g.send(ctx, began)
	g.all.Wait()
	stop()
	return g.tally.report(time.Since(began)), nil
}

type generator struct {
	opt    Options
	tally  *tally
	client *http.Client
	slots  chan struct{}
	all    sync.WaitGroup
}

// tell reports progress until it is stopped.
func (g *generator) tell() (stop func()) {
	if g.opt.Progress == nil || g.opt.Every <= 0 {
		return func() {}
	}
	done := make(chan struct{})
	var told sync.WaitGroup
	told.Go(func() {
		tick := time.NewTicker(g.opt.Every)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				g.opt.Progress(g.tally.counts())
			}
		}
	})
	return func() { close(done); told.Wait() }
}

// send starts each request when it is due.
func (g *generator) send(ctx context.Context, began time.Time) {
	arrivals := NewArrivals(began, g.opt.Rate, g.opt.Shape, g.opt.Draw)
	payments := NewPayments("load-"+strconv.FormatInt(began.UnixNano(), 36), g.opt.Draw)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due := arrivals.Next()
		if g.opt.Duration > 0 && due.Sub(began) >= g.opt.Duration {
			timer.Reset(time.Until(began.Add(g.opt.Duration))) // the rest of the time has no request
			select {
			case <-ctx.Done():
			case <-timer.C:
			}
			return
		}
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		body := payments.Next()
		// What is under way when the load is stopped is still answered.
		g.all.Go(func() { g.one(context.WithoutCancel(ctx), due, body) })
	}
}

// one sends a request and waits for its answer.
func (g *generator) one(ctx context.Context, due time.Time, body []byte) {
	g.slots <- struct{}{}
	defer func() { <-g.slots }()
	sent := time.Now()
	status := g.ask(ctx, body)
	g.tally.add(due, sent, time.Now(), status)
}

func (g *generator) ask(ctx context.Context, body []byte) (status int) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.opt.URL, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := g.client.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0
	}
	return res.StatusCode
}
