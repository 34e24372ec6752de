// Package delivery measures how changes reach users, and how often they hurt them:
// the five measures of DORA, and the share of bad changes that was caught before
// production. It only counts: what happened comes in, and each measure comes out
// with what it was counted from and an interval, or with the reason why nothing is
// known.
//
// The definitions are DORA's present ones (change lead time, deployment frequency,
// failed deployment recovery time; change fail rate, deployment rework rate). They
// are for one service over time: DORA warns against targets and against comparing
// teams by them, and the intervals show why.
package delivery

import (
	"cmp"
	"slices"
	"time"
)

// Deployment is a version that reached the environment.
type Deployment struct {
	ID      string    `json:"id"`
	Version string    `json:"version"`
	At      time.Time `json:"at"`
	// Committed is when its change was committed; zero: not known.
	Committed time.Time `json:"committed,omitzero"`
	// Repair says that the gate was told it is a fix or a rollback.
	Repair bool `json:"repair,omitempty"`
}

// Incident is a stretch in which users were hurt.
type Incident struct {
	ID string `json:"id"`
	// Deploy is the version that did it, Deployed when that was deployed; "" and zero
	// where none did, or the instant is not known.
	Deploy   string    `json:"deploy,omitempty"`
	Deployed time.Time `json:"deployed,omitzero"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to,omitzero"` // zero: it is not over
	Stage    string    `json:"stage,omitempty"`
}

// Undo is a deployment that was rolled back.
type Undo struct {
	At   time.Time `json:"at"`
	From string    `json:"from"` // the version that went
	To   string    `json:"to"`
	// Stage is what did it: "watch"; "": people did.
	Stage string `json:"stage,omitempty"`
}

// Catch is a bad change that was found before all users had it.
type Catch struct {
	At      time.Time `json:"at"`
	Version string    `json:"version"`
	Stage   string    `json:"stage"` // "canary", "canary in staging"
}

// Request is everything that is counted, in any order.
type Request struct {
	Service     string    `json:"service"`
	Environment string    `json:"environment,omitempty"`
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	// Since is when recording began; what lies before is not known. Zero: nothing was
	// ever recorded.
	Since       time.Time    `json:"since,omitzero"`
	Deployments []Deployment `json:"deployments"`
	Incidents   []Incident   `json:"incidents"`
	Undos       []Undo       `json:"undos"`
	Catches     []Catch      `json:"catches"`
	Overrides   []time.Time  `json:"overrides,omitempty"`
}

// Measure is a number with what it was counted from. Value, Low and High are nil
// where nothing is known, and Why says why.
type Measure struct {
	Value *float64 `json:"value"`
	Low   *float64 `json:"low"` // of the 95 % interval
	High  *float64 `json:"high"`
	Unit  string   `json:"unit"` // "per day", "seconds", "ratio"
	Count int      `json:"count"`
	Of    int      `json:"of"`            // what Count is a part of, or was looked at
	Why   string   `json:"why,omitempty"` // why nothing is known, or what to know about it
}

// Stage is how many bad changes were found where.
type Stage struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
	// Before says that it lies before production.
	Before bool    `json:"before"`
	Share  Measure `json:"share"` // of all bad changes
}

// Report are the measures of a stretch.
type Report struct {
	Service     string    `json:"service"`
	Environment string    `json:"environment,omitempty"`
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	Days        float64   `json:"days"` // of which something can be known
	Deployments int       `json:"deployments"`
	Failed      int       `json:"failed"`    // of them, those that hurt
	Overrides   int       `json:"overrides"` // gates that somebody opened

	Frequency Measure `json:"deployment_frequency"`
	LeadTime  Measure `json:"lead_time_for_changes"`
	FailRate  Measure `json:"change_fail_rate"`
	Recovery  Measure `json:"failed_deployment_recovery_time"`
	Rework    Measure `json:"deployment_rework_rate"`
	// Caught is the share of bad changes that was caught before production. CaughtIfHalf
	// is what it would be if only every second that got through was noticed.
	Caught       Measure  `json:"caught_before_production"`
	CaughtIfHalf *float64 `json:"caught_if_half_is_noticed"`
	Stages       []Stage  `json:"stages"`
}

// Count computes the measures of a request.
func Count(req Request) Report {
	c := newCounter(&req)
	r := Report{
		Service: req.Service, Environment: req.Environment, From: req.From, To: req.To,
		Days: c.days, Deployments: len(c.deployed), Failed: len(c.failed),
	}
	for _, at := range req.Overrides {
		if c.inside(at) {
			r.Overrides++
		}
	}
	r.Frequency = c.frequency()
	r.LeadTime = c.leadTime()
	r.FailRate = c.failRate()
	r.Recovery = c.recovery()
	r.Rework = c.rework()
	r.Stages, r.Caught, r.CaughtIfHalf = c.caught()
	return r
}

// Months counts each calendar month (UTC) of a request's stretch by itself, oldest
// first. The first and the last may be parts of one.
func Months(req Request) []Report {
	var out []Report
	for from := req.From.UTC(); from.Before(req.To); {
		next := time.Date(from.Year(), from.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		part := req
		part.From, part.To = from, next
		if next.After(req.To) {
			part.To = req.To
		}
		out = append(out, Count(part))
		from = next
	}
	return out
}

// counter is one call of Count on its way.
type counter struct {
	req      *Request
	from     time.Time // the beginning of what can be known
	days     float64
	all      []Deployment // oldest first, of any time
	deployed []Deployment // those inside
	failed   map[string]bool
	undos    []Undo // those inside
}

func newCounter(req *Request) *counter {
	c := &counter{req: req, from: req.From, failed: map[string]bool{}}
	if req.Since.After(c.from) {
		c.from = req.Since
	}
	if !req.Since.IsZero() && req.To.After(c.from) {
		c.days = req.To.Sub(c.from).Hours() / 24
	}
	c.all = slices.Clone(req.Deployments)
	slices.SortStableFunc(c.all, func(a, b Deployment) int { return a.At.Compare(b.At) })
	for _, d := range c.all {
		if c.inside(d.At) {
			c.deployed = append(c.deployed, d)
		}
	}
	for _, u := range req.Undos {
		if c.inside(u.At) {
			c.undos = append(c.undos, u)
		}
		c.fail(u.From, time.Time{}, u.At)
	}
	for _, in := range req.Incidents {
		c.fail(in.Deploy, in.Deployed, in.From)
	}
	return c
}

// inside says whether an instant lies in the stretch.
func (c *counter) inside(t time.Time) bool { return !t.Before(c.req.From) && t.Before(c.req.To) }

// fail notes that a deployment has hurt, if it lies in the stretch.
func (c *counter) fail(version string, deployed, hurt time.Time) {
	if d := c.which(version, deployed, hurt); d != nil && c.inside(d.At) {
		c.failed[d.ID] = true
	}
}

// near is how far apart two records of one deployment may be.
const near = 10 * time.Minute

// which finds the deployment that an incident or a rollback is about: the one of
// that version at that instant, else the newest of that version that was there when
// it hurt. nil: none is on record.
func (c *counter) which(version string, deployed, hurt time.Time) *Deployment {
	if version == "" {
		return nil
	}
	var best *Deployment
	for i := range c.all {
		d := &c.all[i]
		if d.Version != version && d.ID != version {
			continue
		}
		if !deployed.IsZero() {
			if away(d.At, deployed) <= near && (best == nil || away(d.At, deployed) < away(best.At, deployed)) {
				best = d
			}
			continue
		}
		if !d.At.After(hurt) {
			best = d
		}
	}
	return best
}

func away(a, b time.Time) time.Duration { return max(a.Sub(b), b.Sub(a)) }

func (c *counter) frequency() Measure {
	m := Measure{Unit: "per day", Count: len(c.deployed), Of: int(c.days)}
	if c.days <= 0 || len(c.all) == 0 {
		m.Why = "no deployment is on record: `nines record deployment` writes them down"
		return m
	}
	if c.days < 1 {
		m.Why = "it is recorded for less than a day"
		return m
	}
	low, high := Poisson(len(c.deployed))
	m.Value, m.Low, m.High = new(float64(len(c.deployed))/c.days), new(low/c.days), new(high/c.days)
	return m
}

func (c *counter) leadTime() Measure {
	m := Measure{Unit: "seconds", Of: len(c.deployed)}
	var took []float64
	odd := 0
	for _, d := range c.deployed {
		switch {
		case d.Committed.IsZero():
		case d.Committed.After(d.At):
			odd++
		default:
			took = append(took, d.At.Sub(d.Committed).Seconds())
		}
	}
	m.median(took)
	switch {
	case len(c.deployed) == 0:
		m.Why = "nothing was deployed"
	case len(took) == 0:
		m.Why = "no deployment says when its change was committed: --committed, or CI_COMMIT_TIMESTAMP in a job"
	case odd > 0:
		m.Why = plural(odd, "deployment") + " left out that say they were committed after they were deployed"
	}
	return m
}

func (c *counter) failRate() Measure {
	m := share(len(c.failed), len(c.deployed))
	if m.Value == nil {
		m.Why = "nothing was deployed"
	}
	return m
}

// recovery is from the beginning of the harm to its end, over the failed
// deployments whose harm is over.
func (c *counter) recovery() Measure {
	m := Measure{Unit: "seconds"}
	var took []float64
	open := 0
	for _, in := range c.req.Incidents {
		d := c.which(in.Deploy, in.Deployed, in.From)
		if d == nil || !c.inside(d.At) {
			continue
		}
		m.Of++
		if in.To.IsZero() {
			open++
			continue
		}
		took = append(took, in.To.Sub(in.From).Seconds())
	}
	m.median(took)
	switch {
	case m.Of == 0:
		m.Why = "no incident names a deployment"
	case len(took) == 0:
		m.Why = "none of them is over"
	case open > 0:
		m.Why = plural(open, "incident") + " not over yet, and not counted"
	}
	return m
}

// rework is the share of deployments that nobody had planned and an incident made
// necessary: those that the gate was told are repairs, those that were done while an
// incident was open, and rollbacks.
func (c *counter) rework() Measure {
	n, extra := 0, 0
	back := map[string]bool{} // deployments that are rollbacks on record
	for _, u := range c.undos {
		i := slices.IndexFunc(c.deployed, func(d Deployment) bool { return d.Version == u.To && away(d.At, u.At) <= near })
		if i < 0 {
			extra++
			continue
		}
		back[c.deployed[i].ID] = true
	}
	for i := range c.deployed {
		if d := &c.deployed[i]; d.Repair || back[d.ID] || c.during(i) {
			n++
		}
	}
	m := share(n+extra, len(c.deployed)+extra)
	if m.Value == nil {
		m.Why = "nothing was deployed"
	}
	return m
}

// during says whether a deployment was done while an incident was open; of one
// without an end only the first counts.
func (c *counter) during(i int) bool {
	d := &c.deployed[i]
	for _, in := range c.req.Incidents {
		if d.At.Before(in.From) || d.Version == in.Deploy {
			continue
		}
		if !in.To.IsZero() {
			if !d.At.After(in.To) {
				return true
			}
			continue
		}
		first := slices.IndexFunc(c.all, func(x Deployment) bool { return !x.At.Before(in.From) && x.Version != in.Deploy })
		if first >= 0 && c.all[first].ID == d.ID {
			return true
		}
	}
	return false
}

// Escaped is the stage of what reached production: people found it.
const Escaped = "users"

// caught counts bad changes by what found them. A version that was caught and tried
// again is one for each time.
func (c *counter) caught() (stages []Stage, m Measure, half *float64) {
	stages = []Stage{}
	before, after := map[string]int{}, map[string]int{}
	n := 0
	for _, x := range c.req.Catches {
		if c.inside(x.At) {
			before[x.Stage]++
			n++
		}
	}
	found := map[string]string{} // ID of a failed deployment -> what found it
	for id := range c.failed {
		found[id] = Escaped
	}
	by := func(d *Deployment, stage string) {
		if d != nil && stage != "" && c.failed[d.ID] {
			found[d.ID] = stage
		}
	}
	for _, in := range c.req.Incidents {
		by(c.which(in.Deploy, in.Deployed, in.From), in.Stage)
	}
	for _, u := range c.undos {
		by(c.which(u.From, time.Time{}, u.At), u.Stage)
	}
	for _, stage := range found {
		after[stage]++
	}
	total := n + len(c.failed)
	add := func(counts map[string]int, early bool) {
		for name, k := range counts {
			stages = append(stages, Stage{Name: name, Count: k, Before: early, Share: share(k, total)})
		}
	}
	add(before, true)
	add(after, false)
	slices.SortFunc(stages, func(a, b Stage) int {
		if a.Before != b.Before {
			return map[bool]int{true: -1, false: 1}[a.Before]
		}
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	m = share(n, total)
	if m.Value == nil {
		m.Why = "no bad change is on record, neither caught nor named by an incident"
		return stages, m, nil
	}
	m.Why = "what got through is counted where an incident names the deployment"
	return stages, m, new(float64(n) / float64(n+2*len(c.failed)))
}
