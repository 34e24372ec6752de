package cloudwatch

import (
	"cmp"
	"slices"

	"gitlab.com/nines-sre/nines/internal/metric"
)

var _ metric.Governed = (*Source)(nil)

// The actions that reading, and finding what can be read, needs. (Service
// Authorization Reference, actions of Amazon CloudWatch and of CloudWatch
// Application Signals: none of them knows resources.)
const (
	getMetricData  = "cloudwatch:GetMetricData"
	listMetrics    = "cloudwatch:ListMetrics"
	describeAlarms = "cloudwatch:DescribeAlarms"
	listObjectives = "application-signals:ListServiceLevelObjectives"
	assumeRole     = "sts:AssumeRole"
)

// Rights implements metric.Governed.
func (s *Source) Rights(queries []metric.Query, discover bool) []metric.Right {
	questions, _ := s.understand(queries)
	actions := []string{getMetricData, listMetrics}
	if discover {
		actions = append(actions, describeAlarms, listObjectives)
	}
	var out []metric.Right
	for _, p := range places(questions) {
		for _, a := range actions {
			r := metric.Right{Action: a, Resource: "*", Role: p.Role}
			if p.Region != "" {
				r.Regions = []string{p.Region}
			}
			out = append(out, r)
		}
		if p.Role != "" {
			out = append(out, metric.Right{Action: assumeRole, Resource: p.Role})
		}
	}
	return out
}

// places are where questions are asked, in a stable order.
func places(questions map[string]*question) []place {
	var out []place
	for _, q := range questions {
		out = append(out, q.Places...)
	}
	slices.SortFunc(out, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Region, b.Region), cmp.Compare(a.ExternalID, b.ExternalID))
	})
	return slices.Compact(out)
}
