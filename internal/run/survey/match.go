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
	byMetric := map[string][]int{}
	for i := range services {
		ref := services[i].Ref
		for _, l := range discover.ListingsOf(ref) {
			k := l.Namespace + "\x00" + ref.Kind + "\x00" + ref.Name
			if at := byMetric[k]; len(at) == 0 || at[len(at)-1] != i {
				byMetric[k] = append(at, i)
			}
		}
	}
	for _, a := range alarms {
		for _, n := range a.Metrics {
			for _, s := range discover.Services([]metric.Name{n}) {
				for _, i := range byMetric[n.Namespace+"\x00"+s.Ref.Kind+"\x00"+s.Ref.Name] {
					if !slices.Contains(services[i].Alarms, a.Name) {
						services[i].Alarms = append(services[i].Alarms, a.Name)
					}
				}
			}
		}
	}
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
