package acttest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// testTwo applies two changes from one state at the same time.
func testTwo(t *testing.T, w World) {
	if w.Racy || w.Actor.Caps().Blind {
		t.Skip("it has no lock")
	}
	verb, a := w.next()
	b := act.Split{Stable: w.Versions[2]}
	if w.Actor.Caps().Splits {
		b = w.share(w.Versions[1], 0.5)
	}
	actors := []act.Actor{w.Actor, w.Actor}
	if w.Again != nil {
		actors[1] = w.Again(t)
	}
	from := read(t, w.Actor)
	errs := make([]error, 2)
	var all sync.WaitGroup
	for i, to := range []act.Split{a, b} {
		all.Go(func() {
			want := act.Action{Verb: verb, Key: fmt.Sprint("two/", i), From: from, To: to}
			_, errs[i] = actors[i].Apply(t.Context(), act.Change{Action: want})
		})
	}
	all.Wait()
	switch {
	case errs[0] == nil && errs[1] == nil, errs[0] != nil && errs[1] != nil:
		t.Fatalf("one of two wins: %v, %v", errs[0], errs[1])
	case errs[0] == nil:
		wantKind(t, errs[1], fault.Conflict, "the second")
		w.lies(t, a)
	default:
		wantKind(t, errs[0], fault.Conflict, "the first")
		w.lies(t, b)
	}
}

// model is a target as simple as it can be.
type model struct {
	split act.Split
	count int // of changes
}

// seen is what an actor knows: what it read, and how many changes there were.
type seen struct {
	state act.State
	count int
}

// steps is how long the random walk of the suite is.
const steps = 60

// testModel lets two actors and somebody else at a target in random order.
func testModel(t *testing.T, w World) {
	if w.Foreign == nil || w.Again == nil {
		t.Skip("it needs another actor, and somebody else")
	}
	rnd := rand.New(rand.NewPCG(7, uint64(len(w.Versions))))
	actors := []act.Actor{w.Actor, w.Again(t)}
	m := &model{split: w.first()}
	knows := []seen{{read(t, actors[0]), 0}, {read(t, actors[1]), 0}}
	for i := range steps {
		who := rnd.IntN(2)
		switch rnd.IntN(6) {
		case 0:
			m.split, m.count = w.random(rnd), m.count+1
			w.Foreign(t, m.split)
		case 1, 2:
			knows[who] = seen{read(t, actors[who]), m.count}
			if !knows[who].state.Same(m.split) {
				t.Fatalf("step %d: it reads %v, the model lies at %v", i, knows[who].state.Split, m.split)
			}
		default:
			w.step(t, rnd, actors[who], m, knows[who])
		}
		w.lies(t, m.split)
	}
}

// step applies something random, and holds the answer against the model's.
func (w World) step(t *testing.T, rnd *rand.Rand, a act.Actor, m *model, s seen) {
	t.Helper()
	verb, to := act.Promote, w.random(rnd)
	switch {
	case !to.Whole():
		verb = act.Shift
	case w.Actor.Caps().Restores && rnd.IntN(2) == 0:
		verb = act.Restore
	}
	want := act.Action{Verb: verb, Key: fmt.Sprint("model/", rnd.Uint64()), From: s.state, To: to}
	_, err := a.Apply(t.Context(), act.Change{Action: want})
	done := m.split.Same(to)
	// Without a revision it is the split that tells.
	same := s.state.Same(m.split)
	if s.state.Revision != "" && !verb.Back() {
		same = same && s.count == m.count
	}
	other := verb == act.Shift && !m.split.Whole() && m.split.Canary != to.Canary
	switch {
	case done, same && !other:
		if err != nil {
			t.Fatalf("%s from %v to %v, model at %v: %v", verb, s.state.Split, to, m.split, err)
		}
		if !done {
			m.split, m.count = to, m.count+1
		}
	default:
		wantKind(t, err, fault.Conflict, fmt.Sprintf("%s from %v to %v, model at %v", verb, s.state.Split, to, m.split))
	}
}

// random is any split that can be.
func (w World) random(rnd *rand.Rand) act.Split {
	stable, canary := w.Versions[rnd.IntN(3)], w.Versions[rnd.IntN(3)]
	if !w.Actor.Caps().Splits || rnd.IntN(2) == 0 || stable == canary {
		return act.Split{Stable: stable}
	}
	return act.Split{Stable: stable, Canary: canary, Weight: []float64{0.12, 0.25, 0.5}[rnd.IntN(3)]}
}
