package lambda_test

import (
	"fmt"
	"net/http"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/lambdad"
)

// Whatever happens to the requests of a change, the alias lies as before or as
// wanted, never in between; a success means as wanted; and when the trouble is
// over the same change brings it there.
func TestUnderTrouble(t *testing.T) {
	b := start(t, lambdad.Config{})
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		b.server.Heal()
		before := act.Split{Stable: "1"}
		b.set(before)
		to := rapid.SampledFrom([]act.Split{{Stable: "1", Canary: "2", Weight: 0.25}, {Stable: "3"}}).Draw(rt, "to")
		verb := act.Promote
		if !to.Whole() {
			verb = act.Shift
		}
		from, err := b.target.Read(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		n++
		change := act.Change{Action: act.Action{Verb: verb, Key: fmt.Sprint("k", n), From: from, To: to}}
		for _, trouble := range rapid.SliceOfN(rapid.SampledFrom([]lambdad.Trouble{
			{},
			lambdad.Throttle("", 1), lambdad.Break("", 1), lambdad.Deny("", 1),
			{LostBefore: true, Times: 1},
			{LostAnswer: true, Times: 1},
			{Status: http.StatusConflict, Code: "ResourceConflictException", Times: 1},
		}), 0, 20).Draw(rt, "troubles") {
			b.server.Fail(trouble)
		}
		out, err := b.target.Apply(t.Context(), change)
		switch lies := b.look(); {
		case lies != before && lies != to:
			rt.Fatalf("it lies at %v", lies)
		case err == nil && (lies != to || !out.State.Same(to)):
			rt.Fatalf("it says that it is done, and lies at %v: %+v", lies, out)
		case err != nil && fault.KindOf(err) == fault.Internal:
			rt.Fatalf("nobody knows what this means: %v", err)
		}
		b.server.Heal()
		if out, err := b.target.Apply(t.Context(), change); err != nil || !out.State.Same(to) || b.look() != to {
			rt.Fatalf("again, without trouble: %+v, %v", out, err)
		}
	})
}
