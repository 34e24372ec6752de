package expr

import (
	"errors"
	"fmt"
	"math"
)

// maxSeries bounds arrays, which expressions could otherwise multiply.
const maxSeries = 5000

// Env is what an expression is evaluated in.
type Env struct {
	// Start and End bound the request, Unix seconds; End is exclusive. They say
	// which instants a series without gaps has.
	Start, End int64
	// Period is that of the query, in seconds; 0 means the finest of the metrics.
	Period int64
	// Metrics are the metrics of the request in its order, with their IDs.
	Metrics []Series
	// Results are the values of the expressions this one names.
	Results map[string]Value
	// Oldest is the earliest instant that a period still reaches; nil is no limit.
	Oldest func(period int64) int64
	// Search answers SEARCH: the series that match, with their labels.
	Search func(query, statistic string, period int64) ([]Series, error)
}

// Eval computes the expression. The value is a time series or an array of them;
// an expression that comes to a number alone is an error, as in AWS.
func (e *Expr) Eval(env Env) (Value, error) {
	v, err := (&eval{env: env}).node(e.root)
	if err == nil && v.Kind == Scalar {
		return v, errors.New("the result is a number; it must be a time series, for example TIME_SERIES(...)")
	}
	return v, err
}

type eval struct{ env Env }

func (c *eval) node(n node) (Value, error) {
	switch n.kind {
	case nodeNumber:
		return scalar(n.number), nil
	case nodeIdent:
		return c.ident(n.name)
	case nodeArray:
		return c.array(n)
	case nodeNegate:
		return c.negate(n)
	case nodeBinary:
		return c.binary(n)
	case nodeCall:
		return c.call(n)
	case nodeText, nodeWord:
	}
	return Value{}, fmt.Errorf("%q stands where a value should", n.name)
}

func (c *eval) metric(id string) *Series {
	for i := range c.env.Metrics {
		if c.env.Metrics[i].ID == id {
			return &c.env.Metrics[i]
		}
	}
	return nil
}

func (c *eval) ident(id string) (Value, error) {
	if s := c.metric(id); s != nil {
		return single(*s), nil
	}
	if v, ok := c.env.Results[id]; ok {
		return v, nil
	}
	return Value{}, fmt.Errorf("no query of this request has the id %q", id)
}

// array joins series and arrays into one array.
func (c *eval) array(n node) (Value, error) {
	var all []Series
	for _, item := range n.args {
		v, err := c.node(item)
		if err != nil {
			return v, err
		}
		if !v.isSeries() {
			return v, errors.New("an array holds time series, not numbers")
		}
		if all = append(all, v.Series...); len(all) > maxSeries {
			return v, fmt.Errorf("an array of more than %d time series", maxSeries)
		}
	}
	return arrayOf(all), nil
}

func (c *eval) negate(n node) (Value, error) {
	v, err := c.node(n.args[0])
	if err != nil {
		return v, err
	}
	if v.Kind == Scalar {
		return scalar(-v.Number), nil
	}
	return mapped(v, func(x float64) float64 { return -x }), nil
}

// mapped applies f to every value of one or many series.
func mapped(v Value, f func(float64) float64) Value {
	return perSeries(v, func(s *Series) Series { return s.each(f) })
}

func perSeries(v Value, f func(*Series) Series) Value {
	out := Value{Kind: v.Kind, Series: make([]Series, len(v.Series))}
	for i := range v.Series {
		out.Series[i] = f(&v.Series[i])
	}
	return out
}

func (c *eval) binary(n node) (Value, error) {
	l, err := c.node(n.args[0])
	if err != nil {
		return l, err
	}
	r, err := c.node(n.args[1])
	if err != nil {
		return r, err
	}
	op := operation(n.name)
	switch {
	case l.Kind == Scalar && r.Kind == Scalar:
		return scalar(op(l.Number, r.Number)), nil
	case l.Kind == Scalar:
		return mapped(r, func(x float64) float64 { return op(l.Number, x) }), nil
	case r.Kind == Scalar:
		return mapped(l, func(x float64) float64 { return op(x, r.Number) }), nil
	case l.Kind == Array && r.Kind == Array:
		return Value{}, fmt.Errorf("%q joins an array of time series with a number or a time series, not with another array", n.name)
	case l.Kind == Array:
		return perSeries(l, func(s *Series) Series { return both(s, &r.Series[0], op) }), nil
	case r.Kind == Array:
		return perSeries(r, func(s *Series) Series {
			out := both(&l.Series[0], s, op)
			out.Label = s.Label
			return out
		}), nil
	}
	return single(both(&l.Series[0], &r.Series[0], op)), nil
}

// both applies op where either series has a value; the other's counts as 0.
func both(a, b *Series, op func(x, y float64) float64) Series {
	out := Series{Label: a.Label, Period: finest([]Series{a.one(), b.one()})}
	out.Times = make([]int64, 0, max(len(a.Times), len(b.Times)))
	out.Values = make([]float64, 0, cap(out.Times))
	join(a, b, func(at int64, x, y float64, _, _ bool) { out.add(at, op(x, y)) })
	return out
}

// operation returns an operator's arithmetic. NaN stands for no value and stays
// one; a division by zero is none.
func operation(op string) func(x, y float64) float64 {
	f := arithmetic(op)
	if f == nil {
		test := comparison(op)
		f = func(x, y float64) float64 { return truth(test(x, y)) }
	}
	return func(x, y float64) float64 {
		if math.IsNaN(x) || math.IsNaN(y) {
			return math.NaN()
		}
		return f(x, y)
	}
}

func arithmetic(op string) func(x, y float64) float64 {
	switch op {
	case "+":
		return func(x, y float64) float64 { return x + y }
	case "-":
		return func(x, y float64) float64 { return x - y }
	case "*":
		return func(x, y float64) float64 { return x * y }
	case "/":
		return func(x, y float64) float64 {
			if y == 0 {
				return math.NaN()
			}
			return x / y
		}
	case "^":
		return math.Pow
	}
	return nil
}

func comparison(op string) func(x, y float64) bool {
	switch op {
	case "==":
		return func(x, y float64) bool { return x == y }
	case "!=":
		return func(x, y float64) bool { return x != y }
	case "<=":
		return func(x, y float64) bool { return x <= y }
	case ">=":
		return func(x, y float64) bool { return x >= y }
	case "<":
		return func(x, y float64) bool { return x < y }
	case ">":
		return func(x, y float64) bool { return x > y }
	case "&&":
		return func(x, y float64) bool { return x != 0 && y != 0 }
	}
	return func(x, y float64) bool { return x != 0 || y != 0 }
}

// grid visits the instants of a series without gaps.
func (c *eval) grid(period int64, f func(at int64)) {
	if period <= 0 {
		period = 60
	}
	start := c.env.Start
	if c.env.Oldest != nil {
		if oldest := c.env.Oldest(period); oldest > start {
			start = oldest + period - 1 // no instant before it
		}
	}
	for at := start - floorMod(start, period); at < c.env.End; at += period {
		f(at)
	}
}

func floorMod(a, b int64) int64 { return (a%b + b) % b }
