// Package render is the shell that writes objectives down in the words of other
// systems: alarms, rules, dashboards. It asks nobody.
package render

import (
	"fmt"
	"slices"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/alarms"
	"gitlab.com/nines-sre/nines/internal/render/cfn"
	"gitlab.com/nines-sre/nines/internal/render/grafana"
	"gitlab.com/nines-sre/nines/internal/render/prometheus"
	"gitlab.com/nines-sre/nines/internal/render/terraform"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
)

// The backends.
const (
	CloudFormation = "cloudformation"
	Prometheus     = "prometheus"
	Grafana        = "grafana"
	Terraform      = "terraform"
)

// File is a file of the answer; its name is a path with slashes.
type File struct {
	Name string
	Data []byte
}

// Result is what was written, and every difference between the objectives and it.
type Result struct {
	Files []File
	Notes []alarms.Note
	// Said are remarks about the files themselves.
	Said []string
}

// Run writes the selected objectives (services, service/slo; none: everything) for
// a backend. That nothing could be written is an error of kind Invalid; the notes
// then say why, objective by objective.
func Run(catalog *config.Catalog, backend string, names []string) (Result, error) {
	objectives, err := Objectives(catalog, names)
	if err != nil {
		return Result{}, err
	}
	var out Result
	switch backend {
	case CloudFormation:
		out, err = stacks(objectives, ".template.json", cfn.Template)
	case Terraform:
		out, err = stacks(objectives, "/main.tf.json", terraform.Configuration)
	case Prometheus:
		out, err = rules(objectives)
	case Grafana:
		out, err = dashboard(objectives)
	default:
		return Result{}, fault.New(fault.Invalid, "render", fmt.Sprintf("there is no backend %q", backend), "")
	}
	if err != nil {
		return Result{}, fault.Wrap(fault.Internal, "render "+backend, err, "")
	}
	if len(out.Files) == 0 {
		return out, fault.New(fault.Invalid, "render "+backend, "none of the objectives can be written down there", "the notes say why of each")
	}
	for _, f := range out.Files {
		if backend == CloudFormation && len(f.Data) > cfn.MaxBody {
			return out, fault.New(fault.Invalid, "render "+f.Name, fmt.Sprintf("a template of %d bytes; CloudFormation takes %d", len(f.Data), cfn.MaxBody), "select services: nines render cloudformation SERVICE...")
		}
	}
	return out, nil
}

// Objectives are the selected objectives with what they measure and what their
// alert policies ask for.
func Objectives(catalog *config.Catalog, names []string) ([]alarms.Objective, error) {
	selected, err := measure.Select(catalog, names)
	if err != nil {
		return nil, err
	}
	var out []alarms.Objective
	for _, o := range selected {
		one := alarms.Objective{Objective: o.Objective}
		i := slices.IndexFunc(catalog.Indicators, func(ind config.Indicator) bool { return ind.ID == o.Indicator })
		if len(o.Members) == 0 && i >= 0 {
			ind := catalog.Indicators[i]
			ds, err := run.SourceOf(catalog, ind)
			if err != nil {
				return nil, err
			}
			one.Type, one.Details, one.Measured, one.Period = ds.Type, ds.Details, ind.Definition, ind.Period
		}
		policies(catalog, o, &one)
		out = append(out, one)
	}
	return out, nil
}

// policies adds what the alert policies of an objective ask for: of several, the
// one that waits least and tells most.
func policies(catalog *config.Catalog, o *config.Objective, out *alarms.Objective) {
	first := true
	for i := range catalog.AlertPolicies {
		p := &catalog.AlertPolicies[i]
		if !slices.Contains(o.AlertPolicies, p.Name) {
			continue
		}
		if first {
			out.After, out.Quiet, first = p.After, true, false
		}
		out.After = min(out.After, p.After)
		out.NoData = out.NoData || p.NoData
		out.Quiet = out.Quiet && !p.Resolved
	}
}

// stacks writes one file for each stack of CloudWatch.
func stacks(objectives []alarms.Objective, ending string, write func(*alarms.Stack) ([]byte, error)) (Result, error) {
	all, notes := alarms.Plan(objectives)
	out := Result{Notes: notes}
	for i := range all {
		s := &all[i]
		data, err := write(s)
		if err != nil {
			return Result{}, err
		}
		out.Files = append(out.Files, File{s.Name + ending, data})
		out.Said = append(out.Said, counted(s))
	}
	return out, nil
}

// counted says what is in a stack, as it is billed.
func counted(s *alarms.Stack) string {
	metrics := 0
	for i := range s.Alarms {
		for _, q := range s.Alarms[i].Queries {
			if q.Metric != nil {
				metrics++
			}
		}
	}
	where := ""
	if s.Region != "" {
		where += " of " + s.Region
	}
	if s.Account != "" {
		where += " in account " + s.Account
	}
	return fmt.Sprintf("%s: %d alarms on %d metrics and %d composite alarms, for the metrics%s", s.Name, len(s.Alarms), metrics, len(s.Composites), where)
}

func rules(objectives []alarms.Objective) (Result, error) {
	made, notes := prometheus.Make(objectives)
	if len(made.Groups) == 0 {
		return Result{Notes: notes}, nil
	}
	data, err := prometheus.File(made, notes)
	if err != nil {
		return Result{}, err
	}
	return Result{Files: []File{{"nines.rules.yaml", data}}, Notes: notes}, nil
}

func dashboard(objectives []alarms.Objective) (Result, error) {
	opt := grafana.Options{
		Title: "Error budgets", UID: "nines", Recorded: map[string]bool{},
		Names: grafana.Names{Total: prometheus.Total, Bad: prometheus.Bad, Burn: prometheus.Burn, Remaining: prometheus.Remaining},
	}
	for i := range objectives {
		made, _ := prometheus.Make(objectives[i : i+1])
		opt.Recorded[objectives[i].Key()] = len(made.Groups) > 0
	}
	data, notes, err := grafana.Dashboard(objectives, opt)
	if err != nil {
		return Result{}, err
	}
	if len(notes) == len(objectives) {
		return Result{Notes: notes}, nil
	}
	return Result{Files: []File{{"nines.dashboard.json", data}}, Notes: notes}, nil
}

// Differences are what is different for everything of a backend.
func Differences(backend string) []string {
	switch backend {
	case CloudFormation, Terraform:
		return alarms.Differences()
	case Prometheus:
		return prometheus.Differences()
	}
	return nil
}
