package watch

import (
	"time"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Counts are requests minute by minute. Total[i] and Bad[i] are those of the
// minute From+i; Total[i] of -1 is a minute that was not measured, which is not one
// without requests.
type Counts struct {
	From  slo.Minute `json:"from"`
	Total []int64    `json:"total"`
	Bad   []int64    `json:"bad"`
	// Value is a number of the minute beside its counts, the 99th percentile of the
	// duration in milliseconds; nil where there is none. It may be shorter than
	// Total, or missing.
	Value []*float64 `json:"value,omitempty"`
}

// Unmeasured is what stands in Total for a minute that was not measured.
const Unmeasured = -1

// arm is a minute; ok is false where it was not measured.
func (c *Counts) arm(i int) (total, bad int64, ok bool) {
	if i < 0 || i >= len(c.Total) || i >= len(c.Bad) || c.Total[i] < 0 {
		return 0, 0, false
	}
	return c.Total[i], min(max(c.Bad[i], 0), c.Total[i]), true
}

// value is the minute's value, nil where there is none.
func (c *Counts) value(i int) *float64 {
	if i < 0 || i >= len(c.Value) {
		return nil
	}
	return c.Value[i]
}

// tally adds up the first n minutes.
func (c *Counts) tally(n int) Tally {
	var t Tally
	for i := range min(n, len(c.Total)) {
		if total, bad, ok := c.arm(i); ok {
			t.Minutes, t.Total, t.Bad = t.Minutes+1, t.Total+total, t.Bad+bad
		}
	}
	return t
}

// Tally is what was counted over a stretch.
type Tally struct {
	Minutes int   `json:"minutes"` // of those that were measured
	Total   int64 `json:"total"`
	Bad     int64 `json:"bad"`
}

// Rate is the share of bad requests; nil where there was none.
func (t Tally) Rate() *float64 {
	if t.Total <= 0 {
		return nil
	}
	return new(float64(t.Bad) / float64(t.Total))
}

func (t Tally) add(o Tally) Tally {
	return Tally{t.Minutes + o.Minutes, t.Total + o.Total, t.Bad + o.Bad}
}

// Week is the same stretch some weeks earlier. Its first minute stands beside the
// first one after the deployment.
type Week struct {
	Back   int    `json:"back"` // weeks
	Counts Counts `json:"counts"`
	// Without says why it is left out: "it held a deployment". "": it is not.
	Without string `json:"without,omitempty"`
}

// Metric is one thing that is watched: an objective's counts of the whole service.
type Metric struct {
	Name string `json:"name"`
	// Latency says that a bad request is a slow one, Bound from how many
	// milliseconds on; 0: not known.
	Latency bool    `json:"latency,omitempty"`
	Bound   float64 `json:"bound,omitempty"`
	After   Counts  `json:"after"`  // from the first whole minute after the deployment
	Before  Counts  `json:"before"` // as many minutes, up to the deployment
	Weeks   []Week  `json:"weeks,omitempty"`
}

// Alarm is an alarm elsewhere.
type Alarm struct {
	Name string `json:"name"`
	// Red says that it is going off; Known, that there is such an alarm and that its
	// state could be read.
	Red   bool `json:"red"`
	Known bool `json:"known"`
	// Since is when its state changed last; zero: not known. Earlier says that it
	// was red when the watch first looked.
	Since   time.Time `json:"since,omitzero"`
	Earlier bool      `json:"earlier,omitempty"`
}

// Burn is an objective's fast burn, before the deployment and now.
type Burn struct {
	Objective string `json:"objective"`
	Before    bool   `json:"before,omitempty"`
	Now       bool   `json:"now,omitempty"`
}

// Request is the whole question of one look: what [Judge] answers, and what a
// replay asks again.
type Request struct {
	Subject     string `json:"subject"`
	Environment string `json:"environment,omitempty"`
	Version     string `json:"version,omitempty"` // the one that was deployed
	Before      string `json:"before,omitempty"`  // the one before it
	// Deployed is the instant of the deployment. The minute that holds it belongs to
	// both versions and counts for none.
	Deployed time.Time `json:"deployed"`
	// Frontier is where what is usable ends.
	Frontier slo.Minute `json:"frontier"`
	Policy   Policy     `json:"policy"`
	Metrics  []Metric   `json:"metrics"`
	Alarms   []Alarm    `json:"alarms,omitempty"`
	Burns    []Burn     `json:"burns,omitempty"`
	// Notes are what whoever reads the answer should know.
	Notes []string `json:"notes,omitempty"`
}

// Start is the first whole minute after the deployment.
func (r *Request) Start() slo.Minute { return FirstWhole(r.Deployed) }

// FirstWhole is the first minute that begins at or after an instant.
func FirstWhole(t time.Time) slo.Minute {
	m := slo.MinuteOf(t)
	if m.Time().Before(t) {
		m++
	}
	return m
}

// usable is how many minutes of the watch lie before the frontier.
func (r *Request) usable(p *Policy) int {
	return int(max(0, min(r.Frontier-r.Start(), p.Duration)))
}

// Tally adds up the minutes of a span after the deployment.
func (m *Metric) Tally(s slo.Span) Tally {
	to, from := m.After.tally(int(s.To-m.After.From)), m.After.tally(int(max(0, s.From-m.After.From)))
	return Tally{to.Minutes - from.Minutes, to.Total - from.Total, to.Bad - from.Bad}
}

// Usual is the stretch before the deployment, or the earlier weeks where that was
// worse or is not known.
func (m *Metric) Usual() Tally {
	out := m.Before.tally(len(m.Before.Total))
	var weeks Tally
	for i := range m.Weeks {
		if w := &m.Weeks[i]; w.Without == "" {
			weeks = weeks.add(w.Counts.tally(len(w.Counts.Total)))
		}
	}
	if r, o := weeks.Rate(), out.Rate(); r != nil && (o == nil || *r > *o) {
		return weeks
	}
	return out
}
