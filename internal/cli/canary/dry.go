package canary

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/rollout"
	runcanary "gitlab.com/nines-sre/nines/internal/run/canary"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// planned is what a rollout would do.
type planned struct {
	Service  string        `json:"service"`
	Target   string        `json:"target,omitempty"`
	Baseline string        `json:"baseline,omitempty"`
	Version  string        `json:"version,omitempty"`
	Steps    []plannedStep `json:"steps"`
	Then     string        `json:"then"`
	Metrics  []string      `json:"metrics,omitempty"`
	Minutes  int64         `json:"minutes"` // of all steps
}

type plannedStep struct {
	Weight float64  `json:"weight,omitempty"`
	Bake   int64    `json:"bake"`
	Pause  bool     `json:"pause,omitempty"`
	Calls  []string `json:"calls,omitempty"`
}

// dryRun says what would be done. It reads the target and writes nothing.
func dryRun(ctx context.Context, h *host.Host, ask *runcanary.Options) error {
	r := &ask.Rollout
	out := planned{Service: r.Service, Version: cmp.Or(ask.Release.Version, ask.Canary), Then: cmp.Or(string(r.Plan.Then), string(rollout.ThenPromote))}
	if m, ok := ask.Meter.(interface{ Metrics() []string }); ok {
		out.Metrics = m.Metrics()
	}
	var is act.State
	if ask.Actor != nil {
		out.Target = placeName(r.Target)
		if err := r.Plan.Check(ask.Actor.Caps()); err != nil {
			return err
		}
		var err error
		if is, err = ask.Actor.Read(ctx); err != nil {
			return fault.Wrap(fault.Unavailable, "read the target", err, "")
		}
		out.Baseline = is.Stable
	} else {
		out.Then = "nothing is moved"
	}
	for i, s := range r.Plan.Steps {
		step := plannedStep{Weight: s.Weight, Bake: int64(s.Bake), Pause: s.Pause}
		if ask.Actor == nil {
			step.Weight = 0
		} else if i == 0 && out.Version != "" {
			// Only the first can be planned exactly: the others begin where it leaves.
			c, err := ask.Actor.Plan(ctx, act.Action{Verb: act.Shift, Key: "dry-run", From: is, To: act.Split{Stable: is.Stable, Canary: out.Version, Weight: s.Weight}})
			if err != nil {
				return err
			}
			step.Calls = c.Calls
		}
		out.Steps, out.Minutes = append(out.Steps, step), out.Minutes+step.Bake
	}
	format, err := h.Format("text", "json")
	if err != nil {
		return err
	}
	if format == "json" {
		return host.JSON(h.Out, out)
	}
	_, err = io.WriteString(h.Out, out.text(ask, &is))
	return err
}

func (p *planned) text(ask *runcanary.Options, is *act.State) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	version := cmp.Or(p.Version, "a version made of "+cmp.Or(ask.Release.Artifact, "what lies unpublished"))
	switch {
	case ask.Actor == nil && p.Baseline == "" && ask.Baseline == "":
		line("would look at %s", p.Service)
	case ask.Actor == nil:
		line("would compare %s with %s", version, ask.Baseline)
	default:
		line("would roll out %s on %s, which lies at %s", version, p.Target, is.Split)
	}
	for i, s := range p.Steps {
		what := fmt.Sprintf("  step %d: ", i+1)
		if s.Weight > 0 {
			what += rollout.Percent(s.Weight) + ", "
		}
		what += slo.FormatLength(slo.Minute(s.Bake)) + " of usable minutes"
		if s.Pause {
			what += ", then wait for a word"
		}
		line("%s", what)
		for _, c := range s.Calls {
			line("    %s", c)
		}
	}
	if ask.Actor != nil {
		line("  then: %s", p.Then)
	}
	if len(p.Metrics) > 0 {
		line("  judged by: %s", strings.Join(p.Metrics, ", "))
	}
	line("it takes at least %s, and what the source lags behind; nothing was touched", slo.FormatLength(slo.Minute(p.Minutes)))
	return b.String()
}
