package metric

import "gitlab.com/nines-sre/nines/internal/slo"

// Widener is a source that can answer some queries in wider steps than their
// own, for less: counts of five minutes in place of five counts.
type Widener interface {
	// Widest returns the widest step, as [Query].Wide may ask for, in which a
	// query's values add up to what its own steps add up to. 0: it has to be
	// asked at its own, because its values are no counts, or a sum of them means
	// something else.
	Widest(q Query) slo.Minute
}
