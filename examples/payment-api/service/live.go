package main

import (
	"context"
	"flag"
	"os"
	"runtime"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/live"
)

// liveRun is the verb: everything at once, on this machine.
func liveRun(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("live", flag.ContinueOnError)
	o := live.Options{
		Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(), Now: time.Now,
		Record: simulatedObserver,
	}
	flags.StringVar(&o.Nines, "nines", "bin/nines", "the `PROGRAM` nines")
	flags.StringVar(&o.Config, "config", "examples/live", "`FOLDER` of the documents; its folder .nines is written anew")
	flags.StringVar(&o.Before, "before", "1.0.0", "the `VERSION` of the past")
	flags.StringVar(&o.Version, "version", versionOr("1.1.0"), "the `VERSION` that goes live (VERSION)")
	flags.StringVar(&o.Fault, "fault", os.Getenv("FAULT"), "`FAULT` to switch on while it runs (FAULT)")
	flags.Float64Var(&o.Rate, "rate", 20, "payments a second")
	flags.DurationVar(&o.Past, "past", 70*time.Minute, "how long a past to simulate")
	flags.BoolVar(&o.Ship, "ship", false, "roll the new version out beside the old one")
	flags.DurationVar(&o.Limit, "limit", 0, "when to give up (default 6m, 20m for -ship)")
	if err := parse(flags, args); err != nil {
		return err
	}
	if o.Limit == 0 {
		o.Limit = 6 * time.Minute
		if o.Ship {
			o.Limit = 20 * time.Minute
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o.Self = self
	if info, err := os.Stdout.Stat(); err == nil {
		o.Color = info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	// The system ends the parts with the thread that started them, not with the
	// process: this one stays.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return live.Run(ctx, o)
}
