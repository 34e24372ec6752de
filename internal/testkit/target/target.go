// Package target is what tests of targets on AWS share: a client whose calls meet
// trouble, whole actions, and a process that is killed while it waits.
package target

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/acttest"
	"gitlab.com/nines-sre/nines/internal/faulty"
)

// Noon is when tests begin.
func Noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

// Net is the way to a double, with the trouble that is asked for. Its writes are
// the operations that change something; nothing else meets any.
type Net struct {
	Writes []string

	mu      sync.Mutex
	trouble faulty.Trouble
	left    int
	on      string
}

// Fail makes the next n writes meet trouble, or the next n calls of one operation.
func (n *Net) Fail(trouble faulty.Trouble, times int, on string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trouble, n.left, n.on = trouble, times, on
}

// Suite is Fail in the suite's words.
func (n *Net) Suite(trouble acttest.Trouble, times int) {
	n.Fail(map[acttest.Trouble]faulty.Trouble{
		acttest.Fine: faulty.Fine, acttest.Throttled: faulty.Throttled, acttest.Away: faulty.LostBefore, acttest.Lost: faulty.LostAnswer, acttest.Denied: faulty.Denied,
	}[trouble], times, "")
}

// HTTP is the client to call by.
func (n *Net) HTTP() *http.Client {
	return &http.Client{Transport: &faulty.Net{Next: http.DefaultTransport, Pick: n.pick}}
}

func (n *Net) pick(operation string) faulty.Trouble {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.left == 0 || !slices.Contains(n.Writes, operation) || n.on != "" && n.on != operation {
		return faulty.Fine
	}
	n.left--
	return n.trouble
}

// Impatient tries as often as the SDK does, at once.
func Impatient() *retry.Standard {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.RateLimiter = ratelimit.None
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
}

// Apply plans an action from the state that is there, and applies it.
func Apply(t testing.TB, a act.Actor, verb act.Verb, to act.Split) (act.Outcome, error) {
	t.Helper()
	from, err := a.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Plan(t.Context(), act.Action{Verb: verb, Key: "rollout/7", From: from, To: to})
	if err != nil {
		return act.Outcome{State: from}, err //nolint:wrapcheck // what is tested
	}
	return a.Apply(t.Context(), c) //nolint:wrapcheck // what is tested
}

// Must is Apply that has to succeed.
func Must(t testing.TB, a act.Actor, verb act.Verb, to act.Split) act.Outcome {
	t.Helper()
	out, err := Apply(t, a, verb, to)
	if err != nil {
		t.Fatalf("%s to %v: %v", verb, to, err)
	}
	t.Logf("%s: %s", verb, strings.Join(out.Calls, "; "))
	return out
}

// ErrKilled is how the waiting of a process ends that was killed.
var ErrKilled = errors.New("killed")

// Mortal waits so many times; then its process is killed.
func Mortal(wait act.Wait, times int) act.Wait {
	return func(ctx context.Context, d time.Duration) error {
		if times--; times < 0 {
			return ErrKilled
		}
		return wait(ctx, d)
	}
}

// Zip is the package of a function with a program in it. The same program is the
// same package.
func Zip(t testing.TB, program string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create("bootstrap")
	if err == nil {
		_, err = io.WriteString(w, program)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
