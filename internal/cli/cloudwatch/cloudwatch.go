// Package cloudwatch is the verb that runs a local CloudWatch, with the verbs
// that talk to one that runs.
package cloudwatch

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runcloudwatch "gitlab.com/nines-sre/nines/internal/run/cloudwatch"
)

// options are the flags of the server.
type options struct {
	listen    string
	expose    bool
	data      string
	lines     bool
	tail      []string
	fromStart bool
	quota     bool
	clock     string
	frozen    bool
	account   string
	region    string
	linked    []string
}

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "cloudwatch",
		Short: "Run a local CloudWatch, for SDKs, the AWS CLI and these documents",
		Long: "Cloudwatch serves a CloudWatch of its own until it is interrupted. Every AWS SDK and the\n" +
			"AWS CLI can publish to it and read from it, services can send embedded-metric-format\n" +
			"lines, and documents of type CloudWatch are measured against it without an account.\n" +
			"It has no credentials: whoever reaches the port may read and write.\n\n" +
			"Without --data everything is in memory. With it, what was acknowledged survives a kill.",
		Example: "  nines cloudwatch\n" +
			"  nines cloudwatch --data .nines/cloudwatch.db --tail service.log\n" +
			"  ./service | nines cloudwatch --emf-stdin\n" +
			"  nines cloudwatch --clock 2025-02-05T00:00:00Z --frozen --quota\n" +
			"  nines cloudwatch --listen 127.0.0.1:0 -o json    # the address, for scripts",
		Args: host.Args(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return opt.run(cmd.Context(), h) },
	}
	opt.flags(cmd)
	cmd.AddCommand(newClock(h), newFault(h), newRequests(h), newLoad(h))
	return host.Describe(cmd, formats(), map[int]string{0: "it was told to stop", 1: "the port, the data file or a followed file could not be used"})
}

func (o *options) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", runcloudwatch.Address, "`HOST:PORT` to listen on; port 0 takes a free one")
	f.BoolVar(&o.expose, "expose", false, "allow an address that others than this machine reach")
	f.StringVar(&o.data, "data", "", "SQLite `FILE` that keeps the data (default in memory)")
	f.BoolVar(&o.lines, "emf-stdin", false, "read embedded-metric-format lines from standard input")
	f.StringArrayVar(&o.tail, "tail", nil, "follow a `FILE` of embedded-metric-format lines; may be given again")
	f.BoolVar(&o.fromStart, "from-start", false, "read files of --tail from their beginning, not from their end")
	f.BoolVar(&o.quota, "quota", false, "throttle as AWS does by default: 50 GetMetricData calls a second, and datapoints")
	f.StringVar(&o.clock, "clock", "", "let its clock begin at this `TIME` (default the real time)")
	f.BoolVar(&o.frozen, "frozen", false, "let its clock stand")
	f.StringVar(&o.account, "account", cloudwatchd.DefaultAccount, "`ACCOUNT` of callers whose access key is not twelve digits")
	f.StringVar(&o.region, "region", cloudwatchd.DefaultRegion, "`REGION` of callers that name none, and of metric lines")
	f.StringSliceVar(&o.linked, "linked", nil, "`ACCOUNTS` whose metrics callers may read by naming them")
}

func formats() []string { return []string{"text", "json"} }

func (o *options) run(ctx context.Context, h *host.Host) error {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	opt := runcloudwatch.Options{
		Listen: o.listen, Expose: o.expose, Frozen: o.frozen, Tail: o.tail, FromStart: o.fromStart,
		Server: cloudwatchd.Config{Clock: h.Now, Path: o.data, Account: o.account, Region: o.region, Linked: o.linked, Log: h.Logger()},
		Ready:  func(r runcloudwatch.Running) error { return o.greet(h, format, r) },
	}
	if o.clock != "" {
		if opt.At, err = host.ParseTime("--clock", o.clock, time.UTC, h.Now()); err != nil {
			return err
		}
	}
	if o.quota {
		opt.Server.Quota = cloudwatchd.AWSQuota()
	}
	if o.lines {
		opt.Lines = h.In
	}
	for _, a := range append([]string{o.account}, o.linked...) {
		if len(a) != 12 || strings.Trim(a, "0123456789") != "" {
			return fault.New(fault.Invalid, "account "+a, "it is not an account", "an account is twelve digits")
		}
	}
	return runcloudwatch.Serve(ctx, opt)
}

// started is what scripts read: one line.
type started struct {
	runcloudwatch.Running
	Account string            `json:"account"`
	Region  string            `json:"region"`
	Data    string            `json:"data,omitempty"` // the file; absent: in memory
	Env     map[string]string `json:"env"`            // what a client's environment needs
}

// environment leads AWS's clients here. The keys are not checked.
func environment(r runcloudwatch.Running) [][2]string {
	return [][2]string{
		{"AWS_ENDPOINT_URL_CLOUDWATCH", r.URL},
		{"AWS_REGION", r.Home.Region},
		{"AWS_DEFAULT_REGION", r.Home.Region},
		{"AWS_ACCESS_KEY_ID", "local"},
		{"AWS_SECRET_ACCESS_KEY", "local"},
	}
}

// greet says where it is and how to talk to it.
func (o *options) greet(h *host.Host, format string, r runcloudwatch.Running) error {
	if r.Others && !h.Quiet {
		_, _ = fmt.Fprintf(h.Err, "nines: WARNING: others than this machine reach %s, and can read and write without credentials\n", r.URL)
	}
	if format == "json" {
		env := map[string]string{}
		for _, e := range environment(r) {
			env[e[0]] = e[1]
		}
		return host.JSON(h.Out, started{Running: r, Account: r.Home.Account, Region: r.Home.Region, Data: o.data, Env: env})
	}
	var b strings.Builder
	where := "in memory: gone at the end"
	if o.data != "" {
		where = "kept in " + term.Clean(o.data)
	}
	fmt.Fprintf(&b, "a local CloudWatch listens at %s\ndata %s; clock %s\n\nFor clients, in another shell:\n\n", r.URL, where, clockText(r.Clock))
	for _, e := range environment(r) {
		b.WriteString("  export " + e[0] + "=" + e[1] + "\n")
	}
	b.WriteString("\nTry it:\n\n" +
		"  aws cloudwatch put-metric-data --namespace Shop --metric-data \\\n" +
		"    'MetricName=Latency,Unit=Milliseconds,Values=[120,250,900],Counts=[40,8,2],Dimensions=[{Name=Service,Value=payment-api}]'\n" +
		"  aws cloudwatch list-metrics --namespace Shop\n" +
		"  curl --data-binary @service.log " + r.URL + "/emf    # embedded-metric-format lines\n\n" +
		"Interrupt it to stop it.\n")
	_, err := io.WriteString(h.Out, b.String())
	return err
}

func clockText(c cloudwatchd.ClockState) string {
	text := c.Now.Format(time.RFC3339)
	if c.Frozen {
		return text + ", standing"
	}
	return text
}
