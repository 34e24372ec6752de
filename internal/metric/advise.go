package metric

// Adviser is a source that sees how the same could be asked for less money.
type Adviser interface {
	// Savings looks at queries that are asked together and says what could be
	// left out, one thing a line. It asks nobody.
	Savings(queries []Query) []Saving
}

// Saving is a way to ask for less.
type Saving struct {
	Keys    []string // the queries it is about
	Metrics int      // how many metrics fewer one reading would request
	Text    string   // what to change, and what to make sure of first
}
