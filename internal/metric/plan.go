package metric

// Planner is a source that can say what an answer would cost before it asks.
type Planner interface {
	// Plan returns what Fetch of the same request would use now: requests and
	// metrics as billed when nothing has to be asked twice, datapoints at most.
	// It asks nobody. Queries that cannot be understood cost nothing; Fetch says
	// what is wrong with them.
	Plan(req Request) Usage
}

// Paced is a source that keeps to rates.
type Paced interface {
	// Pace returns the rates it keeps to.
	Pace() Pace
}

// Pace is how fast a source lets itself be asked, a second; 0: as fast as it
// answers.
type Pace struct {
	Requests   float64 `json:"requests"`
	Datapoints float64 `json:"datapoints"`
}

// Seconds is what a usage takes at these rates at least.
func (p Pace) Seconds(u Usage) float64 {
	var out float64
	if p.Requests > 0 {
		out = float64(u.Requests) / p.Requests
	}
	if p.Datapoints > 0 {
		out = max(out, float64(u.Datapoints)/p.Datapoints)
	}
	return out
}
