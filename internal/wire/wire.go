// Package wire is the composition root: the only package that names adapters.
package wire

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/csv"
)

// CLI is what the command line is made of.
func CLI() host.Wiring {
	return host.Wiring{Types: Types, OpenStore: OpenStore}
}

// Types are the kinds of metric source this program carries, one line each.
func Types() map[string]metric.Type {
	return map[string]metric.Type{
		csv.Name: csv.Type(),
	}
}

// OpenStore opens the stores of a URL.
func OpenStore(_ context.Context, url string, _ host.Access) (host.Stores, error) {
	return host.Stores{}, fault.New(fault.Invalid, "--store "+url, "there is no such kind of store", "write sqlite:PATH, memory: or none")
}
