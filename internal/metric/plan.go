package metric

// Planner is a source that can say what an answer would cost before it asks.
type Planner interface {
	// Plan returns what Fetch of the same request would use now: requests and
	// metrics as billed when nothing has to be asked twice, datapoints at most.
	// It asks nobody. Queries that cannot be understood cost nothing; Fetch says
	// what is wrong with them.
	Plan(req Request) Usage
}
