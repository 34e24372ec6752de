package notify

import "time"

// Sample is an alert as it could be, for templates that are checked and targets
// that are tried. Nothing of it happened.
func Sample(status Status, severity string, at time.Time) Message {
	f := func(v float64) *float64 { return &v }
	seconds := int64(5 * 3600)
	a := Alert{
		Status: status, Severity: severity, Incident: "example-api/availability/availability/" + severity + "@test", SLO: "availability",
		Objective: "example-api/availability/availability", Target: "0.999", Window: "30d", Condition: "page-fast", Policy: "example",
		StartsAt: at.Add(-6 * time.Minute), Long: &Rate{"1h", f(16.7)}, Short: &Rate{"5m", f(200)}, Threshold: "14.4",
		Bad: 1000, Total: 60_000, Remaining: f(0.977), Lost: f(0.023), Exhausts: &seconds, Looked: time.Hour,
		Changes: []Change{{At: at.Add(-11 * time.Minute), Kind: "deploy", Text: "example-api 1.4.2 went to production", Actor: "ada"}},
		Labels:  map[string]string{"team": "example"},
	}
	if status == Resolved {
		a.EndsAt, a.Long, a.Short = at, nil, nil
	}
	m := OfAlert(a, at, nil)
	m.Title = "TEST, nothing happened: " + m.Title
	m.Lines = append([]string{"somebody tries whether this target can be told"}, m.Lines...)
	m.URL = "https://gitlab.com/nines-sre/nines"
	return m
}
