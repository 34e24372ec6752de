package metric

import "context"

// Outcome is what came of a check.
type Outcome string

// The outcomes. Unknown is for what could not be looked at.
const (
	OK      Outcome = "ok"
	Warn    Outcome = "warn"
	Fail    Outcome = "fail"
	Unknown Outcome = "unknown"
)

// Finding is one line of an examination.
type Finding struct {
	// Check is what was looked at: "credentials", "cloudwatch:GetMetricData",
	// "metric", "file".
	Check string `json:"check"`
	// Subject is of which: a region, a role, the keys of queries. May be empty.
	Subject string  `json:"subject,omitempty"`
	Outcome Outcome `json:"outcome"`
	Text    string  `json:"text"`
	Do      string  `json:"do,omitempty"` // what to do about it
}

// Examination is what a source is to look at.
type Examination struct {
	Queries []Query
	// Bounds are the bounds that values of a query are held against, by key, in
	// the unit the documents assume.
	Bounds map[string]float64
	// Discover asks besides whether what `nines discover` reads may be read.
	Discover bool
}

// Examiner is a source that can say whether it is set up as its queries assume.
type Examiner interface {
	// Examine asks the service, harmlessly, and says what it found: in the order
	// a person would mend it, nothing that rests on what has failed already.
	Examine(ctx context.Context, e Examination) []Finding
}

// Right is what somebody must be allowed to do.
type Right struct {
	Action   string   // "cloudwatch:GetMetricData"
	Resource string   // an ARN, or "*" where the action knows no resources
	Regions  []string // where it is done; empty: wherever the surroundings say
	// Role is who needs it: the ARN of a role that is taken for reading, or ""
	// for who runs the program.
	Role string
}

// Governed is a source that needs rights.
type Governed interface {
	// Rights are what answering the queries needs, no more; discover adds what
	// `nines discover` needs. It asks nobody.
	Rights(queries []Query, discover bool) []Right
}
