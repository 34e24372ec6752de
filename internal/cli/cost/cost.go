// Package cost is the verb that prints what measuring costs a month, and what
// it would cost otherwise.
package cost

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/fault"
	runcost "gitlab.com/nines-sre/nines/internal/run/cost"
)

type options struct {
	selected  []string
	prices    string
	print     bool
	every     string
	unhealthy string
}

func formats() []string { return []string{"table", "json", "markdown"} }

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "cost [SERVICE | SERVICE/SLO]...",
		Short: "What measuring costs a month, and what it would cost otherwise",
		Long: "Cost counts what one reading of the documents' metrics requests, as CloudWatch bills it,\n" +
			"and multiplies: the way asked for (--every, --unhealthy), and others beside it. It asks\n" +
			"no source. Prices are those of a dated file; --print-prices prints it, --prices takes\n" +
			"another. Free tiers, discounts and taxes are left out.",
		Example: "  nines cost\n" +
			"  nines cost payment-api --every 1m\n" +
			"  nines cost --print-prices > prices.json\n" +
			"  nines cost --prices prices.json -o markdown",
		ValidArgsFunction: h.CompleteObjectives,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.selected = args
			return opt.run(cmd.Context(), h)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.prices, "prices", "", "price `FILE` in place of the one that is built in")
	f.BoolVar(&opt.print, "print-prices", false, "print the price file and end")
	f.StringVar(&opt.every, "every", "5m", "`LENGTH` between two readings while all is well")
	f.StringVar(&opt.unhealthy, "unhealthy", "2%", "`SHARE` of objectives that burn and are read every minute")
	return host.Describe(cmd, formats(), map[int]string{2: "usage or document error, or a price file that cannot be read"})
}

func (o *options) run(ctx context.Context, h *host.Host) error {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	prices, raw, err := o.load()
	if err != nil {
		return err
	}
	if o.print {
		_, err := io.WriteString(h.Out, raw)
		return err
	}
	plan, err := o.plan()
	if err != nil {
		return err
	}
	catalog, err := h.Catalog(ctx)
	if err != nil {
		return err
	}
	s, err := h.Storeless(catalog)
	if err != nil {
		return err
	}
	rep, err := runcost.Run(ctx, s.Env, runcost.Options{Prices: prices, Plan: plan, Select: o.selected})
	if err != nil {
		return err
	}
	switch format {
	case "json":
		return host.JSON(h.Out, rep)
	case "markdown":
		_, err = io.WriteString(h.Out, markdown(rep))
		return err
	}
	_, err = io.WriteString(h.Out, text(rep, h.Style()))
	return err
}

// load reads the price file asked for, and returns it as written too.
func (o *options) load() (cost.Prices, string, error) {
	if o.prices == "" {
		p, err := cost.Default()
		return p, cost.Embedded(), err
	}
	raw, err := os.ReadFile(o.prices)
	if errors.Is(err, fs.ErrNotExist) {
		return cost.Prices{}, "", fault.New(fault.Invalid, "--prices "+o.prices, "no such file", "`nines cost --print-prices > "+o.prices+"` writes one to start from")
	}
	if err != nil {
		return cost.Prices{}, "", fault.Wrap(fault.Invalid, "--prices "+o.prices, err, "name a file that can be read")
	}
	p, err := cost.ParsePrices(raw)
	return p, string(raw), fault.Wrap(fault.Invalid, "--prices "+o.prices, err, "`nines cost --print-prices` shows one that is right")
}

// plan reads how measuring is run.
func (o *options) plan() (cost.Plan, error) {
	every, err := host.ParseDuration("--every", o.every)
	if err != nil {
		return cost.Plan{}, err
	}
	share := strings.TrimSpace(o.unhealthy)
	number, percent := strings.CutSuffix(share, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return cost.Plan{}, fault.New(fault.Invalid, "--unhealthy "+o.unhealthy, "not a share", `write one like "2%" or 0.02`)
	}
	return cost.Plan{PollMinutes: every.Minutes(), Unhealthy: v}, nil
}
