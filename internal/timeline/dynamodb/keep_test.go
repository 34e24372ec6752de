package dynamodb_test

import (
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/dynamo"
	"gitlab.com/nines-sre/nines/internal/dynamodbd/dynamodbtest"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/dynamodb"
)

// TestKeep lets months expire: they go as a whole, the moment their time has
// come, whether the service has removed the rows or not; what is newer stays as it
// was, and late data can still be recorded.
func TestKeep(t *testing.T) {
	service := dynamodbtest.Start(t, time.Now)
	via, _ := dynamodbtest.Client(t, nil)
	now := time.Date(2025, 3, 20, 0, 0, 0, 0, time.UTC)
	opt := dynamo.Options{Endpoint: service.Endpoint, Client: via, Now: func() time.Time { return now }, Keep: 40 * 24 * time.Hour}
	table, err := dynamo.Connect(t.Context(), dynamodbtest.TableName(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Remove(t.Context()) })
	minute := func(month time.Month, day int) slo.Minute {
		return slo.MinuteOf(time.Date(2025, month, day, 0, 0, 0, 0, time.UTC))
	}
	january, february, march := slo.Span{From: minute(1, 1), To: minute(2, 1)}, slo.Span{From: minute(2, 1), To: minute(3, 1)}, slo.Span{From: minute(3, 1), To: minute(3, 20)}
	h := timeline.NewHistory(dynamodb.New(table))
	record := func(s slo.Span) {
		w := timeline.Write{ID: "a", Lineage: "q", Span: s}
		for m := s.From; m < s.To; m += 10 {
			w.Points = append(w.Points, timeline.Point{At: m, Width: 1, Count: slo.Count{Good: slo.Unit, Total: slo.Unit}})
		}
		if _, err := h.Record(t.Context(), minute(3, 20), []timeline.Write{w}); err != nil {
			t.Fatal(err)
		}
	}
	measured := func() (out [3]int64) {
		spans := []slo.Span{january, february, march}
		views, err := timeline.NewHistory(dynamodb.New(table)).Open(t.Context(), []timeline.Request{{ID: "a", Sums: spans, Points: spans, Frontier: minute(3, 20)}})
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range spans {
			out[i] = views["a"].Sum(s).Measured
		}
		return out
	}
	record(february)
	record(march)
	record(january) // January ended 47 days ago: its time is over already
	want := [3]int64{0, int64(february.Len()) / 10, int64(march.Len()) / 10}
	if got := measured(); got != want {
		t.Errorf("measured minutes %v, want %v", got, want)
	}
	now = time.Date(2025, 4, 10, 0, 0, 1, 0, time.UTC) // February ended 40 days ago
	want[1] = 0
	if got := measured(); got != want {
		t.Errorf("after February's time: %v, want %v", got, want)
	}
	record(slo.Span{From: february.From + 5, To: february.From + 100}) // late: neither refused nor kept
	if got := measured(); got != want {
		t.Errorf("after late data: %v, want %v", got, want)
	}
	if service.Local == nil {
		return
	}
	if service.Local.Expire(now) == 0 {
		t.Error("no row carried the time it expires at")
	}
	if got := measured(); got != want {
		t.Errorf("after the service removed what had expired: %v, want %v", got, want)
	}
}
