package canary

import (
	"context"
	"net/http"
	"os"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/judge"
	runcanary "gitlab.com/nines-sre/nines/internal/run/canary"
	"gitlab.com/nines-sre/nines/internal/run/drive"
	"gitlab.com/nines-sre/nines/internal/run/meter"
)

// meter opens what is measured, and what makes traffic where there is none.
func (*options) meter(ctx context.Context, h *host.Host, s *host.Session, ask *runcanary.Options) error {
	r := &ask.Rollout
	driven := r.Drive.Rate > 0 || r.Drive.Requests != ""
	if driven {
		d, err := driver(ctx, h, ask)
		if err != nil {
			return err
		}
		ask.Clock = d // whoever waits drives it
		if len(r.Metrics) == 0 {
			ask.Meter = d
			return nil
		}
	}
	if r.Target.Kind == "endpoints" && len(r.Metrics) == 0 {
		return fault.New(fault.Invalid, "canary "+r.Service, "two addresses have no metrics of their own",
			"make requests to them with --rate and --requests, or name metrics in a document of kind Rollout")
	}
	m, err := meter.New(s.Env, meter.Options{
		Service: r.Service, Metrics: r.Metrics, Split: r.Split, Target: r.Target, Now: h.Now,
		Together: r.Plan.Still && ask.Baseline == "" && ask.Canary == "",
	})
	ask.Meter = m
	return err
}

// driver makes the traffic of two addresses or functions.
func driver(ctx context.Context, h *host.Host, ask *runcanary.Options) (*drive.Driver, error) {
	r := &ask.Rollout
	opt := drive.Options{Rate: r.Drive.Rate, Sides: []string{ask.Baseline, ask.Canary}, Clock: ask.Clock, Latency: r.Judge.Method != judge.Threshold}
	switch r.Target.Kind {
	case "endpoints":
		opt.Send = drive.HTTP(&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }})
	case "functions":
		if h.OpenInvoker == nil {
			return nil, fault.New(fault.Unsupported, "drive", "this program invokes no functions", "")
		}
		invoke, err := h.OpenInvoker(ctx, r.Target)
		if err != nil {
			return nil, err
		}
		opt.Send = drive.Functions(drive.Invoke(invoke))
	default:
		return nil, fault.New(fault.Invalid, "--rate and --requests", "they make traffic for two addresses or two functions, which have none",
			"name them: --target endpoints:BASELINE,CANARY")
	}
	f, err := os.Open(r.Drive.Requests)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, "--requests", err, "name the file of requests to make, one JSON object a line")
	}
	defer func() { _ = f.Close() }() // read to its end, or refused
	if opt.Requests, err = drive.Parse(r.Drive.Requests, f); err != nil {
		return nil, err
	}
	return drive.New(opt)
}
