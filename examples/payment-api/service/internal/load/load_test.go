package load_test

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/load"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/payment"
)

func shape(t *testing.T, name string, day time.Duration) load.Shape {
	t.Helper()
	s, err := load.ParseShape(name, day)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// Arrivals of a constant rate are a Poisson process: gaps of 1/rate on average,
// as wide as they are long, and counts whose variance is their mean.
func TestArrivalsAreByChance(t *testing.T) {
	const rate, seconds = 50.0, 2000
	a := load.NewArrivals(noon, rate, shape(t, "constant", 0), rand.New(rand.NewPCG(1, 2)).Float64)
	counts := make([]float64, seconds)
	var gaps, squares, n float64
	for before := noon; ; {
		at := a.Next()
		if !at.After(before) && at != before {
			t.Fatalf("%v comes after %v", at, before)
		}
		i := int(at.Sub(noon) / time.Second)
		if i >= seconds {
			break
		}
		counts[i]++
		gap := at.Sub(before).Seconds()
		gaps, squares, n, before = gaps+gap, squares+gap*gap, n+1, at
	}
	mean := gaps / n
	spread := math.Sqrt(squares/n - mean*mean)
	if math.Abs(mean*rate-1) > 0.02 || math.Abs(spread/mean-1) > 0.03 {
		t.Errorf("gaps of %v s, spread %v s", mean, spread)
	}
	var variance float64
	for _, c := range counts {
		variance += (c - n/seconds) * (c - n/seconds) / seconds
	}
	if ratio := variance / (n / seconds); ratio < 0.9 || ratio > 1.1 {
		t.Errorf("variance over mean of the counts is %v, want 1", ratio)
	}
}

// A day has its night, and takes as long as it is said to.
func TestDay(t *testing.T) {
	for _, length := range []time.Duration{24 * time.Hour, 10 * time.Minute} {
		s := shape(t, "day", length)
		midnight := noon.Truncate(length)
		night, afternoon := s(midnight.Add(length*3/24)), s(midnight.Add(length*15/24))
		if math.Abs(night-0.05) > 1e-9 || math.Abs(afternoon-1) > 1e-9 {
			t.Errorf("a day of %v: %v at three at night, %v at three in the afternoon", length, night, afternoon)
		}
	}
	for _, tc := range []struct {
		name string
		day  time.Duration
	}{{"week", time.Hour}, {"", time.Hour}, {"day", 0}, {"day", -1}} {
		if _, err := load.ParseShape(tc.name, tc.day); err == nil {
			t.Errorf("%q of %v is a shape", tc.name, tc.day)
		}
	}
}

// Each payment is one that the API takes, with a key of its own.
func TestPayments(t *testing.T) {
	p, seen := load.NewPayments("t", rand.Float64), map[string]bool{}
	for range 1000 {
		r, err := payment.Parse(p.Next(), "")
		if err != nil || seen[r.Key] {
			t.Fatalf("%+v: %v", r, err)
		}
		seen[r.Key] = true
	}
}

// The loop is open: requests go out though none has been answered yet, and what
// is under way when the load is told to stop is waited for and counted.
func TestOpenLoop(t *testing.T) {
	const want = 60
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	var arrived atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		if arrived.Add(1) == want {
			cancel()
			close(release)
		}
		<-release
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(server.Close)
	got, err := load.Run(ctx, load.Options{URL: server.URL, Rate: 2000, Shape: shape(t, "constant", 0), Draw: rand.Float64})
	if err != nil || got.Sent < want || got.Status[http.StatusCreated] != got.Sent || got.Lost != 0 || got.Failed() != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if got.Latency.Max < got.Service.Max || got.Latency.P50 <= 0 || got.Latency.P50 > got.Latency.P999 {
		t.Errorf("%+v", got)
	}
}

// A request that had to wait for others counts from when it was due: with one at
// a time, what the caller waits is more than what the service takes.
func TestWaitingCounts(t *testing.T) {
	const requests = 40
	ctx, cancel := context.WithCancel(t.Context())
	var arrived atomic.Int32
	first := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if arrived.Add(1) == 1 {
			<-first // the others become due meanwhile
		}
	}))
	t.Cleanup(server.Close)
	got, err := load.Run(ctx, load.Options{
		URL: server.URL, Rate: 1000, Shape: shape(t, "constant", 0), InFlight: 1,
		Draw: func() func() float64 {
			n := 0
			return func() float64 { // a draw for each gap, and one that keeps it; four more make the payment
				if n++; n == requests*6 {
					cancel()
					close(first)
				}
				return 0.5
			}
		}(),
	})
	if err != nil || got.Sent < 2 || got.Late == 0 || got.Latency.P50 <= got.Service.P50 {
		t.Errorf("%+v, %v", got, err)
	}
}

// A service that is away is a result; options that cannot be are errors.
func TestTrouble(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	o := load.Options{URL: server.URL, Rate: 1000, Shape: shape(t, "constant", 0), Draw: rand.Float64, Duration: 30 * time.Millisecond}
	got, err := load.Run(t.Context(), o)
	if err != nil || got.Lost != got.Sent || got.Failed() != got.Sent || got.Sent == 0 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, change := range []func(*load.Options){
		func(o *load.Options) { o.URL = "127.0.0.1:80" }, func(o *load.Options) { o.URL = "" }, func(o *load.Options) { o.URL = "ftp://a" },
		func(o *load.Options) { o.Rate = 0 }, func(o *load.Options) { o.Rate = math.NaN() }, func(o *load.Options) { o.Rate = math.Inf(1) },
		func(o *load.Options) { o.Duration = -1 },
	} {
		p := o
		change(&p)
		if _, err := load.Run(t.Context(), p); err == nil {
			t.Errorf("%+v is taken", p)
		}
	}
}

// The report says it for people and for programs.
func TestReport(t *testing.T) {
	r := load.Report{
		Sent: 1000, Took: 10 * time.Second, Status: map[int]int{201: 900, 402: 50, 500: 40}, Lost: 10, Late: 3,
		Latency: load.Percentiles{P50: 40 * time.Millisecond, Max: time.Second},
	}
	var b strings.Builder
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1000 payments in 10.0 s, 100.0 a second", "201      900   90.0 %", "500       40    4.0 %", "no answer  10", "p50 40.0 ms", "max 1000.0 ms", "3 were sent"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if r.Failed() != 50 {
		t.Errorf("%d failed", r.Failed())
	}
	if text, err := json.Marshal(r); err != nil || !strings.Contains(string(text), `"p50_ns":40000000`) {
		t.Errorf("%s, %v", text, err)
	}
}
