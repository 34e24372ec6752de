package cloudwatchd

import (
	"slices"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/protocol"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// Limits of GetMetricStatistics.
const (
	maxPoints     = 1440
	maxStatistics = 5
	maxExtended   = 10
)

// statsRequest is a checked GetMetricStatistics request.
type statsRequest struct {
	span
	stats []stat.Statistic
	plain int // how many of stats are of the five plain ones
}

func (s *Server) getMetricStatistics(c *call) (protocol.Struct, *protocol.Error) {
	req, err := readStatsRequest(c)
	if err != nil {
		return nil, err
	}
	space := s.store.Space(c.place)
	inUnits := []string{req.unit}
	if req.unit == "" {
		inUnits = space.Units(req.metric)
	}
	var points []protocol.Struct
	for _, unit := range inUnits {
		found, err := req.points(space, unit, c)
		if err != nil {
			return nil, err
		}
		points = append(points, found...)
	}
	c.entry.Datapoints = len(points)
	if points == nil {
		points = []protocol.Struct{}
	}
	return protocol.Struct{{Name: "Label", Value: req.metric.Name}, {Name: "Datapoints", Value: points}}, nil
}

// points computes the datapoints of one unit. They come in no order (AWS says
// so); here in that of time.
func (r statsRequest) points(space *store.Space, unit string, c *call) ([]protocol.Struct, *protocol.Error) {
	byTime := map[int64]protocol.Struct{}
	extended := map[int64]protocol.Struct{}
	var order []int64
	for i, st := range r.stats {
		sp := r.span
		sp.unit, sp.stat = unit, st
		times, values, err := read(space, sp, c.now)
		if err != nil {
			return nil, internal(err.Error())
		}
		for k, at := range times {
			if _, ok := byTime[at]; !ok {
				byTime[at] = protocol.Struct{{Name: "Timestamp", Value: protocol.Stamp(at)}}
				order = append(order, at)
			}
			field := protocol.Field{Name: st.Name, Value: values[k]}
			if i < r.plain {
				byTime[at] = append(byTime[at], field)
			} else {
				extended[at] = append(extended[at], field)
			}
		}
	}
	slices.Sort(order)
	out := make([]protocol.Struct, 0, len(order))
	for _, at := range order {
		p := append(byTime[at], protocol.Field{Name: "Unit", Value: unit})
		if more := extended[at]; more != nil {
			p = append(p, protocol.Field{Name: "ExtendedStatistics", Value: protocol.Map(more)})
		}
		out = append(out, p)
	}
	return out, nil
}

func readStatsRequest(c *call) (statsRequest, *protocol.Error) {
	var req statsRequest
	if err := req.readMetric(c.args); err != nil {
		return req, err
	}
	if err := req.readTimes(c.args); err != nil {
		return req, err
	}
	plain, extended := c.args.Texts("Statistics"), c.args.Texts("ExtendedStatistics")
	if err := c.args.Err(); err != nil {
		return req, err
	}
	return req, req.readStatistics(plain, extended)
}

func (r *statsRequest) readMetric(a protocol.Args) *protocol.Error {
	namespace, name, unit := a.Text("Namespace"), a.Text("MetricName"), a.Text("Unit")
	dims, err := readDimensions(a)
	switch {
	case err != nil:
		return err
	case a.Err() != nil:
		return a.Err()
	case namespace == nil || *namespace == "":
		return missing("The parameter Namespace is required.")
	case name == nil || *name == "":
		return missing("The parameter MetricName is required.")
	case unit != nil && unitRank(*unit) < 0:
		return invalid("The parameter Unit must be a value in the set of units.")
	case len(dims) > maxDimensions:
		return invalid("The collection Dimensions must not have a size greater than %d.", maxDimensions)
	}
	r.metric = store.NewMetric(*namespace, *name, dims)
	if unit != nil {
		r.unit = *unit
	}
	return nil
}

func (r *statsRequest) readTimes(a protocol.Args) *protocol.Error {
	start, end, period := a.Time("StartTime"), a.Time("EndTime"), a.Whole("Period")
	switch {
	case a.Err() != nil:
		return a.Err()
	case start == nil:
		return missing("The parameter StartTime is required.")
	case end == nil:
		return missing("The parameter EndTime is required.")
	case period == nil:
		return missing("The parameter Period is required.")
	case !validPeriod(*period):
		return invalid("The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60.")
	case !start.Before(*end):
		return invalid("The parameter StartTime must be less than the parameter EndTime.")
	}
	r.period, r.start, r.end = *period, start.Unix(), ceilSecond(*end)
	if n := (r.end - r.start) / r.period; n > maxPoints {
		return combination("You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n, maxPoints)
	}
	return nil
}

func (r *statsRequest) readStatistics(plain, extended []string) *protocol.Error {
	switch {
	case len(plain) == 0 && len(extended) == 0:
		return missing("Must specify either Statistics or ExtendedStatistics")
	case len(plain) > 0 && len(extended) > 0:
		return combination("Statistics and ExtendedStatistics may not both be specified")
	case len(plain) > maxStatistics || len(extended) > maxExtended:
		return invalid("The collection Statistics must not have a size greater than %d, ExtendedStatistics not greater than %d.", maxStatistics, maxExtended)
	}
	for _, text := range append(plain, extended...) {
		st, err := stat.Parse(text)
		if err != nil || st.NeedsValues() != (len(extended) > 0) {
			return invalid("The value %s for parameter Statistics or ExtendedStatistics is not valid.", text)
		}
		r.stats = append(r.stats, st)
	}
	r.plain = len(plain)
	return nil
}
