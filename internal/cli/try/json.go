package try

import (
	"time"

	"gitlab.com/nines-sre/nines/internal/analyze"
	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run/try"
)

// Answer is what `nines try -o json` prints.
type Answer struct {
	Service    string       `json:"service"`
	From       time.Time    `json:"from"`
	To         time.Time    `json:"to"`
	Objectives []Objective  `json:"objectives"`
	Used       metric.Usage `json:"used"`
	Listed     int64        `json:"list_requests"`
	Price      float64      `json:"price"`
	Currency   string       `json:"currency"`
	Notes      []string     `json:"notes"`
}

// Objective is how one fared. Attained and Remaining are null where nothing was
// measured, or nothing happened.
type Objective struct {
	Name       string     `json:"name"`
	Objective  string     `json:"objective,omitempty"`
	State      try.State  `json:"state"`
	TargetFrom try.Origin `json:"target_from,omitempty"`
	BoundFrom  try.Origin `json:"bound_from,omitempty"`
	Good       float64    `json:"good"`
	Total      float64    `json:"total"`
	Attained   *float64   `json:"attained"`
	Remaining  *float64   `json:"remaining"`
	Coverage   float64    `json:"coverage"`
	Suggested  *string    `json:"suggested"` // target; null where none was kept
	Targets    []Trial    `json:"targets"`
	Days       []Day      `json:"days"`
	Why        string     `json:"why,omitempty"`
}

// Trial is how a target would have fared.
type Trial struct {
	Target         string   `json:"target"`
	Kept           bool     `json:"kept"`
	WorstRemaining *float64 `json:"worst_remaining"`
}

// Day is a civil day; state is kept, missed, partly measured, no traffic or not
// measured.
type Day struct {
	From     time.Time `json:"from"`
	State    string    `json:"state"`
	Good     float64   `json:"good"`
	Total    float64   `json:"total"`
	Attained *float64  `json:"attained"`
}

func answer(o *try.Outcome, prices cost.Prices) Answer {
	a := Answer{
		Service: o.Ref.String(), From: o.Span.From.Time(), To: o.Span.To.Time(), Objectives: []Objective{}, Used: o.Usage, Listed: o.Listed,
		Price: prices.Of(cost.MetricRequested, float64(o.Usage.Metrics)), Currency: prices.Currency, Notes: append([]string{}, o.Notes...),
	}
	for i := range o.Objectives {
		x := &o.Objectives[i]
		w := x.Report.Whole
		j := Objective{
			Name: x.Name, Objective: x.Text, State: x.State, TargetFrom: x.TargetFrom, BoundFrom: x.BoundFrom,
			Good: w.Stretch.Good.Float(), Total: w.Stretch.Total.Float(), Attained: w.Attained(), Remaining: x.Remaining, Coverage: x.Coverage,
			Targets: []Trial{}, Days: []Day{}, Why: x.Why,
		}
		if x.Report.Suggested > 0 {
			j.Suggested = new(x.Report.Suggested.String())
		}
		for _, t := range x.Report.Trials {
			j.Targets = append(j.Targets, Trial{t.Target.String(), t.Whole, t.Remaining})
		}
		for _, d := range days(o, x, time.UTC) {
			j.Days = append(j.Days, Day{d.from, d.state.word(), d.period.Stretch.Good.Float(), d.period.Stretch.Total.Float(), d.period.Attained()})
		}
		a.Objectives = append(a.Objectives, j)
	}
	return a
}

// dayState is what became of a day.
type dayState byte

// The states, as they are drawn.
const (
	kept       dayState = '+'
	missed     dayState = 'x'
	partly     dayState = '~'
	quiet      dayState = '.'
	unmeasured dayState = '?'
)

func (s dayState) word() string {
	switch s {
	case kept:
		return "kept"
	case missed:
		return "missed"
	case partly:
		return "partly measured"
	case quiet:
		return "no traffic"
	case unmeasured:
	}
	return "not measured"
}

// day is a civil day of the stretch asked for.
type day struct {
	from   time.Time
	state  dayState
	period analyze.Period
}

// most is how much of a day must be measured for it to count as kept.
const most = 0.9

// days are all days of the stretch, those without any data too.
func days(o *try.Outcome, x *try.Objective, zone *time.Location) []day {
	if x.State == try.Refused {
		return nil
	}
	have := map[int64]analyze.Period{}
	for _, p := range x.Report.Days {
		have[int64(p.Span.From)] = p
	}
	end := o.Span.To.Time()
	y, m, d := o.Span.From.Time().In(zone).Date()
	var out []day
	for at := time.Date(y, m, d, 0, 0, 0, 0, zone); at.Before(end); {
		d++
		next := time.Date(y, m, d, 0, 0, 0, 0, zone)
		p := have[at.Unix()/60]
		inside := min(next.Unix(), end.Unix())/60 - max(at.Unix()/60, int64(o.Span.From))
		out = append(out, day{at, judge(x, p, inside), p})
		at = next
	}
	return out
}

func judge(x *try.Objective, p analyze.Period, minutes int64) dayState {
	switch {
	case p.Stretch.Measured == 0:
		return unmeasured
	case p.Stretch.Total > 0 && below(x, p):
		return missed
	case float64(p.Stretch.Measured) < most*float64(minutes):
		return partly
	case p.Stretch.Total == 0:
		return quiet
	}
	return kept
}

// below says whether a day missed the target.
func below(x *try.Objective, p analyze.Period) bool {
	f, _ := x.Target.Rat().Float64()
	a := p.Attained()
	return a != nil && *a*100 < f
}
