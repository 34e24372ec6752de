package canary

import (
	"gitlab.com/nines-sre/nines/internal/cli/host"
	runcanary "gitlab.com/nines-sre/nines/internal/run/canary"
	"gitlab.com/nines-sre/nines/internal/run/meter"
)

// meter opens what is measured.
func (*options) meter(h *host.Host, s *host.Session, ask *runcanary.Options) error {
	r := &ask.Rollout
	m, err := meter.New(s.Env, meter.Options{
		Service: r.Service, Metrics: r.Metrics, Split: r.Split, Target: r.Target, Now: h.Now,
		Together: r.Plan.Still && ask.Baseline == "" && ask.Canary == "",
	})
	ask.Meter = m
	return err
}
