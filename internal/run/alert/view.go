package alert

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// View is where alerts stand.
type View struct {
	Rules     []RuleView     `json:"rules"`     // those that are not at rest
	Incidents []IncidentView `json:"incidents"` // open ones
	Waiting   []LetterView   `json:"waiting"`   // what is to be told and is not yet
	// All is how many rules there are, Mute how many of them tell nobody.
	All  int `json:"rules_in_all"`
	Mute int `json:"rules_that_tell_nobody"`
	// Nowhere are targets whose documents do not say where they are.
	Nowhere []string `json:"targets_without_address,omitempty"`
	// Decided is up to when the newest objective is decided; zero: none is.
	Decided time.Time `json:"decided,omitzero"`
}

// RuleView is one rule.
type RuleView struct {
	ID       string    `json:"id"`
	Severity string    `json:"severity"`
	Phase    string    `json:"phase"` // inactive, pending, firing
	Frozen   bool      `json:"frozen"`
	Since    time.Time `json:"since,omitzero"`
	Fired    time.Time `json:"fired,omitzero"`
	// Silence is the ID of the one that holds now, with who declared it and why.
	Silence string `json:"silence,omitempty"`
	// Why says in words what keeps it as it is, and who was told.
	Why string `json:"why"`
}

// IncidentView is an incident that is open.
type IncidentView struct {
	ID        string `json:"id"`
	Objective string `json:"objective"`
	Severity  string `json:"severity"`
	// Since is when the first condition began to hold, Opened when its rule fired,
	// Told when people were told; Quiet is since when nothing of it fires.
	Since  time.Time `json:"since"`
	Opened time.Time `json:"opened"`
	Told   time.Time `json:"told,omitzero"`
	Quiet  time.Time `json:"quiet_since,omitzero"`
	// Targets are whom it is told, Unreached those of them who were not reached yet.
	Targets   []string `json:"targets,omitempty"`
	Unreached []string `json:"not_reached_yet,omitempty"`
	Held      string   `json:"held_back_by,omitempty"`
	Rules     []string `json:"rules"`
	Escalates string   `json:"escalates,omitempty"`
}

func incidentView(i *alert.Incident) IncidentView {
	return IncidentView{
		ID: i.ID, Objective: i.Objective, Severity: i.Severity().String(), Since: i.Since.Time(), Opened: i.Opened.Time(),
		Told: instant(i.Told), Quiet: instant(i.Ended), Targets: i.Targets, Held: i.Held, Rules: i.Rules, Escalates: i.Escalates,
	}
}

// instant is the end of a minute; zero for none.
func instant(m slo.Minute) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return m.Time()
}

// LetterView is somebody who is to be told.
type LetterView struct {
	Target    string     `json:"target"`
	Kind      alert.Kind `json:"kind"`
	Incident  string     `json:"incident"`
	Objective string     `json:"objective"`
	Severity  string     `json:"severity"`
	At        time.Time  `json:"at"` // of what happened
	Due       time.Time  `json:"due"`
	Tries     int        `json:"tries"`
	Error     string     `json:"error,omitempty"` // of the last try
	// Unsure says that it may have arrived.
	Unsure bool `json:"perhaps_told,omitempty"`
}

func letterView(l *Letter) LetterView {
	e := &l.Event
	return LetterView{
		Target: l.Target, Kind: e.Kind, Incident: e.Incident, Objective: e.Objective, Severity: e.Severity.String(), At: e.At.Time(),
		Due: l.Due.UTC().Truncate(time.Second), Tries: l.Tries, Error: l.Error, Unsure: l.Unsure,
	}
}

// Look reads where alerts stand, and changes nothing.
func Look(ctx context.Context, env *run.Env) (View, error) {
	m, err := load(ctx, env.History)
	if err != nil {
		return View{}, err
	}
	declared, err := silences(ctx, env)
	if err != nil {
		return View{}, err
	}
	routes := Of(env.Catalog)
	out := View{Rules: []RuleView{}, Incidents: []IncidentView{}, Waiting: []LetterView{}, All: len(routes.Rules), Nowhere: routes.Nowhere}
	if at := newest(&m.State); at > 0 {
		out.Decided = at.Time()
	}
	for i := range routes.Rules {
		r := &routes.Rules[i]
		if r.Mute {
			out.Mute++
		}
		a, ok := m.State.Alerts[r.ID]
		if !ok {
			continue
		}
		out.Rules = append(out.Rules, view(env, m, r, a, declared))
	}
	for _, key := range slices.Sorted(maps.Keys(m.State.Incidents)) {
		if inc := m.State.Incidents[key]; inc.Open() {
			out.Incidents = append(out.Incidents, incidentView(&inc))
		}
	}
	for i := range m.Letters {
		l := &m.Letters[i]
		if l.Target == "" {
			continue
		}
		out.Waiting = append(out.Waiting, letterView(l))
		for k := range out.Incidents {
			if inc := &out.Incidents[k]; inc.ID == l.Event.Incident {
				inc.Unreached = append(inc.Unreached, l.Target)
			}
		}
	}
	rank := map[string]int{alert.Firing.String(): 0, alert.Pending.String(): 1, alert.Inactive.String(): 2}
	slices.SortStableFunc(out.Rules, func(a, b RuleView) int { return cmp.Compare(rank[a.Phase], rank[b.Phase]) })
	return out, nil
}

func (x RuleView) with(why string) RuleView { x.Why = why; return x }

// view says where a rule stands, and why.
func view(env *run.Env, m *Memory, r *alert.Rule, a alert.Alert, declared []alert.Silence) RuleView {
	out := RuleView{ID: r.ID, Severity: r.Severity.String(), Phase: a.Phase.String(), Frozen: a.Frozen > 0}
	if a.Since > 0 {
		out.Since = a.Since.Time()
	}
	if a.Fired > 0 {
		out.Fired = a.Fired.Time()
	}
	now := newest(&m.State)
	for i := range declared {
		if s := &declared[i]; s.Covers(r.ID, now) {
			out.Silence = s.ID
			return out.with("silenced by " + s.Author + ": " + s.Reason)
		}
	}
	inc := m.State.Incidents[r.Of()+" "+r.Severity.String()]
	switch {
	case a.Frozen > 0:
		return out.with("too little is known since " + env.Show(a.Frozen.Time()) + "; it stays as it was")
	case a.Phase == alert.Pending:
		return out.with("its condition must hold longer")
	case inc.Open() && inc.Told > 0 && slices.ContainsFunc(m.Letters, func(l Letter) bool { return l.Target != "" && l.Event.Incident == inc.ID }):
		return out.with("to be told since " + env.Show(inc.Told.Time()) + "; somebody was not reached yet")
	case inc.Open() && inc.Told > 0:
		return out.with("told at " + env.Show(inc.Told.Time()))
	case inc.Open() && inc.Held != "":
		return out.with("held back by " + inc.Held)
	}
	return out
}
