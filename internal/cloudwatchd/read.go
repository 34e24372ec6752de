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
//
// AWS documents that a start is rounded down to the minute, from 15 days back to
// five minutes, from 63 days back to the hour. Rounding down to the period does
// all of that: a period finer than these has no data there.
func read(space *store.Space, sp span, now time.Time) (times []int64, values []float64, err error) {
	oldest := now.Add(-retention(sp.period)).Unix()
	from := floor(sp.start, sp.period)
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
