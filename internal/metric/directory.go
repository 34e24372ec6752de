package metric

import (
	"context"
	"time"
)

// Place is an account's corner to look in: "" everywhere is what the
// environment says.
type Place struct {
	Region string // the service's own where a listing names none
	Role   string // ARN of the role to take for looking
	// Account is seen from a monitoring account: only what it owns is listed.
	Account string
}

// Name is a metric that exists: it had a datapoint lately.
type Name struct {
	Namespace, Metric string
	Dimensions        map[string]string
}

// Listing asks a directory for metrics.
type Listing struct {
	Region            string // "": the place's
	Namespace, Metric string
	// Dimensions a metric must have; a value of "" means any. It may have more.
	Dimensions map[string]string
	// Recent leaves out what had no datapoint in the last three hours; without
	// it, two weeks count.
	Recent bool
}

// Found is what a listing found.
type Found struct {
	Names []Name
	// More says that the directory gave up before the end: there are more names
	// than anybody would read.
	More bool
}

// Alarm is an alarm that somebody has set up already.
type Alarm struct {
	Name, State string
	// Since is when its state changed last; zero: not known.
	Since     time.Time
	Composite bool
	Metrics   []Name // what it watches; empty for expressions of alarms
}

// Managed is a service level objective that the source's own product keeps.
type Managed struct {
	Name, ID string
	// Service is what it is an objective of, as far as the product says.
	Service, Operation string
}

// Directory lists what a source has, without reading a datapoint. Errors are of
// package fault and name the permission that is missing. It is safe for
// concurrent use.
type Directory interface {
	// List returns the metrics that match, in no order.
	List(ctx context.Context, l Listing) (Found, error)
	// Alarms returns every alarm of the place.
	Alarms(ctx context.Context) ([]Alarm, error)
	// Objectives returns the objectives of the source's own product.
	Objectives(ctx context.Context) ([]Managed, error)
	// Requests is how many were sent so far.
	Requests() int64
}
