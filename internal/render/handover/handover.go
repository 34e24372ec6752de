// Package handover shows the last days of a rotation to whoever takes over: as
// text, Markdown and one page of HTML.
package handover

import (
	"time"

	"gitlab.com/nines-sre/nines/internal/notify"
)

// Report is what whoever takes over has to know. Lists are newest, or worst,
// first.
type Report struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Zone is in which instants are shown and nights counted.
	Zone       *time.Location `json:"-"`
	Objectives []Objective    `json:"objectives"`
	Changes    []Change       `json:"changes"`
	Overrides  []Change       `json:"overrides"`
	Silences   []Stretch      `json:"silences"`
	Freezes    []Stretch      `json:"freezes"`
	Incidents  []Incident     `json:"incidents"`
	Untold     []Change       `json:"untold"` // notices that could not be told
	Hours      [24]Hour       `json:"hours"`
	Night      Night          `json:"night"`
}

// Objective is how one stands, worst first.
type Objective struct {
	Key       string   `json:"objective"` // service/slo, with its name where there are several
	Target    string   `json:"target"`
	Window    string   `json:"window"`
	Level     string   `json:"level"`
	Flags     []string `json:"flags"`
	Remaining *float64 `json:"remaining"` // nil: not known
	Before    *float64 `json:"before"`    // at From; nil: not known
	// Exhausts is in how many seconds the budget runs out if errors keep arriving
	// as in the last six hours; nil: it does not.
	Exhausts *int64    `json:"exhausts_in_seconds"`
	Losses   []Loss    `json:"losses"`
	Trend    []float64 `json:"-"` // the budget left, day by day
}

// Loss is a stretch in which budget was lost.
type Loss struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Share float64   `json:"share"` // of the budget
}

// Change is something somebody did.
type Change = notify.Change

// Stretch is a silence or a freeze.
type Stretch struct {
	Subject string    `json:"subject"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to,omitzero"` // zero: open
	Author  string    `json:"author"`
	Reason  string    `json:"reason"`
	Holds   bool      `json:"holds"` // at the end of the report
}

// Incident is an incident that was told, or kept back.
type Incident struct {
	ID        string    `json:"incident"`
	Objective string    `json:"objective"`
	Severity  string    `json:"severity"` // "page" or "ticket"
	At        time.Time `json:"at"`
	Ended     time.Time `json:"ended,omitzero"` // zero: it goes on
	HeldBack  string    `json:"held_back,omitempty"`
	Night     bool      `json:"night"`
	Text      string    `json:"text"`
}

// Hour is what was told in one hour of the day.
type Hour struct {
	Pages   int  `json:"pages"`
	Tickets int  `json:"tickets"`
	Night   bool `json:"night"`
}

// Night is how often somebody was woken, and how often it may be.
type Night struct {
	From   string  `json:"from"` // "22:00"
	To     string  `json:"to"`   // "06:00", no longer night
	Pages  int     `json:"pages"`
	Budget float64 `json:"budget"` // pages in the stretch; negative: nobody said
}

// Over says whether somebody was woken more often than the rotation bears.
func (n Night) Over() bool { return n.Budget >= 0 && float64(n.Pages) > n.Budget }

// Ahead are the objectives whose budget is gone or going, soonest first.
func (r *Report) Ahead() []Objective {
	var out []Objective
	for _, o := range r.Objectives {
		if o.Exhausts != nil {
			out = append(out, o)
		}
	}
	for i := 1; i < len(out); i++ { // few, and a stable order
		for k := i; k > 0 && *out[k].Exhausts < *out[k-1].Exhausts; k-- {
			out[k], out[k-1] = out[k-1], out[k]
		}
	}
	return out
}
