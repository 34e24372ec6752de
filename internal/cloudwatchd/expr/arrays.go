package expr

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// arrayArg evaluates an argument that must be an array.
func (c *eval) arrayArg(n node, i int) (Value, error) {
	v, err := c.node(n.args[i])
	if err == nil && v.Kind != Array {
		err = fmt.Errorf("argument %d of %s must be an array of time series, not %s", i+1, n.name, v.describe())
	}
	return v, err
}

func (c *eval) ofArray(n node) (Value, error) {
	if err := args(n, 1, 1); err != nil {
		return Value{}, err
	}
	v, err := c.arrayArg(n, 0)
	if err != nil {
		return v, err
	}
	switch n.name {
	case "METRIC_COUNT":
		return scalar(float64(len(v.Series))), nil
	case "REMOVE_EMPTY":
		return arrayOf(slices.DeleteFunc(slices.Clone(v.Series), func(s Series) bool { return s.empty() })), nil
	}
	switch {
	case len(v.Series) == 0:
		return single(Series{}), nil
	case n.name == "FIRST":
		return single(v.Series[0]), nil
	}
	return single(v.Series[len(v.Series)-1]), nil
}

func (c *eval) metrics(n node) (Value, error) {
	if err := args(n, 0, 1); err != nil {
		return Value{}, err
	}
	part := ""
	if len(n.args) == 1 {
		t := n.args[0]
		if t.kind != nodeText {
			return Value{}, errors.New("METRICS takes a text in quotes: a part of the ids")
		}
		part = t.name
	}
	var found []Series
	for _, s := range c.env.Metrics {
		if strings.Contains(s.ID, part) {
			found = append(found, s)
		}
	}
	return arrayOf(found), nil
}

func (c *eval) period(n node) (Value, error) {
	if err := args(n, 1, 1); err != nil {
		return Value{}, err
	}
	if id := n.args[0]; id.kind == nodeIdent {
		if s := c.metric(id.name); s != nil {
			return scalar(float64(s.Period)), nil
		}
	}
	return Value{}, errors.New("PERIOD takes the id of a metric, not the result of an expression")
}

func (c *eval) search(n node) (Value, error) {
	if err := args(n, 2, 3); err != nil {
		return Value{}, err
	}
	query, statistic := n.args[0], n.args[1]
	if query.kind != nodeText || statistic.kind != nodeText {
		return Value{}, errors.New("SEARCH takes two texts in quotes, the search and the statistic, and a period")
	}
	period := float64(c.env.Period)
	if len(n.args) == 3 {
		var err error
		if period, err = c.number(n, 2); err != nil {
			return Value{}, err
		}
	}
	if c.env.Search == nil {
		return Value{}, errors.New("SEARCH cannot be used here")
	}
	found, err := c.env.Search(query.name, statistic.name, int64(period))
	return arrayOf(found), err
}

func (c *eval) slice(n node) (Value, error) {
	if err := args(n, 2, 3); err != nil {
		return Value{}, err
	}
	v, err := c.arrayArg(n, 0)
	if err != nil {
		return v, err
	}
	from, err := c.number(n, 1)
	if err != nil {
		return v, err
	}
	to := float64(len(v.Series))
	if len(n.args) == 3 {
		if to, err = c.number(n, 2); err != nil {
			return v, err
		}
	}
	if !finite(from) || !finite(to) {
		return arrayOf(nil), nil
	}
	end := max(0, min(int(to), len(v.Series)))
	return arrayOf(v.Series[max(0, min(int(from), end)):end]), nil
}

func (c *eval) sort(n node) (Value, error) {
	if err := args(n, 3, 4); err != nil {
		return Value{}, err
	}
	v, err := c.arrayArg(n, 0)
	if err != nil {
		return v, err
	}
	by, order := word(n.args[1]), word(n.args[2])
	if !in(by, "AVG MIN MAX SUM") || !in(order, "ASC DESC") {
		return v, errors.New("SORT takes AVG, MIN, MAX or SUM, then ASC or DESC")
	}
	sorted := slices.Clone(v.Series)
	slices.SortStableFunc(sorted, func(a, b Series) int {
		x, y := reduction(by, a.Values, len(a.Values)), reduction(by, b.Values, len(b.Values))
		switch {
		case math.IsNaN(x) || math.IsNaN(y): // those without data come last
			return cmp.Compare(truth(math.IsNaN(x)), truth(math.IsNaN(y)))
		case order == "DESC":
			return cmp.Compare(y, x)
		}
		return cmp.Compare(x, y)
	})
	if len(n.args) == 4 {
		limit, err := c.number(n, 3)
		if err != nil {
			return v, err
		}
		if finite(limit) {
			sorted = sorted[:max(0, min(int(limit), len(sorted)))]
		}
	}
	return arrayOf(sorted), nil
}

// word returns the bare word an argument is, or "".
func word(n node) string {
	if n.kind == nodeWord {
		return n.name
	}
	return ""
}

// constant is a series without gaps that has one value throughout.
func (c *eval) constant(n node) (Value, error) {
	if err := args(n, 1, 1); err != nil {
		return Value{}, err
	}
	v, err := c.number(n, 0)
	if err != nil {
		return Value{}, err
	}
	out := Series{Period: c.env.Period}
	if out.Period <= 0 {
		out.Period = finest(c.env.Metrics)
	}
	c.grid(out.Period, func(at int64) { out.add(at, v) })
	return single(out), nil
}

// calendar returns for every instant what the calendar says of it, in UTC.
func (c *eval) calendar(n node) (Value, error) {
	v, err := c.seriesArg(n)
	if err != nil {
		return v, err
	}
	if v.Kind != Single {
		return v, fmt.Errorf("%s takes one time series, not an array", n.name)
	}
	out := v.Series[0].one()
	c.grid(out.Period, func(at int64) { out.add(at, calendarOf(n.name, at)) })
	return single(out), nil
}

func calendarOf(name string, at int64) float64 {
	t := time.Unix(at, 0).UTC()
	switch name {
	case "MINUTE":
		return float64(t.Minute())
	case "HOUR":
		return float64(t.Hour())
	case "DAY": // Monday is 1, Sunday 7
		return float64((t.Weekday()+6)%7 + 1)
	case "DATE":
		return float64(t.Day())
	case "MONTH":
		return float64(t.Month())
	case "YEAR":
		return float64(t.Year())
	}
	return float64(at)
}
