package act

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Back says whether a verb puts something back. What puts back is never held up:
// neither by guards, nor by a detail of the target that is not its traffic.
func (v Verb) Back() bool { return v == Restore || v == Rollback }

// Valid finds what is wrong with an action however its target lies. Op is what
// errors begin with: "lambda:payment-api:live". The error is of kind Invalid, or
// Unsupported for what the target cannot do.
func (a Action) Valid(op string, caps Caps) error {
	bad := func(format string, args ...any) error {
		return fault.New(fault.Invalid, op, fmt.Sprintf(format, args...), "")
	}
	w := a.To.Weight
	switch {
	case !slices.Contains([]Verb{Shift, Promote, Restore, Rollback}, a.Verb):
		return bad("there is no verb %q", string(a.Verb))
	case math.IsNaN(w), w < 0, w > 1:
		return bad("a weight of %v is none: it lies between 0 and 1", w)
	case a.To.Stable == "" && !caps.Blind:
		return bad("it does not say which version gets the traffic")
	case a.To.Canary == "" && w != 0:
		return bad("a weight of %s %% is for no version", percent(w))
	case !a.To.Whole() && a.To.Canary == a.To.Stable:
		return bad("version %s cannot be its own canary", a.To.Canary)
	case a.Verb == Promote && !a.To.Whole():
		return bad("a promotion leaves %s %% on %s", percent(w), a.To.Canary)
	case a.Verb.Back() && !caps.Restores:
		return fault.New(fault.Unsupported, op, "an earlier version cannot be put back here", "deploy it anew")
	}
	return caps.takes(op, a.To)
}

// takes says whether a target can lie as a split says.
func (c Caps) takes(op string, to Split) error {
	switch {
	case to.Whole():
		return nil
	case !c.Splits:
		return fault.New(fault.Unsupported, op, "its traffic cannot be split: one version has all of it", "")
	case to.Weight < c.Smallest || to.Weight > c.Most:
		return fault.New(fault.Invalid, op, fmt.Sprintf("a weight of %s %% is not possible", percent(to.Weight)),
			fmt.Sprintf("it lies between %s %% and %s %%", percent(c.Smallest), percent(c.Most)))
	}
	return nil
}

// Meets compares an action with how its target lies now. Done says that it lies
// as wanted already. The error is a Conflict: it is not as it was decided on, or
// somebody else is busy with it; it says what is there.
//
// What puts back compares the split alone, so that a changed description holds
// nobody up, and leaves it to the target what to do about one that is busy.
func (a Action) Meets(op string, now State) (done bool, err error) {
	if now.Same(a.To) {
		return true, nil
	}
	if now.Busy != "" && !a.Verb.Back() {
		return false, fault.New(fault.Conflict, op, "somebody else is busy with it: "+now.Busy, "wait until that has ended, then begin anew")
	}
	if !a.From.Same(now.Split) {
		return false, fault.New(fault.Conflict, op,
			fmt.Sprintf("it lies at %s, not at %s: somebody else changed it", text(now.Split), text(a.From.Split)),
			"nothing was changed; find out who did, then begin anew or roll back by hand")
	}
	if !a.Verb.Back() && a.From.Revision != "" && now.Revision != "" && a.From.Revision != now.Revision {
		return false, fault.New(fault.Conflict, op,
			fmt.Sprintf("it lies at %s, but was changed since: its revision is %s, not %s", text(now.Split), now.Revision, a.From.Revision),
			"nothing was changed; find out who did, then begin anew")
	}
	if a.Verb == Shift && !now.Whole() && now.Canary != a.To.Canary {
		return false, fault.New(fault.Conflict, op, "another canary is running: it lies at "+text(now.Split), "wait until that has ended, or roll it back")
	}
	return false, nil
}

// text is a split that is known, or the words for one that is not.
func text(s Split) string {
	if t := s.String(); strings.TrimSpace(t) != "" {
		return t
	}
	return "an unknown version"
}
