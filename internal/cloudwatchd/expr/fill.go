package expr

import (
	"errors"
	"fmt"
)

// fill gives a value to the instants that have none.
func (c *eval) fill(n node) (Value, error) {
	if err := args(n, 2, 2); err != nil {
		return Value{}, err
	}
	v, err := c.series(n, 0)
	if err != nil {
		return v, err
	}
	switch word(n.args[1]) {
	case "REPEAT":
		return perSeries(v, c.repeat), nil
	case "LINEAR":
		return perSeries(v, c.linear), nil
	}
	with, err := c.node(n.args[1])
	if err != nil {
		return v, err
	}
	switch with.Kind {
	case Array:
		return v, errors.New("FILL takes a number, a time series, REPEAT or LINEAR, not an array")
	case Single:
		return perSeries(v, func(s *Series) Series { return c.fillFrom(s, &with.Series[0]) }), nil
	case Scalar:
	}
	return perSeries(v, func(s *Series) Series {
		return c.gaps(s, func(out *Series, at int64, _ int) { out.add(at, with.Number) })
	}), nil
}

// gaps copies a series; missing is told every instant without a value and the
// index of the first value behind it.
func (c *eval) gaps(s *Series, missing func(out *Series, at int64, next int)) Series {
	out := s.one()
	next := 0
	c.grid(s.Period, func(at int64) {
		for next < len(s.Times) && s.Times[next] < at { // off the grid: kept
			out.add(s.Times[next], s.Values[next])
			next++
		}
		if next < len(s.Times) && s.Times[next] == at {
			out.add(at, s.Values[next])
			next++
			return
		}
		missing(&out, at, next)
	})
	for ; next < len(s.Times); next++ {
		out.add(s.Times[next], s.Values[next])
	}
	return out
}

func (c *eval) repeat(s *Series) Series {
	return c.gaps(s, func(out *Series, at int64, next int) {
		if next > 0 {
			out.add(at, s.Values[next-1])
		}
	})
}

func (c *eval) linear(s *Series) Series {
	return c.gaps(s, func(out *Series, at int64, next int) {
		if next == 0 || next == len(s.Times) {
			return
		}
		before, after := s.Times[next-1], s.Times[next]
		share := float64(at-before) / float64(after-before)
		out.add(at, s.Values[next-1]+share*(s.Values[next]-s.Values[next-1]))
	})
}

func (c *eval) fillFrom(s, from *Series) Series {
	i := 0
	return c.gaps(s, func(out *Series, at int64, _ int) {
		for i < len(from.Times) && from.Times[i] < at {
			i++
		}
		if i < len(from.Times) && from.Times[i] == at {
			out.add(at, from.Values[i])
		}
	})
}

// choose is IF(condition, then, otherwise); otherwise may be left out.
func (c *eval) choose(n node) (Value, error) {
	if err := args(n, 2, 3); err != nil {
		return Value{}, err
	}
	parts := make([]Value, 3)
	parts[2] = single(Series{}) // left out: nothing, at any instant
	for i := range n.args {
		v, err := c.node(n.args[i])
		if err != nil {
			return v, err
		}
		if v.Kind == Array {
			return v, fmt.Errorf("argument %d of IF must be a time series or a number, not an array", i+1)
		}
		parts[i] = v
	}
	if parts[0].Kind == Scalar {
		return chooseOnce(parts)
	}
	cond := parts[0].Series[0]
	out := cond.one()
	yes, no := lookup(parts[1]), lookup(parts[2])
	for i, at := range cond.Times {
		if cond.Values[i] != 0 {
			v, _ := yes(at) // missing counts as 0; documented
			out.add(at, v)
		} else if v, ok := no(at); ok {
			out.add(at, v)
		}
	}
	return single(out), nil
}

// chooseOnce decides for all instants: the condition is a number.
func chooseOnce(parts []Value) (Value, error) {
	if parts[1].Kind == Scalar {
		return Value{}, errors.New("IF with a number as its condition takes time series as its values")
	}
	if finite(parts[0].Number) && parts[0].Number != 0 {
		return parts[1], nil
	}
	if parts[2].Kind == Scalar {
		return Value{}, errors.New("IF with a number as its condition takes time series as its values")
	}
	return parts[2], nil
}

// lookup returns a function for a value at ascending instants.
func lookup(v Value) func(at int64) (float64, bool) {
	if v.Kind == Scalar {
		return func(int64) (float64, bool) { return v.Number, finite(v.Number) }
	}
	s, i := v.Series[0], 0
	return func(at int64) (float64, bool) {
		for i < len(s.Times) && s.Times[i] < at {
			i++
		}
		if i < len(s.Times) && s.Times[i] == at {
			return s.Values[i], true
		}
		return 0, false
	}
}
