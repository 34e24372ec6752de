package backtest

import (
	"time"

	"gitlab.com/nines-sre/nines/internal/backtest"
	runbacktest "gitlab.com/nines-sre/nines/internal/run/backtest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// reply is the answer as JSON.
type reply struct {
	From       time.Time  `json:"from"`
	To         time.Time  `json:"to"`
	Objectives []string   `json:"objectives"`
	Unmeasured []string   `json:"unmeasured,omitempty"`
	Derived    bool       `json:"incidents_derived"`
	Incidents  []incident `json:"incidents"`
	Policies   []policy   `json:"policies"`
	Sweep      *sweep     `json:"sweep,omitempty"`
}

type incident struct {
	ID      string    `json:"id,omitempty"`
	Subject string    `json:"subject"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Spent   float64   `json:"budget_spent"`
}

type policy struct {
	Name    string                  `json:"name"`
	Pages   backtest.Score          `json:"pages"`
	Tickets backtest.Score          `json:"tickets"`
	Notices []notice                `json:"notifications"`
	Gates   []runbacktest.GateScore `json:"gates,omitempty"`
}

type notice struct {
	Objective string     `json:"objective"`
	Severity  string     `json:"severity"`
	Rule      string     `json:"rule"`
	At        time.Time  `json:"at"`
	Since     time.Time  `json:"since"`
	Ended     *time.Time `json:"ended"`
	Incident  string     `json:"incident"`
}

type sweep struct {
	TrainFrom   time.Time   `json:"train_from"`
	TrainTo     time.Time   `json:"train_to"`
	HoldoutFrom time.Time   `json:"holdout_from"`
	HoldoutTo   time.Time   `json:"holdout_to"`
	Tried       int         `json:"tried"`
	Within      int         `json:"within_budget"`
	PerWeek     float64     `json:"pages_per_week"`
	Learnt      int         `json:"train_incidents"`
	Best        []candidate `json:"best"`
}

type candidate struct {
	Policy  string         `json:"policy"`
	Train   backtest.Score `json:"train"`
	Holdout backtest.Score `json:"holdout"`
}

func answer(o *runbacktest.Outcome) reply {
	r := reply{
		From: o.Span.From.Time(), To: o.Span.To.Time(), Objectives: o.Objectives, Unmeasured: o.Unmeasured, Derived: o.Derived,
		Incidents: []incident{},
	}
	for _, x := range o.Incidents {
		r.Incidents = append(r.Incidents, incident{x.ID, x.Subject, x.From.Time(), x.To.Time(), x.Spent})
	}
	for i := range o.Results {
		x := &o.Results[i]
		p := policy{Name: x.Name, Pages: x.Pages, Tickets: x.Tickets, Notices: []notice{}, Gates: x.Gates}
		for _, n := range x.Notices {
			p.Notices = append(p.Notices, notice{n.Objective, n.Severity.String(), n.Rule, n.At.Time(), n.Since.Time(), instant(n.Ended), n.Incident})
		}
		r.Policies = append(r.Policies, p)
	}
	if s := o.Swept; s != nil {
		r.Sweep = &sweep{
			TrainFrom: s.Train.From.Time(), TrainTo: s.Train.To.Time(), HoldoutFrom: s.Holdout.From.Time(), HoldoutTo: s.Holdout.To.Time(),
			Tried: s.Tried, Within: s.Within, PerWeek: s.PerWeek, Learnt: s.Learnt, Best: []candidate{},
		}
		for i := range s.Best {
			r.Sweep.Best = append(r.Sweep.Best, candidate{s.Best[i].Spec.Name, s.Best[i].Train, s.Best[i].Holdout})
		}
	}
	return r
}

func instant(m slo.Minute) *time.Time {
	if m == 0 {
		return nil
	}
	return new(m.Time())
}
