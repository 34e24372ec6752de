package dynamodb_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/dynamo"
	"gitlab.com/nines-sre/nines/internal/dynamodbd/dynamodbtest"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/dynamodb"
)

// What a month of an objective is made of, and the list price of a million units
// on demand in us-east-1, in dollars.
const (
	hoursAMonth  = 730
	writePrice   = 0.625
	readPrice    = 0.125
	pollMinutes  = 5
	lateMinutes  = 15
	measuredFrom = 10 * slo.Hour // of a day in the middle of a month
)

// traffic is what indicator i saw in a minute: a day's swing, noise, few errors.
func traffic(i int, m slo.Minute) slo.Count {
	x := uint64(i)*0x9e3779b97f4a7c15 ^ uint64(m)*0xbf58476d1ce4e5b9
	x ^= x >> 31
	x *= 0x94d049bb133111eb
	x ^= x >> 29
	total := slo.Events(900 + int64(m%slo.Day)/8 + int64(x%60))
	bad := slo.Amount(0)
	if x>>20%50 == 0 {
		bad = slo.Events(int64(x >> 40 % 4))
	}
	return slo.Count{Good: total - bad, Total: total}
}

func unitID(i int) timeline.ID { return timeline.ID(fmt.Sprintf("service-%05d/availability", i)) }

func unitWrites(n int, s slo.Span) []timeline.Write {
	writes := make([]timeline.Write, n)
	for i := range writes {
		writes[i] = timeline.Write{ID: unitID(i), Lineage: "3c9909afec25354d551dae21590bb26e38d53f2173b8d3dc3eee4c047e7ab1c1", Span: s}
		for m := s.From; m < s.To; m++ {
			writes[i].Points = append(writes[i].Points, timeline.Point{At: m, Width: 1, Count: traffic(i, m)})
		}
	}
	return writes
}

// units is what a stretch of polls cost: as the answers said, by request, and as
// the sizes of what was saved say.
type units struct {
	answered map[string]float64
	computed float64 // writes: one a KB begun of the row before or after, twice in a transaction
	sizes    map[timeline.Key]int
}

func (u *units) writes() float64 { return u.answered["PutItem"] + u.answered["TransactWriteItems"] }

func (u *units) reads() float64 {
	return u.answered["GetItem"] + u.answered["BatchGetItem"] + u.answered["Query"]
}

// sized is a store that adds up what saving must cost.
type sized struct {
	timeline.Store
	u *units
}

func (s sized) Save(ctx context.Context, items []timeline.Item) error {
	factor := 1
	if len(items) > 1 {
		factor = 2
	}
	for _, it := range items {
		// pk, "h/" and part; sk; v: 1+2 bytes or so; w: 9 bytes; d.
		n := len("pk") + len("h/") + len(it.Part) + len("sk") + len(it.Sort) + len("v") + 3 + len("w") + 9 + len("d") + len(it.Data)
		s.u.computed += float64(factor * ((max(n, s.u.sizes[it.Key]) + 1023) / 1024))
		s.u.sizes[it.Key] = n
	}
	return s.Store.Save(ctx, items)
}

// TestUnits counts the capacity that measuring and asking take, for two hours of a
// poll each five minutes, from the service's own answers, and says what a month
// of it costs.
func TestUnits(t *testing.T) {
	service := dynamodbtest.Start(t, time.Now)
	if service.Local == nil {
		t.Skip("another service may not count capacity")
	}
	sizes := []int{20, 1000}
	if os.Getenv("NINES_FULL") != "" {
		sizes = append(sizes, 10_000)
	}
	t.Log("objectives  writes/obj-month  reads/obj-month  $/obj-month  $/month  put : transact  computed/answered")
	for _, n := range sizes {
		u := poll(t, service, n)
		perMonth := float64(hoursAMonth) / 2 / float64(n)
		w, r := u.writes()*perMonth, u.reads()*perMonth
		dollars := (w*writePrice + r*readPrice) / 1e6
		t.Logf("%10d %17.0f %16.0f %12.6f %8.2f  %3.0f%% : %2.0f%%  %.3f", n, w, r, dollars, dollars*float64(n),
			100*u.answered["PutItem"]/u.writes(), 100*u.answered["TransactWriteItems"]/u.writes(), u.computed/u.writes())
		if ratio := u.computed / u.writes(); ratio < 0.97 || ratio > 1.03 {
			t.Errorf("%d objectives: the sizes say %g write units, the answers %g", n, u.computed, u.writes())
		}
		// The bar: a unit a settled minute of a pack of twenty, and two a poll for
		// the tail.
		if bar := float64(hoursAMonth*(60+2*60/pollMinutes)) / 20; w > bar {
			t.Errorf("%d objectives: %g write units an objective and month, above %g", n, w, bar)
		}
	}
}

// poll fills a table up to a steady state, and measures two hours.
func poll(t *testing.T, service *dynamodbtest.Service, n int) *units {
	t.Helper()
	u := &units{answered: map[string]float64{}, sizes: map[timeline.Key]int{}}
	via, _ := dynamodbtest.Client(t, nil)
	opt := dynamo.Options{Endpoint: service.Endpoint, Client: via, Now: time.Now, Meter: u.meter()}
	table, err := dynamo.Connect(t.Context(), dynamodbtest.TableName(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Remove(t.Context()) })
	h := timeline.NewHistory(sized{dynamodb.New(table), u})
	day := slo.MinuteOf(time.Date(2025, 3, 15, 0, 0, 0, 0, time.UTC))
	record := func(settled slo.Minute, s slo.Span) {
		if _, err := h.Record(t.Context(), settled, unitWrites(n, s)); err != nil {
			t.Fatal(err)
		}
	}
	// Half a month of days, an hour each, so that month items are as large as usual.
	for d := slo.Minute(14); d > 0; d-- {
		at := day - d*slo.Day + 10*slo.Hour
		record(at+2*slo.Hour, slo.Span{From: at, To: at + slo.Hour})
	}
	from := day + measuredFrom
	record(from-lateMinutes, slo.Span{From: from - 3*slo.Hour, To: from})
	before := service.Local.Spent()
	u.answered, u.computed = map[string]float64{}, 0
	ids := make([]timeline.ID, n)
	for i := range ids {
		ids[i] = unitID(i)
	}
	for at := from + pollMinutes; at <= from+2*slo.Hour; at += pollMinutes {
		if _, err := h.Meta(t.Context(), ids...); err != nil {
			t.Fatal(err)
		}
		record(at-lateMinutes, slo.Span{From: at - pollMinutes, To: at})
		ask(t, h, ids, at)
	}
	after := service.Local.Spent()
	if after.Writes-before.Writes != u.writes() || after.Reads-before.Reads != u.reads() {
		t.Errorf("the service counted %+v, its answers added up to %g and %g", after, u.writes(), u.reads())
	}
	return u
}

func (u *units) meter() func(string, float64) {
	var mu sync.Mutex
	return func(op string, n float64) {
		mu.Lock()
		defer mu.Unlock()
		u.answered[op] += n
	}
}

// ask opens the windows of an evaluation: 30 days and seven look-backs.
func ask(t *testing.T, h *timeline.History, ids []timeline.ID, at slo.Minute) {
	t.Helper()
	var sums []slo.Span
	for _, l := range []slo.Minute{30 * slo.Day, 5, 30, 60, 120, 360, slo.Day, 3 * slo.Day} {
		sums = append(sums, slo.Span{From: at - l, To: at})
	}
	reqs := make([]timeline.Request, len(ids))
	for i, id := range ids {
		reqs[i] = timeline.Request{ID: id, Sums: sums, Frontier: at, Step: 1}
	}
	if _, err := h.Open(t.Context(), reqs); err != nil {
		t.Fatal(err)
	}
}
