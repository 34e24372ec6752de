package slo

// Objective is one target of one service level objective, resolved: nothing in
// it refers to a document any more. (OpenSLO v1: SLO.spec.objectives[i] with
// its SLO, its indicator and its alert policies.)
type Objective struct {
	Service   string
	SLO       string // metadata.name
	Name      string // displayName, or the target where there is none
	Target    Decimal
	Window    Window
	Budgeting Budgeting

	// Slice is the length of a time slice in minutes, SliceTarget the ratio at
	// which a slice is good; only for Timeslices and RatioTimeslices.
	Slice       Minute
	SliceTarget Decimal

	// Indicator names what is measured; a composite has Members instead.
	Indicator string
	Members   []Member

	// Conditions are the burn-rate pairs that page or raise a ticket.
	Conditions []Condition
	// LeftOut names default conditions that can never fire at this target.
	LeftOut []string

	Missing   Missing
	MinBad    Amount  // a condition is false below this many bad events in its long window
	Coverage  Decimal // least coverage a decision needs; 0.9 unless said
	DependsOn []string
	// MaxAge is how old the frontier may be before it is stale, in minutes;
	// 0 means it never is (a recorded file).
	MaxAge Minute
}

// Key names the objective: service/slo/name. It is unique in a catalog.
func (o *Objective) Key() string { return o.Service + "/" + o.SLO + "/" + o.Name }

// Member is one part of a composite objective.
type Member struct {
	Objective *Objective // carries its own indicator and target
	Weight    Decimal    // compositeWeight, 1 unless said
}

// Budgeting is how a budget is counted. (OpenSLO v1: budgetingMethod.)
type Budgeting uint8

// The budgeting methods.
const (
	Occurrences     Budgeting = iota // events
	Timeslices                       // slices judged good or bad
	RatioTimeslices                  // mean of the slices' ratios
)

// String returns the OpenSLO name.
func (b Budgeting) String() string {
	switch b {
	case Timeslices:
		return "Timeslices"
	case RatioTimeslices:
		return "RatioTimeslices"
	case Occurrences:
	}
	return "Occurrences"
}

// Missing says what a minute without a datapoint means in a complete answer.
type Missing uint8

// The readings of a missing datapoint.
const (
	MissingZero       Missing = iota // no event happened
	MissingUnmeasured                // nothing is known
	MissingGood                      // the slice counts as good (time slices only)
	MissingBad                       // the slice counts as bad (time slices only)
)

// Severity is whom a condition reaches.
type Severity uint8

// The severities.
const (
	Page   Severity = iota // wakes a person
	Ticket                 // waits for the morning
)

// String returns "page" or "ticket".
func (s Severity) String() string {
	if s == Ticket {
		return "ticket"
	}
	return "page"
}

// Condition is a pair of burn-rate windows: true when the burn rates over both
// the long and the short look-back exceed the threshold, strictly.
type Condition struct {
	Name      string
	Severity  Severity
	Long      Minute
	Short     Minute
	Threshold Decimal
	// Weighted asks for the count form: a look-back W holds when its bad events
	// exceed threshold x W/period x the budget of the whole period. It weighs an
	// hour by its traffic, so a quiet night does not page and a busy day does.
	Weighted bool
}

// Indicator says what is measured. It is one of [Ratio] and [Threshold].
//
//sumtype:decl
type Indicator interface{ indicator() }

// Ratio counts good (or bad) against total events. Two of the three are set:
// Total always, and Good or Bad. (OpenSLO v1: ratioMetric with good|bad+total.)
type Ratio struct {
	Good, Bad, Total *Query
	// Counter says that the values only ever grow and must be differenced.
	Counter bool
}

// RawRatio reads one series that is a ratio already: good events of one a
// minute. (OpenSLO v1: ratioMetric.raw with rawType success|failure.)
type RawRatio struct {
	Raw     *Query
	Failure bool
}

// Threshold judges a value against a bound, once per period.
// (OpenSLO v1: thresholdMetric with op and value.)
type Threshold struct {
	Metric *Query
	Op     Op
	Bound  Decimal
}

func (Ratio) indicator()     {}
func (RawRatio) indicator()  {}
func (Threshold) indicator() {}

// Op compares a value with a bound.
type Op uint8

// The comparisons. (OpenSLO v1: lt, lte, gt, gte.)
const (
	LessThan Op = iota
	LessOrEqual
	GreaterThan
	GreaterOrEqual
)

// Query names a series at a source in the source's own terms.
type Query struct {
	Source string // the DataSource's name, or the type of an anonymous one
	Type   string // "csv", "CloudWatch"
	Spec   Spec
}

// Spec is a query in the words of its source: field names to values (strings,
// exact decimals as strings, booleans, lists, and nested specs). It is plain
// data, so that it can be compared, digested and printed.
type Spec map[string]any
