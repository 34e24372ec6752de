package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/fault"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/front"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/load"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/observe"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/simulate"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/web"
	"gitlab.com/nines-sre/nines/telemetry"
)

// sendLoad is the verb: payments until the time is over or it is interrupted, and
// the report in any case.
func sendLoad(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	o := load.Options{Draw: rand.Float64}
	flags.StringVar(&o.URL, "url", "http://127.0.0.1:8080", "`URL` of the payment API")
	flags.Float64Var(&o.Rate, "rate", 20, "payments a second, at the shape's peak")
	flags.DurationVar(&o.Duration, "duration", 0, "how long; 0: until it is interrupted")
	flags.DurationVar(&o.Timeout, "timeout", 10*time.Second, "how long one answer may take")
	flags.IntVar(&o.InFlight, "in-flight", 2000, "how many requests may be without an answer at a time")
	shape := flags.String("shape", "constant", "constant, or day: night and noon")
	day := flags.Duration("day", 24*time.Hour, "how long a day takes")
	format := flags.String("o", "text", "text or json")
	if err := parse(flags, args); err != nil {
		return err
	}
	var err error
	if o.Shape, err = load.ParseShape(*shape, *day); err != nil {
		return err
	}
	report, err := load.Run(ctx, o)
	switch {
	case err != nil:
		return err
	case *format == "json":
		return json.NewEncoder(os.Stdout).Encode(report)
	default:
		return report.Print(os.Stdout)
	}
}

// split is the verb that documents name as the program that moves traffic: nines
// says by the environment what is wanted.
func split(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("split", flag.ContinueOnError)
	at := flags.String("url", os.Getenv("PAYMENT_API_FRONT"), "`URL` of the front's admin port (PAYMENT_API_FRONT)")
	if err := parse(flags, args); err != nil {
		return err
	}
	if *at == "" {
		return errors.New("split: say where the front is, with -url or PAYMENT_API_FRONT")
	}
	return front.Do(ctx, *at, os.Getenv, os.Stdout)
}

// simulated is the verb: metric lines of a stretch of time that nobody waits for.
func simulated(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	o := simulate.Options{Version: versionOr(version), Patience: patience}
	from := flags.String("from", "", "`TIME` to begin at (RFC 3339)")
	to := flags.String("to", "", "`TIME` to end at (RFC 3339); now unless said")
	length := flags.Duration("for", time.Hour, "how long before the end it begins, without --from")
	flags.Float64Var(&o.Rate, "rate", 20, "payments a second, at the shape's peak")
	flags.Uint64Var(&o.Seed, "seed", 1, "what makes a run repeatable")
	shape := flags.String("shape", "constant", "constant, or day: night and noon")
	faultText := flags.String("fault", os.Getenv("FAULT"), "`FAULT` (FAULT), as serve takes it")
	faultFrom := flags.String("fault-from", "", "`TIME` from which the fault is in force; the beginning unless said")
	counts := flags.Bool("counts", false, "print what each minute had, as JSON lines, and no metric lines")
	runs := flags.Int("runs", 1, "how often, each time with the next seed; with -counts")
	bound := flags.Duration("bound", 300*time.Millisecond, "what takes longer is slow; with -counts")
	if err := parse(flags, args); err != nil {
		return err
	}
	var err error
	if o.Shape, err = load.ParseShape(*shape, 24*time.Hour); err != nil {
		return err
	}
	if o.Faults, err = fault.Parse(*faultText); err != nil {
		return err
	}
	o.To, err = instant("to", *to, time.Now().UTC())
	if err == nil {
		o.From, err = instant("from", *from, o.To.Add(-*length))
	}
	if err == nil {
		o.FaultFrom, err = instant("fault-from", *faultFrom, o.From)
	}
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	if *counts {
		return errors.Join(counted(ctx, o, out, trials{*runs, *bound}), out.Flush())
	}
	o.Record = func(c *simulate.Clock) web.Recorder { //nolint:contextcheck // what it makes outlives a request
		return simulatedObserver(out, o.Version, c.Now)
	}
	_, err = simulate.Run(ctx, o)
	return errors.Join(err, out.Flush())
}

// trials are runs that are counted.
type trials struct {
	runs  int
	bound time.Duration
}

// counted lives through the same stretch again and again, each time by other
// dice, and prints what the minutes had.
func counted(ctx context.Context, o simulate.Options, out io.Writer, t trials) error {
	for run := range t.runs {
		var counter *simulate.Counter
		o.Record = func(c *simulate.Clock) web.Recorder {
			counter = simulate.NewCounter(out, c, simulate.Counts{Run: run, Version: o.Version}, t.bound)
			return counter
		}
		if _, err := simulate.Run(ctx, o); err != nil {
			return err
		}
		if err := counter.End(o.To); err != nil {
			return err
		}
		o.Seed++
	}
	return nil
}

// simulatedObserver writes lines to w by another clock, whatever the environment
// says about a service.
func simulatedObserver(w io.Writer, version string, now func() time.Time) web.Recorder { //nolint:ireturn // the port
	nothing := func(string) string { return "" }
	t := telemetry.New(append(observe.Options(observe.PaymentAPI, version, nothing), observe.Simulated(w, now)...)...)
	return observe.Flushed{Observer: observe.New(t, version, "")}
}

func instant(name, text string, unless time.Time) (time.Time, error) {
	if text == "" {
		return unless, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("-%s %q is no time: want RFC 3339, as 2026-03-02T12:00:00Z", name, text)
	}
	return t, nil
}
