package metric

// Usage is what reading has cost so far, in the units of a bill.
type Usage struct {
	Requests   int64 `json:"requests"`   // calls sent, failed ones included
	Metrics    int64 `json:"metrics"`    // metrics requested
	Datapoints int64 `json:"datapoints"` // datapoints received
}

// Add returns the sum.
func (u Usage) Add(o Usage) Usage {
	return Usage{u.Requests + o.Requests, u.Metrics + o.Metrics, u.Datapoints + o.Datapoints}
}

// Minus returns the difference.
func (u Usage) Minus(o Usage) Usage {
	return Usage{u.Requests - o.Requests, u.Metrics - o.Metrics, u.Datapoints - o.Datapoints}
}

// Metered is a source that knows what it has cost.
type Metered interface {
	// Usage counts since the source was opened.
	Usage() Usage
}
