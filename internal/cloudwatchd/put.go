package cloudwatchd

import (
	"context"
	"math"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/protocol"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// Limits of PutMetricData.
const (
	maxData        = 1000
	maxValues      = 150
	maxDimensions  = 30
	maxName        = 255
	maxDimValue    = 1024
	maxPast        = 14 * 24 * time.Hour
	maxFuture      = 2 * time.Hour
	largest        = 0x1p360
	unitNone       = "None"
	standardStep   = 60
	highResolution = 1
)

// units are in the order in which CloudWatch picks one when a query names none
// (as seen in its own error messages; recorded answers agree).
const units = `Megabits Terabits Gigabits Count Bytes Gigabytes Gigabytes/Second Kilobytes Kilobits/Second Terabytes
	Terabits/Second Bytes/Second Percent Megabytes Megabits/Second Milliseconds Microseconds Kilobytes/Second
	Gigabits/Second Megabytes/Second Bits Bits/Second Count/Second Seconds Kilobits Terabytes/Second None`

// unitRank is a unit's place in that order; -1 for what is no unit.
func unitRank(unit string) int {
	i := 0
	for u := range strings.FieldsSeq(units) {
		if u == unit {
			return i
		}
		i++
	}
	return -1
}

func (s *Server) putMetricData(ctx context.Context, c *call) *protocol.Error {
	namespace := c.args.Text("Namespace")
	data := c.args.Subs("MetricData")
	for _, e := range c.args.Subs("EntityMetricData") {
		data = append(data, e.Subs("MetricData")...)
	}
	if err := c.args.Err(); err != nil {
		return err
	}
	if namespace == nil || *namespace == "" {
		return missing("The parameter Namespace is required.")
	}
	if err := s.checkNamespace(*namespace); err != nil {
		return err
	}
	if len(data) == 0 {
		return missing("The parameter MetricData is required.")
	}
	if len(data) > maxData {
		return invalid("The collection MetricData must not have a size greater than %d.", maxData)
	}
	batch := make([]store.Datum, 0, len(data))
	for _, a := range data {
		d, err := readDatum(a, *namespace, c.now)
		if err != nil {
			return err
		}
		batch = append(batch, d)
	}
	return s.ingest(ctx, c, batch)
}

func (s *Server) checkNamespace(ns string) *protocol.Error {
	switch {
	case len(ns) > maxName:
		return invalid("The parameter Namespace must be shorter than %d characters.", maxName+1)
	case ns[0] == ':' || control(ns):
		return invalid("The value %q for parameter Namespace contains characters that are not allowed.", ns)
	case s.cfg.ReserveAWS && strings.HasPrefix(ns, "AWS/"):
		return invalid("The value AWS/ for parameter Namespace is invalid.")
	}
	return nil
}

// ingest stores a batch, with the faults that apply to it.
func (s *Server) ingest(ctx context.Context, c *call, batch []store.Datum) *protocol.Error {
	kept := batch[:0]
	for _, d := range batch {
		drop, late := s.faults.forDatum(d.Metric)
		switch {
		case drop:
		case late > 0:
			s.late.hold(held{at: c.now.Add(late), place: c.place, data: []store.Datum{d}})
		default:
			kept = append(kept, d)
		}
	}
	c.entry.Published = len(kept)
	if err := s.store.Put(ctx, c.place, kept); err != nil {
		return internal(err.Error())
	}
	return nil
}

// control says whether a text has characters that names may not have.
func control(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// readDatum checks one MetricDatum; all its faults are those of AWS's API.
func readDatum(a protocol.Args, namespace string, now time.Time) (store.Datum, *protocol.Error) {
	var d store.Datum
	name, unit, resolution, at := a.Text("MetricName"), a.Text("Unit"), a.Whole("StorageResolution"), a.Time("Timestamp")
	dims, err := readDimensions(a)
	switch {
	case err != nil:
		return d, err
	case a.Err() != nil:
		return d, a.Err()
	case len(dims) > maxDimensions:
		return d, invalid("The collection %s must not have a size greater than %d.", a.Path("Dimensions"), maxDimensions)
	case unit != nil && unitRank(*unit) < 0:
		return d, invalid("The parameter %s must be a value in the set [ %s ]", a.Path("Unit"), strings.Join(strings.Fields(units), ", "))
	case resolution != nil && *resolution != highResolution && *resolution != standardStep:
		return d, invalid("The value %d for parameter %s is not supported; 1 and 60 are.", *resolution, a.Path("StorageResolution"))
	}
	if err := checkMetricName(a, name); err != nil {
		return d, err
	}
	if at == nil {
		at = &now
	}
	if err := checkTimestamp(a, *at, now); err != nil {
		return d, err
	}
	d = store.Datum{Metric: store.NewMetric(namespace, *name, dims), Unit: unitNone}
	if unit != nil {
		d.Unit = *unit
	}
	step := int64(standardStep)
	if resolution != nil {
		step = *resolution
	}
	d.At = floor(at.Unix(), step)
	d.Set, err = readValues(a)
	return d, err
}

func checkMetricName(a protocol.Args, name *string) *protocol.Error {
	switch {
	case name == nil || *name == "":
		return missing("The parameter %s is required.", a.Path("MetricName"))
	case len(*name) > maxName:
		return invalid("The parameter %s must be shorter than %d characters.", a.Path("MetricName"), maxName+1)
	case control(*name):
		return invalid("The parameter %s must not contain control characters.", a.Path("MetricName"))
	}
	return nil
}

// checkTimestamp holds to the server's clock, so that a clock set into the past
// takes the data of that time.
func checkTimestamp(a protocol.Args, at, now time.Time) *protocol.Error {
	if at.Before(now.Add(-maxPast)) {
		return invalid("The parameter %s must specify a time within the past two weeks.", a.Path("Timestamp"))
	}
	if at.After(now.Add(maxFuture)) {
		return invalid("The parameter %s must specify a time no more than two hours in the future.", a.Path("Timestamp"))
	}
	return nil
}

func readDimensions(a protocol.Args) ([]store.Dimension, *protocol.Error) {
	var dims []store.Dimension
	for _, sub := range a.Subs("Dimensions") {
		name, value := sub.Text("Name"), sub.Text("Value")
		switch {
		case sub.Err() != nil:
			return nil, sub.Err()
		case name == nil || *name == "":
			return nil, missing("The parameter %s is required.", sub.Path("Name"))
		case value == nil || *value == "":
			return nil, missing("The parameter %s is required.", sub.Path("Value"))
		case len(*name) > maxName:
			return nil, invalid("The parameter %s must be shorter than %d characters.", sub.Path("Name"), maxName+1)
		case len(*value) > maxDimValue:
			return nil, invalid("The parameter %s must be shorter than %d characters.", sub.Path("Value"), maxDimValue+1)
		case (*name)[0] == ':' || control(*name) || control(*value):
			return nil, invalid("The parameter %s contains characters that are not allowed.", sub.Path("Name"))
		}
		for _, d := range dims {
			if d.Name == *name {
				return nil, invalid("No metric may specify the same dimension name twice: %s.", *name)
			}
		}
		dims = append(dims, store.Dimension{Name: *name, Value: *value})
	}
	return dims, nil
}

// readValues reads the samples of a datum: one value, values with counts, or a
// statistic set.
func readValues(a protocol.Args) (stat.Set, *protocol.Error) {
	value, values, counts := a.Number("Value"), a.Numbers("Values"), a.Numbers("Counts")
	set, hasSet := a.Sub("StatisticValues")
	if err := a.Err(); err != nil {
		return stat.Set{}, err
	}
	given := 0
	for _, is := range []bool{value != nil, len(values) > 0, hasSet} {
		if is {
			given++
		}
	}
	switch {
	case given == 0:
		return stat.Set{}, missing("At least one of the parameters %s, %s or %s must be specified.", a.Path("Value"), a.Path("Values"), a.Path("StatisticValues"))
	case given > 1:
		return stat.Set{}, combination("The parameters %s, %s and %s are mutually exclusive and you have specified more than one.", a.Path("Value"), a.Path("Values"), a.Path("StatisticValues"))
	case hasSet:
		return readStatistics(set)
	case value != nil:
		if err := inRange(a.Path("Value"), *value); err != nil {
			return stat.Set{}, err
		}
		return stat.Single(*value, 1), nil
	}
	return readArrays(a, values, counts)
}

func readArrays(a protocol.Args, values, counts []float64) (stat.Set, *protocol.Error) {
	if len(values) > maxValues {
		return stat.Set{}, invalid("The collection %s must not have a size greater than %d.", a.Path("Values"), maxValues)
	}
	if len(counts) > 0 && len(counts) != len(values) {
		return stat.Set{}, invalid("The parameters %s and %s must be of the same size.", a.Path("Values"), a.Path("Counts"))
	}
	samples := make([]stat.Sample, 0, len(values))
	for i, v := range values {
		if err := inRange(a.Path("Values"), v); err != nil {
			return stat.Set{}, err
		}
		n := 1.0
		if len(counts) > 0 {
			n = counts[i]
		}
		if math.IsNaN(n) || math.IsInf(n, 0) || n < 0 || n > largest {
			return stat.Set{}, invalid("The value %v for parameter %s is invalid: a count is zero or more.", n, a.Path("Counts"))
		}
		samples = append(samples, stat.Sample{Value: v, Count: n})
	}
	return stat.FromSamples(samples), nil
}

func readStatistics(a protocol.Args) (stat.Set, *protocol.Error) {
	var v [4]float64
	for i, name := range []string{"SampleCount", "Sum", "Minimum", "Maximum"} {
		f := a.Number(name)
		if err := a.Err(); err != nil {
			return stat.Set{}, err
		}
		if f == nil {
			return stat.Set{}, missing("The parameter %s is required.", a.Path(name))
		}
		if err := inRange(a.Path(name), *f); err != nil {
			return stat.Set{}, err
		}
		v[i] = *f
	}
	switch {
	case v[0] < 0:
		return stat.Set{}, invalid("The value %v for parameter %s must not be negative.", v[0], a.Path("SampleCount"))
	case v[3] < v[2]:
		return stat.Set{}, invalid("The parameter %s must be greater than %s.", a.Path("Maximum"), a.Path("Minimum"))
	}
	return stat.FromStatistics(v[0], v[1], v[2], v[3]), nil
}

func inRange(path string, v float64) *protocol.Error {
	if math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) > largest {
		return invalid("The value %v for parameter %s is invalid: values lie between -2^360 and 2^360.", v, path)
	}
	return nil
}

// floor rounds down to a multiple of step, also before 1970.
func floor(at, step int64) int64 { return at - ((at%step)+step)%step }

// Load stores data as they are, past every limit of PutMetricData: for tests
// and demonstrations that need months of history at once.
func (s *Server) Load(ctx context.Context, place store.Place, data []store.Datum) error {
	return s.store.Put(ctx, place, data)
}

// Size says how much a place holds.
func (s *Server) Size(place store.Place) store.Size { return s.store.Space(place).Size() }
