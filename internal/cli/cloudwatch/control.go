package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runcloudwatch "gitlab.com/nines-sre/nines/internal/run/cloudwatch"
)

// endpoint is the flag that names the one to talk to.
type endpoint struct{ url string }

func (e *endpoint) flag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&e.url, "endpoint", "", "`URL` of the local CloudWatch (AWS_ENDPOINT_URL_CLOUDWATCH, AWS_ENDPOINT_URL; default http://"+runcloudwatch.Address+")")
}

// timeout is how long one question to it may take.
const timeout = time.Minute

func (e *endpoint) control(h *host.Host) runcloudwatch.Control {
	url := e.url
	for _, name := range []string{"AWS_ENDPOINT_URL_CLOUDWATCH", "AWS_ENDPOINT_URL"} {
		if url == "" {
			url = h.Getenv(name)
		}
	}
	if url == "" {
		url = "http://" + runcloudwatch.Address
	}
	return runcloudwatch.Control{URL: url, Client: &http.Client{Timeout: timeout}}
}

// newClock returns the verb that reads and sets the clock.
func newClock(h *host.Host) *cobra.Command {
	var (
		at      endpoint
		frozen  bool
		advance string
	)
	cmd := &cobra.Command{
		Use:   "clock [TIME | real]",
		Short: "Read the clock of a local CloudWatch, or set it",
		Long: "Retention, the age of data it takes and Metrics Insights' window follow its clock.\n" +
			"Without an argument the clock is shown. `real` returns it to the real time.",
		Example: "  nines cloudwatch clock\n" +
			"  nines cloudwatch clock 2025-02-05T00:00:00Z --frozen\n" +
			"  nines cloudwatch clock --advance 5m\n" +
			"  nines cloudwatch clock real",
		Args: host.Args(0, 1, "TIME or real"),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := h.Format(formats()...)
			if err != nil {
				return err
			}
			state, err := moveClock(cmd.Context(), h, at.control(h), args, frozen, advance)
			if err != nil {
				return err
			}
			if format == "json" {
				return host.JSON(h.Out, state)
			}
			_, err = io.WriteString(h.Out, clockText(state)+"\n")
			return err
		},
	}
	at.flag(cmd)
	cmd.Flags().BoolVar(&frozen, "frozen", false, "let it stand at TIME")
	cmd.Flags().StringVar(&advance, "advance", "", "move it forward by this `LENGTH`, as 5m")
	return host.Describe(cmd, formats(), nil)
}

func moveClock(ctx context.Context, h *host.Host, c runcloudwatch.Control, args []string, frozen bool, advance string) (cloudwatchd.ClockState, error) {
	switch {
	case advance != "" && (len(args) > 0 || frozen):
		return cloudwatchd.ClockState{}, fault.New(fault.Invalid, "--advance "+advance, "it moves the clock from where it is", "leave TIME and --frozen out")
	case advance != "":
		by, err := host.ParseDuration("--advance", advance)
		if err != nil {
			return cloudwatchd.ClockState{}, err
		}
		return c.AdvanceClock(ctx, by)
	case len(args) == 0 && frozen:
		return c.SetClock(ctx, h.Now(), true)
	case len(args) == 0:
		return c.Clock(ctx)
	case args[0] == "real" && !frozen:
		return c.ReleaseClock(ctx)
	}
	to, err := host.ParseTime("clock", args[0], time.UTC, h.Now())
	if err != nil {
		return cloudwatchd.ClockState{}, err
	}
	return c.SetClock(ctx, to, frozen)
}

// newFault returns the verb that injects faults.
func newFault(h *host.Host) *cobra.Command {
	var (
		at    endpoint
		f     cloudwatchd.Fault
		delay time.Duration
		clean bool
	)
	cmd := &cobra.Command{
		Use:   "fault [KIND]",
		Short: "Inject a fault into a local CloudWatch, or list those in force",
		Long: "KIND is one of:\n" +
			"  throttle, internal, error   the call is refused\n" +
			"  latency, cut                the answer comes late, or breaks off in the middle\n" +
			"  partial, row_error, forbidden, stray, short_page\n" +
			"                              results are incomplete, failed, refused, or hold too much\n" +
			"  late, drop                  published data appear later, or never\n\n" +
			"Without KIND the faults in force are listed.",
		Example: "  nines cloudwatch fault throttle --operation GetMetricData --times 3\n" +
			"  nines cloudwatch fault late --metric Latency --delay 10m\n" +
			"  nines cloudwatch fault partial --rate 0.2 --seed 7\n" +
			"  nines cloudwatch fault --clear",
		Args: host.Args(0, 1, "KIND"),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := h.Format(formats()...)
			if err != nil {
				return err
			}
			f.Delay = cloudwatchd.Delay(delay)
			all, err := changeFaults(cmd.Context(), at.control(h), args, f, clean)
			if err != nil {
				return err
			}
			return showFaults(h, format, all)
		},
	}
	at.flag(cmd)
	fl := cmd.Flags()
	fl.BoolVar(&clean, "clear", false, "remove the faults in force first")
	fl.StringVar(&f.Operation, "operation", "", "only this `OPERATION`, as GetMetricData")
	fl.StringVar(&f.Namespace, "namespace", "", "only metrics of this `NAMESPACE`")
	fl.StringVar(&f.Metric, "metric", "", "only metrics of this `NAME`")
	fl.IntVar(&f.After, "after", 0, "spare the first `N` occasions")
	fl.IntVar(&f.Times, "times", 0, "strike `N` times, then no more (default always)")
	fl.Float64Var(&f.Rate, "rate", 0, "strike with this `PROBABILITY` (default always)")
	fl.Uint64Var(&f.Seed, "seed", 0, "`SEED` of the dice of --rate: the same one, the same run")
	fl.DurationVar(&delay, "delay", 0, "`LENGTH` of latency, or of being late")
	fl.StringVar(&f.Code, "code", "", "`CODE` that error answers with")
	fl.StringVar(&f.Message, "message", "", "`TEXT` that error answers with")
	fl.IntVar(&f.Status, "status", 0, "`STATUS` that error answers with (default 400)")
	return host.Describe(cmd, formats(), nil)
}

func changeFaults(ctx context.Context, c runcloudwatch.Control, args []string, f cloudwatchd.Fault, clean bool) ([]cloudwatchd.Fault, error) {
	if clean {
		if err := c.ClearFaults(ctx); err != nil {
			return nil, err
		}
	}
	if len(args) == 0 {
		return c.Faults(ctx)
	}
	f.Kind = cloudwatchd.FaultKind(args[0])
	return c.Inject(ctx, f)
}

func showFaults(h *host.Host, format string, all []cloudwatchd.Fault) error {
	if format == "json" {
		return host.JSON(h.Out, all)
	}
	var b strings.Builder
	if len(all) == 0 {
		b.WriteString("no faults in force\n")
	}
	for _, f := range all {
		text, err := json.Marshal(f)
		if err != nil {
			return err
		}
		b.WriteString(term.Clean(string(text)) + "\n")
	}
	_, err := io.WriteString(h.Out, b.String())
	return err
}

// asked is what was requested of it, as scripts read it.
type asked struct {
	cloudwatchd.Totals
	Lines cloudwatchd.EMFReport `json:"emf"`
}

// newRequests returns the verb that says what was asked, and what AWS would bill.
func newRequests(h *host.Host) *cobra.Command {
	var (
		at    endpoint
		reset bool
	)
	cmd := &cobra.Command{
		Use:   "requests",
		Short: "Say what was asked of a local CloudWatch, and what AWS bills of it",
		Example: "  nines cloudwatch requests\n" +
			"  nines cloudwatch requests --reset\n" +
			"  nines cloudwatch requests -o json | jq .metrics_requested",
		Args: host.Args(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := h.Format(formats()...)
			if err != nil {
				return err
			}
			c := at.control(h)
			totals, err := c.Totals(cmd.Context(), reset)
			if err != nil {
				return err
			}
			lines, err := c.EMFTotals(cmd.Context())
			if err != nil {
				return err
			}
			return showAsked(h, format, asked{totals, lines})
		},
	}
	at.flag(cmd)
	cmd.Flags().BoolVar(&reset, "reset", false, "forget the requests once they are shown")
	return host.Describe(cmd, formats(), nil)
}

func showAsked(h *host.Host, format string, a asked) error {
	if format == "json" {
		return host.JSON(h.Out, a)
	}
	var b strings.Builder
	count := func(n int, what string) { fmt.Fprintf(&b, "%12s  %s\n", term.Count(float64(n)), what) }
	for _, op := range slices.Sorted(maps.Keys(a.Calls)) {
		count(a.Calls[op], term.Clean(op)+" calls")
	}
	for _, code := range slices.Sorted(maps.Keys(a.Errors)) {
		count(a.Errors[code], "answered "+term.Clean(code))
	}
	count(a.MetricsRequested, "metrics requested (GetMetricData is billed by them)")
	count(a.SingleRequests, "requests billed one by one (GetMetricStatistics, ListMetrics)")
	count(a.Datapoints, "datapoints answered")
	count(a.BusiestCalls, "calls in the busiest second")
	count(a.Lines.Lines, fmt.Sprintf("metric lines read: %s data, %d lines ignored, %d with something left out",
		term.Count(float64(a.Lines.Data)), a.Lines.Ignored, a.Lines.Bad))
	for _, bad := range a.Lines.First {
		fmt.Fprintf(&b, "  line %d: %s\n", bad.Line, term.Clean(strings.Join(bad.Reasons, "; ")))
	}
	_, err := io.WriteString(h.Out, b.String())
	return err
}
