package timeline

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Items of one pack lie under one part. Inside it: the tail, the meta item, a
// chunk for each stretch of settled minutes, and day totals for each month.
const (
	sortTail     = "tail"
	sortMeta     = "meta"
	partRegistry = "registry"
)

// endOfTime bounds minutes: the end of the year 9999, so that they can be
// written as RFC 3339 and as ten digits.
const endOfTime slo.Minute = 4_223_371_680

func packPart(pack int) string { return fmt.Sprintf("pack/%06d", pack) }

func pageSort(page int) string { return fmt.Sprintf("%06d", page) }

func chunkSort(start slo.Minute) string {
	var buf [12]byte
	b := append(buf[:0], "c/"...)
	for limit := slo.Minute(1_000_000_000); limit > start && limit > 1; limit /= 10 {
		b = append(b, '0')
	}
	return string(strconv.AppendInt(b, int64(start), 10))
}

// month counts calendar months (UTC): year x 12 + month - 1.
type month int

func monthOf(m slo.Minute) month {
	y, mo, _ := m.Time().Date()
	return month(y*12 + int(mo) - 1)
}

func (m month) sort() string { return fmt.Sprintf("d/%04d-%02d", int(m)/12, int(m)%12+1) }

// start is the month's first minute.
func (m month) start() slo.Minute {
	return slo.MinuteOf(time.Date(int(m)/12, time.Month(int(m)%12+1), 1, 0, 0, 0, 0, time.UTC))
}

// floor and ceil round to a multiple of step.
func floor(m, step slo.Minute) slo.Minute { return m - m%step }

func ceil(m, step slo.Minute) slo.Minute { return floor(m+step-1, step) }

// Ends returns the end of the calendar month (UTC) whose settled minutes or day
// totals an item holds. ok is false for an item that is needed for good: a pack's
// tail and meta item, the registry. A store that keeps history for a time only
// lets all items of a month go at one instant: a month's totals without its
// minutes, or the other way round, would read as damage.
func (k Key) Ends() (end slo.Minute, ok bool) {
	if at, ok := chunkStart(k); ok {
		return (monthOf(at) + 1).start(), true
	}
	if n, found := strings.CutPrefix(k.Sort, "d/"); found {
		at, err := time.Parse("2006-01", n)
		if err != nil || at.Year() < 1970 {
			return 0, false
		}
		return (month(at.Year()*12+int(at.Month())-1) + 1).start(), true
	}
	return 0, false
}

// chunkStart reads a chunk's first minute off its name.
func chunkStart(k Key) (slo.Minute, bool) {
	n, found := strings.CutPrefix(k.Sort, "c/")
	at, err := strconv.ParseInt(n, 10, 64)
	return slo.Minute(at), found && err == nil && at >= 0 && slo.Minute(at) < endOfTime
}
