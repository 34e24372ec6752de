package cost

import (
	"fmt"
	"math"
)

// MinutesAMonth is 730 hours, the month AWS bills by.
const MinutesAMonth = 730 * 60

// Load is what a set of documents asks of its sources and its store. Loads of
// single objectives add up to that of a set, except Metrics, which are shared.
type Load struct {
	Objectives int `json:"objectives"`
	// Metrics is how many metrics one reading of everything requests, as billed:
	// equal queries once, up to five statistics of one metric once.
	Metrics int `json:"metrics"`
	// Unshared is the same without sharing: every objective reads for itself.
	Unshared int `json:"unshared"`
	// Reread is what a tool requests that keeps no history: every objective's
	// metrics once for each of its burn windows and its budget window.
	Reread int `json:"reread"`
	// Pairs is how many alert conditions there are in all: a long and a short
	// window each.
	Pairs int `json:"pairs"`
	// AlarmMetrics is how many metrics CloudWatch alarms would watch in their
	// place: an alarm for either window of a pair, over the objective's metrics.
	AlarmMetrics int `json:"alarm_metrics"`
	// Indicators is how many are kept in the store.
	Indicators int `json:"indicators"`
}

// Of is the load of one objective by itself: the metrics it reads, its windows
// (burn windows and budget window, each length once) and its pairs.
func Of(metrics, windows, pairs int) Load {
	return Load{
		Objectives: 1, Metrics: metrics, Unshared: metrics,
		Reread: metrics * windows, Pairs: pairs, AlarmMetrics: 2 * pairs * metrics,
	}
}

// Add returns the sum. Metrics are added as if nothing were shared.
func (l Load) Add(o Load) Load {
	return Load{
		l.Objectives + o.Objectives, l.Metrics + o.Metrics, l.Unshared + o.Unshared, l.Reread + o.Reread,
		l.Pairs + o.Pairs, l.AlarmMetrics + o.AlarmMetrics, l.Indicators + o.Indicators,
	}
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
	reads := float64(l.Metrics) * ((1-plan.Unhealthy)*polls + plan.Unhealthy*max(polls, MinutesAMonth))
	b := Bill{Name: plan.name()}
	b.add(p, l, "metrics requested from CloudWatch", MetricRequested, reads)
	if plan.Unhealthy > 0 {
		polls = max(polls, MinutesAMonth) // something burns somewhere most of the time
	}
	if l.Objectives == 0 {
		polls = 0 // nothing to run for
	}
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

// name says how measuring is run.
func (p Plan) name() string {
	name := fmt.Sprintf("every %v min", p.PollMinutes)
	if p.PollMinutes == 1 {
		name = "every minute"
	}
	if p.Unhealthy > 0 {
		name += fmt.Sprintf(", the burning %v %% each minute", math.Round(p.Unhealthy*1000)/10)
	}
	if p.DynamoDB {
		name += ", DynamoDB store"
	}
	if p.Lambda {
		name += ", on Lambda"
	}
	return name
}

// Alternatives are the bills of other ways: a minute and five minutes, adaptive
// polling, that with its store in DynamoDB and on Lambda, a metric stream,
// CloudWatch alarms, and asking anew for each window.
func (p Prices) Alternatives(l Load) []Bill {
	adaptive := Plan{PollMinutes: 5, Unhealthy: 0.02}
	stored, lambda := adaptive, adaptive
	stored.DynamoDB = true
	lambda.DynamoDB, lambda.Lambda = true, true
	stream := Bill{Name: "metric stream", Note: "without Firehose and what receives it; the filter lets nothing else through; TC, TS and PR are updates of their own"}
	stream.add(p, l, "metric updates", StreamUpdate, float64(l.Metrics)*MinutesAMonth)
	alarms := Bill{Name: "CloudWatch alarms only", Note: "alerts, but no budget, no history and no gate"}
	alarms.add(p, l, "alarm metrics", Alarm, float64(l.AlarmMetrics))
	alarms.add(p, l, "composite alarms", CompositeAlarm, float64(l.Pairs))
	naive := Bill{Name: "every window read anew each minute", Note: "how a tool without history reads"}
	naive.add(p, l, "metrics requested from CloudWatch", MetricRequested, float64(l.Reread)*MinutesAMonth)
	return []Bill{
		p.Monthly(l, Plan{PollMinutes: 1}), p.Monthly(l, Plan{PollMinutes: 5}),
		p.Monthly(l, adaptive), p.Monthly(l, stored), p.Monthly(l, lambda), stream, alarms, naive,
	}
}

// Once is the bill of requesting metrics once, as a first fill or a check does.
func (p Prices) Once(name string, l Load, metrics int64) Bill {
	b := Bill{Name: name}
	b.add(p, l, "metrics requested from CloudWatch", MetricRequested, float64(metrics))
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
// a poll for the minutes that may still change.
func writes(l Load, polls float64) float64 {
	return float64(packs(l)) * (MinutesAMonth + 2*polls)
}
