package cost

import "fmt"

// MinutesAMonth is 730 hours, the month AWS bills by.
const MinutesAMonth = 730 * 60

// Load is what a set of documents asks of its sources and its store.
type Load struct {
	Objectives int
	// Metrics is how many metrics one reading of everything requests, as billed:
	// equal queries once, up to five statistics of one metric once.
	Metrics int
	// Unshared is the same without sharing: every objective reads for itself.
	Unshared int
	// Windows is how many burn windows and budget windows the objectives have in
	// all: what a tool would read that asks for each window anew.
	Windows int
	// Pairs is how many alert conditions there are in all.
	Pairs int
	// Indicators is how many are kept in the store.
	Indicators int
}

// Plan says how measuring is run.
type Plan struct {
	PollMinutes float64 // between readings while all is well
	// Unhealthy is the share of objectives that burn and are read every minute.
	Unhealthy float64
	DynamoDB  bool // the store is DynamoDB: writes are billed
	Lambda    bool // the schedule runs on Lambda
}

// Line is one item of a bill, a month.
type Line struct {
	What  string  `json:"what"`
	Units float64 `json:"units"`
	Item  Item    `json:"item"`
	Price float64 `json:"price"`
}

// Bill is a month's bill.
type Bill struct {
	Name  string  `json:"name"`
	Lines []Line  `json:"lines"`
	Total float64 `json:"total"`
	// PerObjective is Total over the number of objectives.
	PerObjective float64 `json:"per_objective"`
	Note         string  `json:"note,omitempty"`
}

// Monthly is the bill of a load under a plan.
func (p Prices) Monthly(l Load, plan Plan) Bill {
	polls := MinutesAMonth / plan.PollMinutes
	reads := float64(l.Metrics) * ((1-plan.Unhealthy)*polls + plan.Unhealthy*MinutesAMonth)
	name := fmt.Sprintf("every %v min", plan.PollMinutes)
	if plan.Unhealthy > 0 {
		name += fmt.Sprintf(", every minute for the %.0f %% that burn", plan.Unhealthy*100)
	}
	b := Bill{Name: name}
	b.add(p, l, "metrics requested from CloudWatch", MetricRequested, reads)
	if plan.DynamoDB {
		b.add(p, l, "writes to DynamoDB", WriteUnit, writes(l, polls))
		b.add(p, l, "reads from DynamoDB", ReadUnit, float64(packs(l))*polls)
	}
	if plan.Lambda {
		b.add(p, l, "Lambda requests", LambdaRequest, polls)
		b.add(p, l, "Lambda time (0.25 GB, 2 s a run and 1,000 objectives)", LambdaGBSecond, polls*0.25*max(0.2, 2*float64(l.Objectives)/1000))
	}
	return b
}

// Alternatives are the bills of other ways to the same numbers.
func (p Prices) Alternatives(l Load) []Bill {
	naive := Bill{Name: "every window read anew each minute", Note: "how a tool without history reads"}
	perWindow := 0.0
	if l.Objectives > 0 {
		perWindow = float64(l.Unshared) / float64(l.Objectives)
	}
	naive.add(p, l, "metrics requested", MetricRequested, perWindow*float64(l.Windows)*MinutesAMonth)
	stream := Bill{Name: "metric stream", Note: "without Firehose and what receives it; an exact filter is assumed"}
	stream.add(p, l, "metric updates", StreamUpdate, float64(l.Metrics)*MinutesAMonth)
	alarms := Bill{Name: "CloudWatch alarms only", Note: "alerts, but no budget, no history and no gate"}
	// A pair is two metric-math alarms over the objective's metrics.
	alarms.add(p, l, "alarm metrics", Alarm, 2*float64(l.Pairs)*max(1, perWindow))
	alarms.add(p, l, "composite alarms", CompositeAlarm, float64(l.Pairs))
	return []Bill{
		p.Monthly(l, Plan{PollMinutes: 1}), p.Monthly(l, Plan{PollMinutes: 5}),
		p.Monthly(l, Plan{PollMinutes: 5, Unhealthy: 0.02}), stream, alarms, naive,
	}
}

// Backfill is what filling days of history for a load costs once: long
// stretches are read with up to 100,800 datapoints a request, and a metric is
// billed once a request.
func (p Prices) Backfill(l Load, requestsPerMetric float64) Bill {
	b := Bill{Name: "first fill"}
	b.add(p, l, "metrics requested", MetricRequested, float64(l.Metrics)*requestsPerMetric)
	return b
}

func (b *Bill) add(p Prices, l Load, what string, item Item, units float64) {
	price := p.Of(item, units)
	b.Lines = append(b.Lines, Line{What: what, Units: units, Item: item, Price: price})
	b.Total += price
	if l.Objectives > 0 {
		b.PerObjective = b.Total / float64(l.Objectives)
	}
}

// packSize is how many indicators share an item of the store.
const packSize = 20

func packs(l Load) int { return (l.Indicators + packSize - 1) / packSize }

// writes is DynamoDB's share: one unit a settled minute and pack, and about two
// a poll for the tail.
func writes(l Load, polls float64) float64 {
	return float64(packs(l)) * (MinutesAMonth + 2*polls)
}
