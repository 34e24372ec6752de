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
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/ledger/dynamodb"
	"gitlab.com/nines-sre/nines/internal/ledger/ledgertest"
	"gitlab.com/nines-sre/nines/internal/testkit/cases"
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
	ledgertest.Run(t, func(t testing.TB) ledgertest.Storage {
		open := fresh(t, service, nil)
		return func() ledger.Ledger { return dynamodb.New(open()) }
	})
}

// troubles makes trouble for every few requests that read and write rows.
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
// throttled, broken off, or done without an answer: no entry is lost, none is
// recorded twice.
func TestSuiteUnderTrouble(t *testing.T) {
	cases.Few(t, "5")
	service := dynamodbtest.Start(t, time.Now)
	ledgertest.Run(t, func(t testing.TB) ledgertest.Storage {
		open := fresh(t, service, troubles(3))
		return func() ledger.Ledger { return dynamodb.New(open()) }
	})
}
