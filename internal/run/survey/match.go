package survey

import (
	"context"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/discover"
	"gitlab.com/nines-sre/nines/internal/metric"
)

// watched says which alarms watch which services.
func watched(services []Service, alarms []metric.Alarm) {
	byMetric := measuring(services)
	for _, a := range alarms {
		for _, n := range a.Metrics {
			for _, s := range discover.Services([]metric.Name{n}) {
				for _, i := range byMetric[measured{n.Namespace, s.Ref.Kind, s.Ref.Name}] {
					services[i].watchedBy(a.Name)
				}
			}
		}
	}
}

// watchedBy notes an alarm, once.
func (s *Service) watchedBy(alarm string) {
	if !slices.Contains(s.Alarms, alarm) {
		s.Alarms = append(s.Alarms, alarm)
	}
}

// measured is a service as its metrics name it.
type measured struct{ namespace, kind, name string }

// measuring says which services, by their place in the list, a metric is about.
func measuring(services []Service) map[measured][]int {
	byMetric := map[measured][]int{}
	for i := range services {
		ref := services[i].Ref
		for _, l := range discover.ListingsOf(ref) {
			k := measured{l.Namespace, ref.Kind, ref.Name}
			if at := byMetric[k]; len(at) == 0 || at[len(at)-1] != i {
				byMetric[k] = append(at, i)
			}
		}
	}
	return byMetric
}

// Nearest are existing services of a reference's kind that look like it, best
// first; none where they cannot be listed.
func Nearest(ctx context.Context, dir metric.Directory, r discover.Ref) []string {
	const most = 3
	for _, l := range discover.Listings([]string{r.Kind}, false) {
		got, err := dir.List(ctx, l)
		if err != nil {
			return nil
		}
		var have []string
		for _, s := range discover.Services(got.Names) {
			for _, name := range append(s.Narrower, s.Ref.String()) {
				have = append(have, strings.TrimPrefix(name, r.Kind+"/"))
			}
		}
		near := discover.Near(strings.TrimPrefix(r.String(), r.Kind+"/"), have, most)
		for i := range near {
			near[i] = r.Kind + "/" + near[i]
		}
		if len(near) > 0 {
			return near
		}
	}
	return nil
}
