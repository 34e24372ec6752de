package alert

import (
	"strings"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// The defaults of an Input.
const (
	// Hold is how long a condition must have ended before its incident is over.
	Hold = 30 * slo.Minute(1)
	// NoDataAfter is how long nothing must be known before that is told.
	NoDataAfter = 15 * slo.Minute(1)
)

// Sample is what is known of one rule's condition at an instant. The zero value
// was not evaluated: nothing changes for the rule.
type Sample struct {
	// Evaluated says that the rest was looked at. Truth may be unknown then.
	Evaluated bool
	Truth     slo.Truth
	// Long and Short are the burn rates; nil: no traffic or no data.
	Long, Short *float64
	// Bad and Total are the events of the long look-back.
	Bad, Total float64
	// Remaining is the budget left, of 1; nil: not known.
	Remaining *float64
	// Evidence is as the package evidence gives it; nil: it was not computed.
	Evidence *float64
}

// SampleOf is the sample of a condition in a status.
func SampleOf(st *slo.Status, i int) Sample {
	c := &st.Conditions[i]
	out := Sample{Evaluated: true, Truth: c.Truth, Long: c.Long, Short: c.Short, Remaining: st.Budget.Remaining}
	for k := range st.Burns {
		if b := &st.Burns[k]; b.Lookback == c.Condition.Long {
			out.Bad, out.Total = b.Stretch.Bad().Float(), b.Stretch.Total.Float()
		}
	}
	return out
}

// Silence keeps alerts from being told for a while.
type Silence struct {
	ID     string `json:"id"`
	Match  string `json:"match"` // a service, service/slo, service/slo/objective or a rule's ID; "*" is all
	Author string `json:"author"`
	Reason string `json:"reason"`
	// It holds for minutes that end in (From, To].
	From slo.Minute `json:"from"`
	To   slo.Minute `json:"to"`
}

// Covers says whether a silence holds for a rule's ID, or an objective, at an
// instant.
func (s *Silence) Covers(id string, at slo.Minute) bool {
	return s.From < at && at <= s.To && (s.Match == "*" || s.Match == id || strings.HasPrefix(id, s.Match+"/"))
}

// Input is one minute of everything.
type Input struct {
	Set *Set
	// Samples are one for each rule, in their order.
	Samples  []Sample
	Silences []Silence
	// Hold and NoDataAfter are as the constants of these names say; a negative
	// Hold is none, 0 is the default.
	Hold, NoDataAfter slo.Minute
	// At is the end of the minute that is decided.
	At slo.Minute
}

func (in *Input) hold() slo.Minute {
	switch {
	case in.Hold < 0:
		return 0
	case in.Hold == 0:
		return Hold
	}
	return in.Hold
}

func (in *Input) noDataAfter() slo.Minute {
	if in.NoDataAfter <= 0 {
		return NoDataAfter
	}
	return in.NoDataAfter
}

// silenced returns the silence that holds for an ID; nil: none.
func (in *Input) silenced(id string) *Silence {
	for i := range in.Silences {
		if s := &in.Silences[i]; s.Covers(id, in.At) {
			return s
		}
	}
	return nil
}
