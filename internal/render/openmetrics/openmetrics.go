// Package openmetrics prints numbers as OpenMetrics text, which GitLab takes as a
// report (artifacts:reports:metrics) and compares with those of the target
// branch. It compares by name and labels, so no label holds what is another one
// in every pipeline: versions are called canary and baseline.
package openmetrics

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/render"
)

// Family is a gauge and its values.
type Family struct {
	Name, Help string
	Samples    []Sample
}

// Sample is a value with its labels, in their order.
type Sample struct {
	Labels []Label
	Value  float64
}

// Label is a label of a sample.
type Label struct{ Name, Value string }

// Print prints the families that have values. Families of one name are one.
func Print(families []Family) []byte {
	var b strings.Builder
	var done []string
	for _, f := range families {
		if slices.Contains(done, f.Name) {
			continue
		}
		done = append(done, f.Name)
		var samples []Sample
		for _, o := range families {
			if o.Name == f.Name {
				samples = append(samples, o.Samples...)
			}
		}
		if len(samples) == 0 {
			continue
		}
		b.WriteString("# TYPE " + f.Name + " gauge\n# HELP " + f.Name + " " + escape(f.Help) + "\n")
		for _, s := range samples {
			b.WriteString(f.Name)
			for i, l := range s.Labels {
				b.WriteString([]string{"{", ","}[min(i, 1)] + l.Name + `="` + escape(l.Value) + `"`)
			}
			if len(s.Labels) > 0 {
				b.WriteByte('}')
			}
			b.WriteString(" " + number(s.Value) + "\n")
		}
	}
	b.WriteString("# EOF\n")
	return []byte(b.String())
}

func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return map[bool]string{true: "+Inf", false: "-Inf"}[v > 0]
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// Rollout is what a canary or a watch found, in numbers.
func Rollout(r *render.Rollout) []Family {
	prefix := "nines_" + r.Verb + "_"
	service := Label{"service", r.Service}
	metric := func(name string, more ...Label) []Label {
		return append([]Label{service, {"metric", name}}, more...)
	}
	var requests, ratio, effect, log, score Family
	for i := range r.Result.Findings {
		f := &r.Result.Findings[i]
		baseline, canary := Label{"arm", "baseline"}, Label{"arm", "canary"}
		requests.add(float64(f.Baseline.Total), metric(f.Metric, baseline)...)
		requests.add(float64(f.Canary.Total), metric(f.Metric, canary)...)
		ratio.known(f.Baseline.Rate, metric(f.Metric, baseline)...)
		ratio.known(f.Canary.Rate, metric(f.Metric, canary)...)
		effect.known(f.Effect, metric(f.Metric)...)
		log.add(f.LogE, metric(f.Metric)...)
	}
	score.known(r.Result.Score, service)
	return append([]Family{
		Verdict(prefix+"verdict", service, r.Decision.Verdict),
		requests.named(prefix+"requests", "Requests that were compared."),
		ratio.named(prefix+"error_ratio", "Share of bad requests, or the mean of a value."),
		effect.named(prefix+"effect", "How much worse the new version is."),
		log.named(prefix+"log_e", "Evidence that the new version is worse: natural logarithm of the e-value."),
		score.named(prefix+"score", "Score of the comparison, 0 to 100."),
	}, Budgets(r.Service, r.Budgets)...)
}

// Budgets are what a service's objectives have left.
func Budgets(service string, budgets []render.Budget) []Family {
	var f Family
	for _, b := range budgets {
		f.known(b.Left, Label{"service", service}, Label{"slo", b.SLO})
	}
	return []Family{f.named("nines_budget_remaining_ratio", "Share of the error budget that is left.")}
}

// Verdict is a verdict as numbers: 1 for the one that it is.
func Verdict(name string, service Label, v decision.Verdict) Family {
	var f Family
	for _, o := range []decision.Verdict{decision.Pass, decision.Warn, decision.Inconclusive, decision.Fail} {
		f.add(map[bool]float64{true: 1}[o == v], service, Label{"verdict", o.String()})
	}
	return f.named(name, "The verdict: 1 for the one that it is.")
}

func (f *Family) add(v float64, labels ...Label) {
	f.Samples = append(f.Samples, Sample{labels, v})
}

func (f *Family) known(v *float64, labels ...Label) {
	if v != nil {
		f.add(*v, labels...)
	}
}

func (f *Family) named(name, help string) Family {
	f.Name, f.Help = name, help
	return *f
}
