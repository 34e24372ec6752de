package config

// Preset knows how a service of AWS, or a file, says that requests went well:
// its metrics, their units, and what they do not see. Adding one is adding a
// row to [Presets].
type Preset struct {
	// Key is the word under from; its value goes to KeyParam's dimension.
	Key string
	Doc string
	// Dimension is where the key's value goes.
	Dimension string
	Params    []PresetParam
	Namespace string
	// Region is where the metrics are if not in the source's region.
	Region string
	// Fixed are dimensions that always have the same value.
	Fixed map[string]string
	// Available and Latency are the two objectives of the short form. One that
	// cannot be measured has only Refused: why, and what to do instead.
	Available, Latency Measure
	// BlindSpots is what the metrics do not see, for the description.
	BlindSpots string
}

// PresetParam is a further word under from.
type PresetParam struct {
	Name      string
	Dimension string
	Required  bool
	Doc       string
	// Suffix makes a short name of the value, as in apigateway/payment@prod: the
	// value with {suffix} for what stands behind the @ and {name} for what stands
	// before it. Empty: the word has no short name.
	Suffix string
	// Listed says that a service is found under each value, not under its key
	// alone.
	Listed bool
}

// Measure is how an objective is measured: good or bad against total, or one
// value against the bound.
type Measure struct {
	Good, Bad, Total, Value *PresetQuery
	// Unit is the unit of the bound: "s" or "ms".
	Unit string
	// BlindSpots is what this measure does not see.
	BlindSpots string
	Refused    string
}

// PresetQuery is one statistic ({bound} in Stat stands for the bound), or an
// expression over several.
type PresetQuery struct {
	Metric, Stat string
	Expression   string
	Queries      []PresetPart
	// Instead is asked when the named word stands under from.
	Instead map[string]*PresetQuery
}

// PresetPart is a named statistic of an expression.
type PresetPart struct{ ID, Metric, Stat string }

// one is a query of a single statistic.
func one(metric, stat string) *PresetQuery { return &PresetQuery{Metric: metric, Stat: stat} }

// within is "at most the bound", counted: the trimmed count of a latency
// metric against the count of its samples. The upper bound is taken as
// inclusive, as CloudWatch documents it for PR.
func within(metric, unit string) Measure {
	return Measure{Good: one(metric, "TC(:{bound})"), Total: one(metric, "SampleCount"), Unit: unit}
}

// Metrics are the names of the metrics a query reads, in its order.
func (q *PresetQuery) Metrics() []string {
	if q == nil {
		return nil
	}
	if q.Expression == "" {
		return []string{q.Metric}
	}
	out := make([]string, len(q.Queries))
	for i, part := range q.Queries {
		out[i] = part.Metric
	}
	return out
}

// With is the query that is asked when the word stands under from.
func (q *PresetQuery) With(word string) *PresetQuery {
	if q != nil && q.Instead[word] != nil {
		return q.Instead[word]
	}
	return q
}

// Presets is the table of presets, by key.
func Presets() []Preset {
	return []Preset{
		albPreset(), apiGatewayPreset(), cloudFrontPreset(), csvPreset(), ecsPreset(), httpAPIPreset(), lambdaPreset(), nlbPreset(),
		sqsPreset(), syntheticsPreset(),
	}
}

// PresetOf returns the preset of a key.
func PresetOf(key string) (Preset, bool) {
	for _, p := range Presets() {
		if p.Key == key {
			return p, true
		}
	}
	return Preset{}, false
}

// csvKey is the preset that reads recorded files instead of CloudWatch.
const csvKey = "csv"

func csvPreset() Preset {
	return Preset{
		Key: csvKey, Doc: "A recorded series in a file.",
		Params: []PresetParam{
			{Name: "columns", Doc: "The columns in the file's order, as in [timestamp, good, total]."},
			{Name: "step", Doc: "The step of the rows."},
			{Name: "timeFormat", Doc: "How times are written."},
			{Name: "total", Doc: "The column of all events; total unless said."},
			{Name: "available", Doc: "The column of good events; good unless said."},
			{Name: "latency", Doc: "The column of fast enough events; within_300ms for 99% < 300ms unless said."},
		},
	}
}

// commonParams are words under from that every CloudWatch preset takes.
func commonParams() []PresetParam {
	return []PresetParam{
		{Name: "source", Doc: "The name of a DataSource; without it, the account and region of the environment."},
		{Name: "region", Doc: "The region of the metrics."},
		{Name: "accountId", Doc: "The account, seen from a monitoring account."},
		{Name: "roleArn", Doc: "The role to take for reading."},
		{Name: "period", Doc: "The step of the metrics, as in 5m."},
	}
}

// params are all the words a preset takes beside its key.
func (p *Preset) params() []PresetParam {
	if p.Key == csvKey {
		return p.Params
	}
	return append(append([]PresetParam{}, p.Params...), commonParams()...)
}
