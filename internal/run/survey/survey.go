// Package survey finds out which services could be measured, with which of
// their metrics, and what reading them would cost. It lists; it reads no
// datapoint.
package survey

import (
	"context"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/discover"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// What can be looked for beside the kinds of services.
const (
	KindAlarm = "alarm"
	KindSLO   = "slo"
)

// Env is what a survey works with.
type Env struct {
	Directory metric.Directory
	// Planner says what a reading would cost; nil: costs are not worked out.
	Planner metric.Planner
	// Types check the documents that a service would have.
	Types  map[string]metric.Type
	Prices cost.Prices
	Now    slo.Minute
	Place  metric.Place
}

// Options steer Run.
type Options struct {
	// Kinds narrows what is looked for; empty: everything. Of one service, Ref,
	// only its own metrics are looked for.
	Kinds  []string
	Ref    *discover.Ref
	Recent bool // only what had a datapoint in the last three hours
}

// Service is a service that was found and what measuring it costs.
type Service struct {
	discover.Service
	// Metrics is how many metrics one reading of its objectives requests, as
	// billed.
	Metrics int64
	// EveryMinute and Adaptive are a month's bill in the prices' currency: read
	// each minute, or every five with 2 % of the time each minute.
	EveryMinute, Adaptive float64
	// Alarms watch one of its metrics.
	Alarms []string
}

// Report is what was found.
type Report struct {
	Services   []Service
	Alarms     []metric.Alarm
	Objectives []metric.Managed
	// Notes say what could not be looked at, and why.
	Notes    []string
	Requests int64
	// Near are existing names that look like the one service asked for.
	Near []string
}

// Kinds are the words that narrow a survey.
func Kinds() []string { return append(discover.Kinds(), KindAlarm, KindSLO) }

// Run surveys. What cannot be listed becomes a note and the rest goes on; it is
// an error only where nothing could be listed at all.
func Run(ctx context.Context, env *Env, opt Options) (Report, error) {
	s := &surveyor{env: env}
	listings := discover.Listings(services(opt.Kinds), opt.Recent)
	switch {
	case opt.Ref != nil:
		listings = discover.ListingsOf(*opt.Ref)
	case len(opt.Kinds) > 0 && len(services(opt.Kinds)) == 0:
		listings = nil
	}
	names := s.list(ctx, listings)
	var r Report
	if wants(opt, KindAlarm) || opt.Ref != nil {
		alarms, err := env.Directory.Alarms(ctx)
		s.tell(err, "alarms are left out")
		r.Alarms = alarms
	}
	if wants(opt, KindSLO) {
		managed, err := env.Directory.Objectives(ctx)
		s.tell(err, "objectives of Application Signals are left out")
		r.Objectives = managed
	}
	if err := ctx.Err(); err != nil {
		return Report{}, fault.Wrap(fault.Canceled, "discover", err, "")
	}
	if s.answers == 0 && s.first != nil {
		return Report{}, s.first
	}
	found := discover.Services(names)
	if opt.Ref != nil {
		if found = only(*opt.Ref, names); len(found) == 0 {
			if s.unlisted != nil { // whether it is there is not known
				return Report{}, s.unlisted
			}
			r.Near = Nearest(ctx, env.Directory, *opt.Ref)
		}
	}
	r.Services = env.price(found)
	watched(r.Services, r.Alarms)
	slices.SortFunc(r.Alarms, func(a, b metric.Alarm) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(r.Objectives, func(a, b metric.Managed) int { return strings.Compare(a.Name, b.Name) })
	r.Notes, r.Requests = s.notes, env.Directory.Requests()
	return r, nil
}

// services are those of the kinds that are services.
func services(kinds []string) []string {
	return slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return k == KindAlarm || k == KindSLO })
}

func wants(opt Options, kind string) bool {
	return opt.Ref == nil && (len(opt.Kinds) == 0 || slices.Contains(opt.Kinds, kind))
}

// only is the one service, whatever else its metrics are listed under.
func only(r discover.Ref, names []metric.Name) []discover.Service {
	all := discover.Services(names)
	for _, s := range all {
		if s.Ref == r {
			return []discover.Service{s}
		}
	}
	// A function's alias is not a line of its own, nor an API as a whole.
	has := map[string]bool{}
	want := r.Dimensions()
	for _, n := range names {
		if len(n.Dimensions) == len(want) && contains(n.Dimensions, want) {
			has[n.Metric] = true
		}
	}
	if len(has) == 0 {
		return nil
	}
	out := discover.Describe(r, has)
	for _, s := range all {
		if s.Ref.Kind == r.Kind && s.Ref.Name == r.Name && r.Suffix == "" {
			out.Narrower = append(out.Narrower, s.Ref.String())
		}
	}
	return []discover.Service{out}
}

func contains(dims, want map[string]string) bool {
	for name, value := range want {
		if dims[name] != value {
			return false
		}
	}
	return true
}
