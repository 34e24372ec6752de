package cloudwatchd

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// Retention: how long data can be read, by the period they are asked in.
const (
	keepFine         = 3 * time.Hour
	keepMinutely     = 15 * 24 * time.Hour
	keepFiveMinutely = 63 * 24 * time.Hour
	keepHourly       = 455 * 24 * time.Hour
)

// retention is how far back a period reaches.
func retention(period int64) time.Duration {
	switch {
	case period%3600 == 0:
		return keepHourly
	case period%300 == 0:
		return keepFiveMinutely
	case period%60 == 0:
		return keepMinutely
	}
	return keepFine
}

// alignStart rounds a start time down as AWS documents it: to the minute, to
// five minutes from 15 days back, to the hour from 63 days back; for periods
// under a minute to the period.
func alignStart(start int64, now time.Time, period int64) int64 {
	age := now.Sub(time.Unix(start, 0))
	switch {
	case period < 60:
		return floor(start, period)
	case age > keepFiveMinutely:
		return floor(start, 3600)
	case age > keepMinutely:
		return floor(start, 300)
	}
	return floor(start, 60)
}

// span is what is read of a metric.
type span struct {
	metric     store.Metric
	unit       string
	stat       stat.Statistic
	period     int64
	start, end int64 // Unix seconds, end exclusive
}

// read computes one value a period. Datapoints lie on multiples of the period
// since 1970 and are stamped with its beginning (assumed: AWS does not say from
// where it counts periods longer than an hour). The last period is cut at the
// end. Periods too old for their length give nothing.
func read(space *store.Space, sp span, now time.Time) (times []int64, values []float64, err error) {
	oldest := now.Add(-retention(sp.period)).Unix()
	from := floor(alignStart(sp.start, now, sp.period), sp.period)
	if from < oldest {
		from = floor(oldest+sp.period-1, sp.period)
	}
	if from >= sp.end {
		return nil, nil, nil
	}
	var acc stat.Accumulator
	bucket := from
	emit := func() {
		if v, ok := acc.Value(sp.stat); ok {
			times, values = append(times, bucket), append(values, v)
		}
	}
	need := sp.stat.NeedsValues()
	acc.Reset(need)
	err = space.Scan(sp.metric, sp.unit, from, sp.end, need, func(at int64, set stat.Set) {
		if at >= bucket+sp.period {
			emit()
			bucket = floor(at, sp.period)
			acc.Reset(need)
		}
		acc.Add(set)
	})
	emit()
	return times, values, err
}

// pickUnit says in which unit a metric is read when the query names none:
// CloudWatch converts nothing and joins nothing, it picks one (recorded answers
// of AWS agree). all lists those there are, for the message.
func pickUnit(space *store.Space, m store.Metric) (unit string, all []string) {
	all = space.Units(m)
	if len(all) == 0 {
		return unitNone, nil
	}
	return slices.MinFunc(all, func(a, b string) int { return unitRank(a) - unitRank(b) }), all
}

// unitMessage is AWS's text for a metric of several units.
func unitMessage(all []string) string {
	return "Multiple units returned: '[" + strings.Join(all, ", ") + "]'"
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
