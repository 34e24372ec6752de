package dynamodb_test

import (
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/dynamodbd/dynamodbtest"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/faulty"
	"gitlab.com/nines-sre/nines/internal/testkit/cases"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/dynamodb"
	"gitlab.com/nines-sre/nines/internal/timeline/timelinetest"
)

func TestSuite(t *testing.T) {
	cases.Few(t, "5")
	service := dynamodbtest.Start(t, time.Now)
	timelinetest.Run(t, func(t testing.TB) timelinetest.Storage {
		open := dynamodbtest.Fresh(t, service, nil)
		return func() timeline.Store { return dynamodb.New(open()) }
	})
}

// TestSuiteUnderTrouble runs the same suite while a quarter of the requests are
// throttled, broken off, or done without an answer.
func TestSuiteUnderTrouble(t *testing.T) {
	cases.Few(t, "5")
	service := dynamodbtest.Start(t, time.Now)
	timelinetest.Run(t, func(t testing.TB) timelinetest.Storage {
		open := dynamodbtest.Fresh(t, service, dynamodbtest.Troubles(7))
		return func() timeline.Store { return dynamodb.New(open()) }
	})
}

// TestLostAnswers loses the answer of every write the first time: each is found
// to have been done, none is taken for somebody else's.
func TestLostAnswers(t *testing.T) {
	service := dynamodbtest.Start(t, time.Now)
	lost := 0
	store := dynamodb.New(dynamodbtest.Fresh(t, service, func(operation string) faulty.Trouble {
		if strings.HasPrefix(operation, "PutItem") || strings.HasPrefix(operation, "Transact") {
			if lost++; lost%2 == 1 {
				return faulty.LostAnswer
			}
		}
		return faulty.Fine
	})())
	item := func(sort string, version int64, data string) timeline.Item {
		return timeline.Item{Key: timeline.Key{Part: "p", Sort: sort}, Version: version, Data: []byte(data)}
	}
	for n := range int64(5) {
		if err := store.Save(t.Context(), []timeline.Item{item("one", n, "x")}); err != nil {
			t.Fatalf("one item: %v", err)
		}
		if err := store.Save(t.Context(), []timeline.Item{item("a", n, "x"), item("b", n, "x")}); err != nil {
			t.Fatalf("two items: %v", err)
		}
	}
	if lost < 20 {
		t.Fatalf("only %d writes were sent: nothing was lost", lost)
	}
	for _, sort := range []string{"one", "a", "b"} {
		items, err := store.Load(t.Context(), []timeline.Key{{Part: "p", Sort: sort}})
		if err != nil || len(items) != 1 || items[0].Version != 5 {
			t.Errorf("%s was written otherwise than five times: %+v, %v", sort, items, err)
		}
	}
	// Somebody else's write stays a conflict.
	err := store.Save(t.Context(), []timeline.Item{item("one", 4, "y")})
	if fault.KindOf(err) != fault.Conflict {
		t.Errorf("got %v, want a conflict", err)
	}
}
