package dynamodbtest

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/dynamo"
	"gitlab.com/nines-sre/nines/internal/faulty"
)

// Fresh makes an empty table and returns a way to open it, over clients that make
// the trouble that pick says.
func Fresh(t testing.TB, s *Service, pick func(string) faulty.Trouble) func() *dynamo.Table {
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
func Troubles(seed uint64) func(string) faulty.Trouble {
	rng := rand.New(rand.NewPCG(seed, 1))
	return func(operation string) faulty.Trouble {
		if strings.HasPrefix(operation, "Describe") {
			return faulty.Fine
		}
		return map[int]faulty.Trouble{
			0: faulty.Throttled, 1: faulty.Broken, 2: faulty.LostAnswer, 3: faulty.LostAnswer, 4: faulty.LostBefore,
		}[rng.IntN(20)]
	}
}
