package canary

import (
	"cmp"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run"
)

// find returns the rollout of a service in an environment, as documents have it:
// the one for the environment, else the one for all; the zero value where there
// is none.
func find(h *host.Host, c *config.Catalog, service, environment string) (config.Rollout, error) {
	service, err := run.TheService(c, service)
	if err != nil {
		return config.Rollout{}, err
	}
	environment = cmp.Or(environment, h.Getenv("CI_ENVIRONMENT_NAME"))
	out, _ := c.RolloutOf(service, environment)
	out.Service, out.Environment = service, environment
	return out, nil
}

// rollout is what documents say, with what flags say instead.
func (o *options) rollout(h *host.Host, c *config.Catalog) (config.Rollout, error) {
	r, err := find(h, c, o.service, o.environment)
	if err != nil {
		return r, err
	}
	if err := o.where(&r); err != nil {
		return r, err
	}
	if err := o.path(&r.Plan); err != nil {
		return r, err
	}
	if err := o.judged(&r.Judge); err != nil {
		return r, err
	}
	if o.dimension != "" {
		r.Split.Dimension = o.dimension
	}
	if o.rate > 0 {
		r.Drive.Rate = o.rate
	}
	r.Drive.Requests = cmp.Or(o.requests, r.Drive.Requests)
	switch r.Target.Kind {
	case "", "functions", "endpoints":
		r.Plan.Still = true
	}
	if r.Target.Kind == "" && r.Judge.Method != judge.Threshold && (o.base == "" || o.version == "") {
		return r, fault.New(fault.Invalid, "canary "+r.Service, "it is not known where the new version runs",
			"name it with --target, as lambda:FUNCTION:ALIAS, or in a document of kind Rollout; or look at the service alone with --threshold 99")
	}
	return r, nil
}

// where reads the flags that name the target.
func (o *options) where(r *config.Rollout) error {
	switch {
	case o.shift != "" && o.target != "":
		return fault.New(fault.Invalid, "--shift-with and --target", "both name a target", "leave one of the two out")
	case o.shift != "":
		r.Target = act.Place{Kind: "command", Params: map[string]string{"shift": o.shift}}
		if o.read != "" {
			r.Target.Params["read"] = o.read
		}
	case o.target != "":
		at, err := act.ParsePlace(o.target)
		if err != nil {
			return err
		}
		r.Target = at
	}
	if o.version != "" && o.artifact != "" {
		return fault.New(fault.Invalid, "--version and --artifact", "one is there, the other is to be made", "leave one of the two out")
	}
	if r.Target.Kind != "" {
		return r.Target.Check()
	}
	return nil
}

// path reads the flags that say how it goes.
func (o *options) path(p *rollout.Plan) error {
	if len(o.steps) > 0 {
		p.Steps = nil
		for _, text := range o.steps {
			s, err := parseStep(text)
			if err != nil {
				return err
			}
			p.Steps = append(p.Steps, s)
		}
	}
	if len(p.Steps) == 0 {
		p.Steps = []rollout.Step{{Weight: 0.05, Bake: 10}}
	}
	if o.wait != "" {
		d, err := host.ParseMinutes("--wait", o.wait)
		if err != nil {
			return err
		}
		if len(o.steps) > 0 {
			return fault.New(fault.Invalid, "--wait and --step", "both say how long a step is", "leave one of the two out")
		}
		p.Steps = []rollout.Step{{Weight: p.Steps[0].Weight, Bake: d}}
	}
	if o.then != "" {
		p.Then = rollout.Then(o.then)
	}
	if o.unsure != "" {
		p.Unsure = rollout.Unsure(strings.TrimPrefix(o.unsure, "climb"))
	}
	if o.extend != "" {
		d, err := host.ParseMinutes("--extend", o.extend)
		if err != nil {
			return err
		}
		p.Extend, p.Unsure = d, rollout.UnsureExtend
	}
	p.Early = p.Early || o.early
	return nil
}

// judged reads the flags about the judge.
func (o *options) judged(p *judge.Policy) error {
	if o.method != "" {
		p.Method = judge.Method(o.method)
	}
	if o.margin != "" {
		m, err := parsePercent("--margin", o.margin)
		if err != nil {
			return err
		}
		p.Margin = judge.Margin{Add: m}
	}
	if o.threshold != "" {
		good, err := parsePercent("--threshold", o.threshold)
		if err != nil {
			return err
		}
		if o.method != "" && o.method != string(judge.Threshold) {
			return fault.New(fault.Invalid, "--threshold and --method "+o.method, "a threshold is a method of its own", "leave one of the two out")
		}
		p.Method, p.Limit = judge.Threshold, &judge.Limit{Good: good}
	}
	if p.Method == judge.Threshold && p.Limit == nil {
		return fault.New(fault.Invalid, "--method threshold", "it is not said which", "say it with --threshold, as 99")
	}
	return nil
}

// parsePercent reads "99" or "99%" as a share.
func parsePercent(flag, text string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(text, "%")), 64)
	if err != nil || !(v >= 0 && v <= 100) {
		return 0, fault.New(fault.Invalid, flag+" "+text, "not a share in percent", "write it as 99 or 99.5%")
	}
	return v / 100, nil
}

// parseStep reads "5%:10m" and "5%:10m:pause".
func parseStep(text string) (rollout.Step, error) {
	bad := func() (rollout.Step, error) {
		return rollout.Step{}, fault.New(fault.Invalid, "--step "+text, "not a step", "write share and time, as 5%:10m, and :pause behind it to wait there")
	}
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 || len(parts) == 3 && parts[2] != "pause" {
		return bad()
	}
	w, err := parsePercent("--step", parts[0])
	if err != nil {
		return bad()
	}
	d, err := host.ParseMinutes("--step", parts[1])
	if err != nil {
		return bad()
	}
	return rollout.Step{Weight: w, Bake: d, Pause: len(parts) == 3}, nil
}
