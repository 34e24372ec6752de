package cloudwatch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runcloudwatch "gitlab.com/nines-sre/nines/internal/run/cloudwatch"
)

// loading are the flags of load.
type loading struct {
	endpoint
	runcloudwatch.LoadOptions
	dimensions []string
	metrics    []string
	end        string
}

// newLoad returns the verb that fills it with a recorded series.
func newLoad(h *host.Host) *cobra.Command {
	var l loading
	cmd := &cobra.Command{
		Use:   "load FILE",
		Short: "Load a recorded series into a local CloudWatch",
		Long: "Load reads a CSV file with a header, times in the first column and numbers in the\n" +
			"others, and publishes each number as one sample: the statistic Sum gives it back. Data of\n" +
			"any age are taken; AWS itself refuses those older than two weeks. Empty cells and NaN are\n" +
			"left out. A file that is wrong somewhere loads nothing; loading twice counts twice.",
		Example: "  nines cloudwatch load recorded.csv --namespace Shop --dimension Service=payment-api\n" +
			"  nines cloudwatch load recorded.csv --namespace Shop --metric total=Requests --end now",
		Args: host.Args(1, 1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return l.run(cmd.Context(), h, args[0]) },
	}
	l.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&l.Namespace, "namespace", "", "`NAMESPACE` of the metrics")
	f.StringArrayVar(&l.dimensions, "dimension", nil, "dimension `NAME=VALUE` of the metrics; may be given again")
	f.StringArrayVar(&l.metrics, "metric", nil, "load this `COLUMN=NAME`; may be given again (default every column by its own name)")
	f.StringVar(&l.Unit, "unit", "", "`UNIT` of the metrics, as Count")
	f.StringVar(&l.Region, "region", "", "`REGION` of the metrics (default the server's)")
	f.StringVar(&l.end, "end", "", "shift the rows so that the newest lies in the minute before `TIME`; now is understood")
	return host.Describe(cmd, formats(), nil)
}

func (l *loading) run(ctx context.Context, h *host.Host, name string) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	if err := l.read(h); err != nil {
		return err
	}
	l.Name = name
	file, err := os.Open(filepath.Clean(name))
	if err != nil {
		return fault.Wrap(fault.NotFound, "load "+name, err, "")
	}
	defer func() { err = host.Closing(err, file.Close) }()
	got, err := l.control(h).Load(ctx, file, l.LoadOptions)
	if err != nil {
		return err
	}
	if format == "json" {
		return host.JSON(h.Out, got)
	}
	_, err = fmt.Fprintf(h.Out, "loaded %s data of %s rows, %s cells without a number\nfrom %s to %s\n",
		term.Count(float64(got.Data)), term.Count(float64(got.Rows)), term.Count(float64(got.Skipped)), term.Instant(got.From.UTC()), term.Instant(got.To.UTC()))
	return err
}

// read checks the flags.
func (l *loading) read(h *host.Host) (err error) {
	if l.Namespace == "" {
		return fault.New(fault.Invalid, "load", "--namespace is missing", "as in --namespace Shop")
	}
	if l.Dimensions, err = pairs("--dimension", l.dimensions); err != nil {
		return err
	}
	if l.Metrics, err = pairs("--metric", l.metrics); err != nil {
		return err
	}
	if l.end != "" {
		l.End, err = host.ParseTime("--end", l.end, time.UTC, h.Now())
	}
	return err
}

// pairs reads NAME=VALUE, each name once.
func pairs(flag string, texts []string) (map[string]string, error) {
	out := map[string]string{}
	for _, t := range texts {
		name, value, ok := strings.Cut(t, "=")
		if !ok || name == "" || value == "" {
			return nil, fault.New(fault.Invalid, flag+" "+t, "it is not NAME=VALUE", "")
		}
		if _, twice := out[name]; twice {
			return nil, fault.New(fault.Invalid, flag+" "+t, name+" is given twice", "")
		}
		out[name] = value
	}
	return out, nil
}
