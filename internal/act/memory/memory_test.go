package memory_test

import (
	"fmt"
	"sync"
	"testing"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/acttest"
	"gitlab.com/nines-sre/nines/internal/act/memory"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// fails makes the suite's troubles.
type fails struct {
	mu      sync.Mutex
	trouble memory.Trouble
	left    int
}

func (f *fails) set(trouble acttest.Trouble, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = n
	f.trouble = map[acttest.Trouble]memory.Trouble{
		acttest.Throttled: memory.Throttled, acttest.Away: memory.Away, acttest.Lost: memory.LostAnswer, acttest.Denied: memory.Denied,
	}[trouble]
}

func (f *fails) pick(call string) memory.Trouble {
	f.mu.Lock()
	defer f.mu.Unlock()
	if call == "read" || f.left == 0 {
		return memory.Fine
	}
	f.left--
	return f.trouble
}

func world(limits act.Caps) func(*testing.T) acttest.World {
	return func(*testing.T) acttest.World {
		a := memory.New("1", "2", "3")
		f := &fails{}
		a.Limits, a.Pick = limits, f.pick
		releases := 0
		return acttest.World{
			Actor: a, Versions: []string{"1", "2", "3"},
			Again:   func(testing.TB) act.Actor { return a },
			Look:    func(testing.TB) act.Split { return a.Split() },
			Writes:  func() int { return len(a.Writes()) },
			Foreign: func(_ testing.TB, to act.Split) { a.Set(to) },
			Fail:    f.set,
			Busy:    func(testing.TB) { a.SetBusy("a deployment of somebody else's") },
			Release: func(testing.TB) act.Release {
				releases++
				return act.Release{Artifact: fmt.Sprint("build-", releases)}
			},
		}
	}
}

func TestSuite(t *testing.T) {
	t.Run("splits", func(t *testing.T) { acttest.Run(t, world(act.Caps{})) })
	t.Run("all or nothing", func(t *testing.T) { acttest.Run(t, world(act.Caps{Restores: true})) })
}

// Somebody else comes between the look and the write.
func TestForeignBetween(t *testing.T) {
	a := memory.New("1", "2", "3")
	a.Other = act.Split{Stable: "3"}
	from, err := a.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.Pick = func(call string) memory.Trouble {
		if call == string(act.Shift) {
			return memory.Foreign
		}
		return memory.Fine
	}
	c := act.Change{Action: act.Action{Verb: act.Shift, Key: "k", From: from, To: act.Split{Stable: "1", Canary: "2", Weight: 0.5}}}
	if _, err := a.Apply(t.Context(), c); fault.KindOf(err) != fault.Conflict || a.Split() != a.Other {
		t.Errorf("%v, and it lies at %v", err, a.Split())
	}
	a.Touch()
	if now, err := a.Read(t.Context()); err != nil || now.Revision == from.Revision {
		t.Errorf("%+v, %v", now, err)
	}
}
