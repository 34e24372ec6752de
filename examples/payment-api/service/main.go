// Command payment-api is the service of the example: a server, a Lambda function
// behind API Gateway when Lambda starts it, and what is needed to try it: the load
// that is put on it, a simulation of it, and a live run of all together.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/live"
)

// version is written by the linker (-X main.version=1.2.3); VERSION in the
// environment overrules it.
var version = "1.0.0"

const usage = `payment-api takes card payments, badly if asked to (FAULT).

  payment-api serve      answer POST /process and GET /health over HTTP
  payment-api load       send payments at a rate, and say what came back
  payment-api simulate   live through hours in seconds, and print the metric lines
  payment-api live       CloudWatch, service, load and the gate, on this machine
  payment-api split      print or move the split between two versions, for nines
  payment-api card-network   the dependency alone

payment-api VERB -h lists its flags. Started by Lambda it is a function.
`

// errUsage has been explained to the user.
var errUsage = errors.New("usage")

func main() {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		if err := asFunction(); err != nil {
			fmt.Fprintln(os.Stderr, "payment-api:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case errors.Is(err, live.ErrInterrupted):
		fmt.Fprintln(os.Stderr, "payment-api:", err)
		os.Exit(130) // as a shell says it of what was interrupted
	case err != nil:
		fmt.Fprintln(os.Stderr, "payment-api:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	verbs := map[string]func(context.Context, []string) error{
		"serve": serve, "card-network": cardNetwork, "load": sendLoad, "simulate": simulated, "live": liveRun, "split": split,
	}
	if len(args) > 0 {
		if verb := verbs[args[0]]; verb != nil {
			return verb(ctx, args[1:])
		}
	}
	to, err := io.Writer(os.Stderr), errUsage
	if len(args) == 1 && (args[0] == "help" || args[0] == "-h" || args[0] == "--help") {
		to, err = os.Stdout, nil
	}
	_, failed := fmt.Fprint(to, usage)
	return errors.Join(err, failed)
}

// parse reads a verb's flags, all of them: it has no other arguments.
func parse(flags *flag.FlagSet, args []string) error {
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return errUsage
	case err != nil:
		return errUsage // the flags have said why
	case flags.NArg() > 0:
		fmt.Fprintf(os.Stderr, "payment-api %s takes flags only, not %q\n", flags.Name(), flags.Arg(0))
		return errUsage
	}
	return nil
}

// versionOr is what the environment says, or else what is usual.
func versionOr(usual string) string {
	if v := os.Getenv("VERSION"); v != "" {
		return v
	}
	return usual
}
