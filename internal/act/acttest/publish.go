package acttest

import (
	"slices"
	"testing"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// publisher returns the world's publisher, or skips the test.
func (w World) publisher(t *testing.T) act.Publisher {
	t.Helper()
	p, ok := w.Actor.(act.Publisher)
	if !ok {
		if w.Release != nil {
			t.Fatal("the world has releases, and the actor publishes nothing")
		}
		t.Skip("it makes no versions")
	}
	if w.Release == nil {
		t.Fatal("the actor is a Publisher, and the world has no releases")
	}
	return p
}

func testPublish(t *testing.T, w World) {
	p := w.publisher(t)
	first, second := w.Release(t), w.Release(t)
	a, err := p.Publish(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(w.Versions, a) {
		t.Errorf("something new became version %s, which was there", a)
	}
	if again, err := p.Publish(t.Context(), first); err != nil || again != a {
		t.Errorf("the same again is %q, %v; want %q", again, err, a)
	}
	b, err := p.Publish(t.Context(), second)
	if err != nil || b == a {
		t.Fatalf("another one is %q, %v", b, err)
	}
	w.lies(t, w.first())
	if got, err := p.Publish(t.Context(), act.Release{Version: a}); err != nil || got != a {
		t.Errorf("version %s is there: %q, %v", a, got, err)
	}
	_, err = p.Publish(t.Context(), act.Release{Version: "987654"})
	wantKind(t, err, fault.NotFound, "a version that is not there")
	if w.Actor.Caps().Splits {
		w.do(t, w.to(t, act.Shift, "published", w.share(b, 0.25)))
	}
	w.do(t, w.to(t, act.Promote, "published/all", act.Split{Stable: b}))
	if _, err := p.Publish(cancelled(t), w.Release(t)); fault.KindOf(err) != fault.Canceled {
		t.Errorf("after the end: %v", err)
	}
}

func testPublishTrouble(t *testing.T, w World) {
	p := w.publisher(t)
	if w.Fail == nil {
		t.Skip("it has no troubles")
	}
	r := w.Release(t)
	for _, c := range []struct {
		trouble Trouble
		kind    fault.Kind
	}{{Throttled, fault.Throttled}, {Away, fault.Unavailable}, {Denied, fault.Denied}} {
		if slices.Contains(w.Not, c.trouble) {
			continue
		}
		w.Fail(c.trouble, Always)
		_, err := p.Publish(t.Context(), r)
		wantKind(t, err, c.kind, "Publish")
		w.Fail(Fine, 0)
	}
	if !slices.Contains(w.Not, Lost) {
		w.Fail(Lost, 1)
		_, err := p.Publish(t.Context(), r)
		w.Fail(Fine, 0)
		if err != nil && !fault.KindOf(err).Retry() {
			t.Errorf("an answer that is lost can be asked for again: %v", err)
		}
	}
	a, err := p.Publish(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := p.Publish(t.Context(), r); err != nil || b != a {
		t.Errorf("the same again is %q, %v; want %q", b, err, a)
	}
	w.lies(t, w.first())
}
