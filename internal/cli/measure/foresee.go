package measure

import (
	"context"
	"io"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runmeasure "gitlab.com/nines-sre/nines/internal/run/measure"
)

// forecast is a forecast with what it costs.
type forecast struct {
	runmeasure.Forecast
	Money *money `json:"money,omitempty"`
}

// forecasts is what --dry-run says as JSON.
type forecasts struct {
	Sources []forecast   `json:"sources"`
	Usage   metric.Usage `json:"usage"` // of the planned sources
	Money   *money       `json:"money"`
}

// foresee says what a run would ask. The store is only read.
func (o *options) foresee(ctx context.Context, h *host.Host) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	opt, err := o.work(h)
	if err != nil {
		return err
	}
	prices, err := cost.Default()
	if err != nil {
		return err
	}
	s, err := h.Open(ctx, host.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	all, err := runmeasure.Foresee(ctx, s.Env, opt)
	if err != nil && len(all) == 0 {
		return err
	}
	out := forecasts{Sources: []forecast{}}
	for _, f := range all {
		one := forecast{Forecast: f}
		if f.Planned {
			one.Money = moneyOf(prices, &f.Usage)
			out.Usage = out.Usage.Add(f.Usage)
		}
		out.Sources = append(out.Sources, one)
	}
	out.Money = moneyOf(prices, &out.Usage)
	if format == "json" {
		if jerr := host.JSON(h.Out, out); jerr != nil {
			return jerr
		}
		return err
	}
	if _, werr := io.WriteString(h.Out, out.text(s.Zone)); werr != nil {
		return werr
	}
	return err
}

func (f *forecasts) text(zone *time.Location) string {
	var b strings.Builder
	for i := range f.Sources {
		b.WriteString(f.Sources[i].text(zone) + "\n")
	}
	if len(f.Sources) == 0 {
		b.WriteString("there is nothing to measure\n")
	}
	b.WriteString("nothing was asked, nothing was written\n")
	return b.String()
}

// text is one source's line or two.
func (f *forecast) text(zone *time.Location) string {
	who := term.Clean(f.Source)
	if f.Source != f.Type {
		who += " (" + term.Clean(f.Type) + ")"
	}
	who += ", " + term.Plural(f.Indicators, "indicator") + ": "
	switch {
	case f.Problem != "":
		return who + term.Clean(f.Problem)
	case !f.Planned:
		return who + "is not billed by the request and says nothing beforehand; it would be read"
	case f.Usage.Requests == 0:
		return who + "nothing is missing"
	}
	text := who + term.Instant(f.From.In(zone)) + " to " + term.Instant(f.To.In(zone)) + "\n" +
		"  would be " + f.Money.told(f.Usage)
	if f.Seconds > 0 {
		left := time.Duration(f.Seconds * float64(time.Second)).Round(time.Second)
		text += "\n  takes " + term.Duration(max(time.Second, left)) + " at least, at " +
			term.Count(f.Pace.Requests) + " requests and " + term.Count(f.Pace.Datapoints) + " datapoints a second"
	}
	return text
}
