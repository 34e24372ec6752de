package expr

import (
	"fmt"
	"math"
	"strings"
)

// Functions by shape. The words of a group are looked up by whole words.
const (
	reducers    = "AVG SUM MIN MAX STDDEV DATAPOINT_COUNT"
	mappers     = "ABS CEIL FLOOR LOG LOG10"
	walkers     = "DIFF DIFF_TIME RATE RUNNING_SUM"
	calendar    = "MINUTE HOUR DAY DATE MONTH YEAR EPOCH"
	others      = "FILL FIRST IF LAST METRIC_COUNT METRICS PERIOD REMOVE_EMPTY SEARCH SLICE SORT TIME_SERIES"
	unsupported = "ANOMALY_DETECTION_BAND INSIGHT_RULE_METRIC SERVICE_QUOTA DB_PERF_INSIGHTS LAMBDA"
	words       = "REPEAT LINEAR ASC DESC AVG MIN MAX SUM"
)

func in(name, group string) bool {
	for w := range strings.FieldsSeq(group) {
		if w == name {
			return true
		}
	}
	return false
}

func isWord(name string) bool { return in(name, words) }

// known refuses functions that are not there, at parsing.
func known(name string) error {
	if in(name, unsupported) {
		return fmt.Errorf("%s is not supported by the local CloudWatch", name)
	}
	for _, group := range []string{reducers, mappers, walkers, calendar, others} {
		if in(name, group) {
			return nil
		}
	}
	return fmt.Errorf("there is no function %s", name)
}

func (c *eval) call(n node) (Value, error) {
	switch {
	case in(n.name, reducers):
		return c.reduce(n)
	case in(n.name, mappers):
		v, err := c.seriesArg(n)
		return mapped(v, mapper(n.name)), err
	case in(n.name, walkers):
		v, err := c.seriesArg(n)
		return perSeries(v, walker(n.name)), err
	case in(n.name, calendar):
		return c.calendar(n)
	}
	return c.other(n)
}

func (c *eval) other(n node) (Value, error) {
	switch n.name {
	case "FILL":
		return c.fill(n)
	case "FIRST", "LAST", "METRIC_COUNT", "REMOVE_EMPTY":
		return c.ofArray(n)
	case "IF":
		return c.choose(n)
	case "METRICS":
		return c.metrics(n)
	case "PERIOD":
		return c.period(n)
	case "SEARCH":
		return c.search(n)
	case "SLICE":
		return c.slice(n)
	case "SORT":
		return c.sort(n)
	case "TIME_SERIES":
		return c.constant(n)
	}
	return Value{}, fmt.Errorf("there is no function %s", n.name)
}

// args checks how many arguments a function got.
func args(n node, least, most int) error {
	if len(n.args) >= least && len(n.args) <= most {
		return nil
	}
	if least == most {
		return fmt.Errorf("%s takes %d argument(s), not %d", n.name, least, len(n.args))
	}
	return fmt.Errorf("%s takes %d to %d arguments, not %d", n.name, least, most, len(n.args))
}

// seriesArg evaluates the only argument, which must be one or many series.
func (c *eval) seriesArg(n node) (Value, error) {
	if err := args(n, 1, 1); err != nil {
		return Value{Kind: Single, Series: []Series{{}}}, err
	}
	return c.series(n, 0)
}

func (c *eval) series(n node, i int) (Value, error) {
	v, err := c.node(n.args[i])
	if err == nil && !v.isSeries() {
		err = fmt.Errorf("argument %d of %s must be a time series, not %s", i+1, n.name, v.describe())
	}
	return v, err
}

func (c *eval) number(n node, i int) (float64, error) {
	v, err := c.node(n.args[i])
	if err == nil && v.Kind != Scalar {
		err = fmt.Errorf("argument %d of %s must be a number, not %s", i+1, n.name, v.describe())
	}
	return v.Number, err
}

func mapper(name string) func(float64) float64 {
	switch name {
	case "ABS":
		return math.Abs
	case "CEIL":
		return math.Ceil
	case "FLOOR":
		return math.Floor
	case "LOG10":
		return math.Log10
	}
	return math.Log
}

// reduce turns one series into a number, and an array into one series.
func (c *eval) reduce(n node) (Value, error) {
	v, err := c.seriesArg(n)
	if err != nil {
		return v, err
	}
	if v.Kind == Single {
		return scalar(reduction(n.name, v.Series[0].Values, len(v.Series[0].Values))), nil
	}
	out := Series{Period: finest(v.Series)}
	across(v.Series, func(at int64, values []float64) {
		// AVG counts the series without a value as 0; that is documented.
		out.add(at, reduction(n.name, values, len(v.Series)))
	})
	return single(out), nil
}

// reduction computes a reducer; of is what AVG divides by.
func reduction(name string, values []float64, of int) float64 {
	if name == "DATAPOINT_COUNT" {
		return float64(len(values))
	}
	if len(values) == 0 {
		return math.NaN()
	}
	lowest, highest, sum := values[0], values[0], 0.0
	for _, v := range values {
		lowest, highest = min(lowest, v), max(highest, v)
		sum += v
	}
	switch name {
	case "SUM":
		return sum
	case "MIN":
		return lowest
	case "MAX":
		return highest
	case "STDDEV":
		return deviation(values, sum/float64(len(values)))
	}
	return sum / float64(of)
}

func deviation(values []float64, mean float64) float64 {
	square := 0.0
	for _, v := range values {
		square += (v - mean) * (v - mean)
	}
	return math.Sqrt(square / float64(len(values)))
}

// walker returns a function of each value and its predecessor.
func walker(name string) func(*Series) Series {
	return func(s *Series) Series {
		out := s.one()
		sum := 0.0
		for i, at := range s.Times {
			sum += s.Values[i]
			if name == "RUNNING_SUM" {
				out.add(at, sum)
				continue
			}
			if i == 0 {
				continue
			}
			change, seconds := s.Values[i]-s.Values[i-1], float64(at-s.Times[i-1])
			switch name {
			case "DIFF":
				out.add(at, change)
			case "DIFF_TIME":
				out.add(at, seconds)
			case "RATE":
				out.add(at, change/seconds)
			}
		}
		return out
	}
}
