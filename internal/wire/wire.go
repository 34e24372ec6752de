// Package wire is the composition root: the only package that names adapters.
package wire

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/csv"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// CLI is what the command line is made of.
func CLI() host.Wiring {
	return host.Wiring{Types: Types, OpenStore: OpenStore}
}

// Types are the kinds of metric source this program knows, one line each.
func Types() map[string]metric.Type {
	return map[string]metric.Type{
		csv.Name:     csv.Type(),
		"CloudWatch": checkedOnly("CloudWatch", config.CheckCloudWatch),
	}
}

// checkedOnly is a kind of source whose documents are checked, although this
// build cannot ask it: linting and expanding need no account.
func checkedOnly(name string, check func(slo.Spec) []metric.SpecProblem) metric.Type {
	return metric.Type{Name: name, Check: check, Open: func(context.Context, slo.Spec, string) (metric.Source, error) {
		return nil, fault.New(fault.Unsupported, "source "+name, "this build checks documents about it and cannot ask it",
			"measure from recorded files (type: csv), or use a build that carries it")
	}}
}
