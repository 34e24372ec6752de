package host

import "context"

// Finding is one thing about a store that was looked at.
type Finding struct {
	What string `json:"what"` // "point-in-time recovery"
	OK   bool   `json:"ok"`
	Text string `json:"text"` // how it is, and what to do about it when it is not right
}

// StoreAdmin sets up the store of a URL and looks after it. A nil field is
// something this kind of store does not have.
type StoreAdmin struct {
	// Create makes the store, or brings one that is there to its settings; what
	// says what was done. Content is never changed.
	Create func(ctx context.Context) (what string, err error)
	// Template is a CloudFormation template that makes the store.
	Template func() string
	// Check looks at its settings and changes nothing.
	Check func(ctx context.Context) ([]Finding, error)
}
