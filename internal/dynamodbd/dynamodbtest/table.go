package dynamodbtest

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/dynamo"
	"gitlab.com/nines-sre/nines/internal/dynamodbd"
)

// Fresh makes an empty table and returns a way to open it, over clients that make
// the trouble that pick says.
func Fresh(t testing.TB, s *Service, pick func(string) dynamodbd.Trouble) func() *dynamo.Table {
	t.Helper()
	calm, _ := Client(t, nil)
	opt := dynamo.Options{Endpoint: s.Endpoint, Client: calm, Now: s.now}
	name := TableName()
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
		opt.Client, _ = Client(t, pick)
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

// Troubles makes trouble for every few requests of the kinds that read and write
// rows.
func Troubles(seed uint64) func(string) dynamodbd.Trouble {
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
