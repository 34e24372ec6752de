package dynamodb_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/dynamo"
	"gitlab.com/nines-sre/nines/internal/dynamodbd"
	"gitlab.com/nines-sre/nines/internal/dynamodbd/dynamodbtest"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/testkit/cases"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/dynamodb"
	"gitlab.com/nines-sre/nines/internal/timeline/timelinetest"
)

// fresh makes an empty table and returns a way to open it, over clients that make
// the trouble that pick says.
func fresh(t testing.TB, s *dynamodbtest.Service, pick func(string) dynamodbd.Trouble) func() *dynamo.Table {
	t.Helper()
	calm, _ := dynamodbtest.Client(t, nil)
	opt := dynamo.Options{Endpoint: s.Endpoint, Client: calm, Now: time.Now}
	name := dynamodbtest.TableName()
	made, err := dynamo.Connect(t.Context(), name, opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := made.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := made.Remove(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if pick != nil {
		opt.Client, _ = dynamodbtest.Client(t, pick)
		opt.Attempts, opt.Backoff = 30, noWait{}
	}
	return func() *dynamo.Table {
		table, err := dynamo.Open(t.Context(), name, opt)
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
}

// noWait lets retries follow at once.
type noWait struct{}

func (noWait) BackoffDelay(int, error) (time.Duration, error) { return 0, nil }

func TestSuite(t *testing.T) {
	cases.Few(t, "5")
	service := dynamodbtest.Start(t, time.Now)
	timelinetest.Run(t, func(t testing.TB) timelinetest.Storage {
		open := fresh(t, service, nil)
		return func() timeline.Store { return dynamodb.New(open()) }
	})
}

// troubles makes trouble for every few requests of the kinds that read and write
// rows.
func troubles(seed uint64) func(string) dynamodbd.Trouble {
	rng := rand.New(rand.NewPCG(seed, 1))
	return func(operation string) dynamodbd.Trouble {
		if strings.HasPrefix(operation, "Describe") {
			return dynamodbd.Fine
		}
		return map[int]dynamodbd.Trouble{
			0: dynamodbd.Throttled, 1: dynamodbd.Broken, 2: dynamodbd.LostAnswer, 3: dynamodbd.LostAnswer, 4: dynamodbd.LostBefore,
		}[rng.IntN(20)]
	}
}

// TestSuiteUnderTrouble runs the same suite while a quarter of the requests are
// throttled, broken off, or done without an answer.
func TestSuiteUnderTrouble(t *testing.T) {
	cases.Few(t, "5")
	service := dynamodbtest.Start(t, time.Now)
	timelinetest.Run(t, func(t testing.TB) timelinetest.Storage {
		open := fresh(t, service, troubles(7))
		return func() timeline.Store { return dynamodb.New(open()) }
	})
}

// TestLostAnswers loses the answer of every write the first time: each is found
// to have been done, none is taken for somebody else's.
func TestLostAnswers(t *testing.T) {
	service := dynamodbtest.Start(t, time.Now)
	lost := 0
	store := dynamodb.New(fresh(t, service, func(operation string) dynamodbd.Trouble {
		if strings.HasPrefix(operation, "PutItem") || strings.HasPrefix(operation, "Transact") {
			if lost++; lost%2 == 1 {
				return dynamodbd.LostAnswer
			}
		}
		return dynamodbd.Fine
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
