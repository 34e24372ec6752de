package cloudwatch

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

var _ metric.Adviser = (*Source)(nil)

// counted is a metric of errors that has a sample for every request, so that its
// SampleCount says what another metric is asked for.
type counted struct{ namespace, errors, all, caution string }

// countedWithErrors lists what AWS documents. (API Gateway: the average of
// 5XXError is the error rate, its denominator is Count. Lambda: Errors is
// published for every invocation, 0 where there was none.)
func countedWithErrors() []counted {
	return []counted{
		{"AWS/ApiGateway", "5XXError", "Count", ""},
		{"AWS/ApiGateway", "5xx", "Count", ""},
		{"AWS/Lambda", "Errors", "Invocations", "; compare the two over a day first"},
	}
}

// Savings implements metric.Adviser.
func (s *Source) Savings(queries []metric.Query, every slo.Minute) []metric.Saving {
	questions, _ := s.understand(queries)
	return append(doubled(questions), rare(questions, every)...)
}

// use is a metric at a place and the queries that ask for it.
type use struct {
	stat stat
	keys []string
}

// doubled finds metrics that say what a statistic of another would.
func doubled(questions map[string]*question) []metric.Saving {
	used := map[string]*use{}
	for _, key := range slices.Sorted(maps.Keys(questions)) {
		q := questions[key]
		for _, st := range q.stats() {
			for _, p := range q.Places {
				id := fmt.Sprintf("%v\x00%s", p, st.metricKey())
				if used[id] == nil {
					used[id] = &use{stat: st}
				}
				used[id].keys = append(used[id].keys, key)
			}
		}
	}
	var out []metric.Saving
	for _, id := range slices.Sorted(maps.Keys(used)) {
		u := used[id]
		for _, c := range countedWithErrors() {
			other := used[strings.Replace(id, "\x00"+c.errors+"\x00", "\x00"+c.all+"\x00", 1)]
			if u.stat.Namespace != c.namespace || u.stat.Metric != c.errors || other == nil {
				continue
			}
			keys := slices.Concat(u.keys, other.keys)
			slices.Sort(keys)
			out = append(out, metric.Saving{
				Keys: slices.Compact(keys), Metrics: 1,
				Text: fmt.Sprintf("all requests can be read as SampleCount of %s, which is asked for already, in place of %s: two statistics of one metric are billed as one%s",
					c.errors, c.all, c.caution),
			})
		}
	}
	return out
}

// rare finds questions that are asked more often than they have an answer.
func rare(questions map[string]*question, every slo.Minute) []metric.Saving {
	byPeriod := map[slo.Minute]map[string]*question{}
	for key, q := range questions {
		if q.Period <= every {
			continue
		}
		if byPeriod[q.Period] == nil {
			byPeriod[q.Period] = map[string]*question{}
		}
		byPeriod[q.Period][key] = q
	}
	var out []metric.Saving
	for _, period := range slices.Sorted(maps.Keys(byPeriod)) {
		metrics := 0
		byPlace := map[place][]*asked{}
		for _, a := range gather(byPeriod[period]) {
			for _, p := range a.Places {
				byPlace[p] = append(byPlace[p], a)
			}
		}
		for _, asked := range byPlace {
			metrics += billed(asked)
		}
		out = append(out, metric.Saving{
			Keys: slices.Sorted(maps.Keys(byPeriod[period])), Metrics: metrics, Every: period,
			Text: fmt.Sprintf("their data have a step of %d min; reading them every %d min finds nothing new in between", period, every),
		})
	}
	return out
}

// stats are all statistics a question reads, those of an expression by name.
func (q *question) stats() []stat {
	if q.Stat != nil {
		return []stat{*q.Stat}
	}
	out := make([]stat, 0, len(q.Stats))
	for _, name := range slices.Sorted(maps.Keys(q.Stats)) {
		out = append(out, q.Stats[name])
	}
	return out
}
