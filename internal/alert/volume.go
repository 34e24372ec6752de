package alert

import (
	"fmt"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// FewBad is how many bad events a condition should rest on at least: below that,
// chance decides.
const FewBad = 5

// Volume says which conditions of an objective its traffic cannot carry: those
// that a single bad event makes true ("hopeless"), and those that fewer than
// [FewBad] do without a least number of bad events ("weak"). Nothing is said
// where nothing was measured, and of time slices and composites, whose unit is
// not the event.
func Volume(st *slo.Status) []decision.Reason {
	o := st.Objective
	if o == nil || o.Window == nil || o.Budgeting != slo.Occurrences || len(o.Members) > 0 || st.Stretch.Measured <= 0 || st.Stretch.Total <= 0 {
		return nil
	}
	period := float64(o.Window.Period(st.Frontier).Len())
	perMinute := st.Stretch.Total.Float() / float64(st.Stretch.Measured)
	budget := o.Target.Complement().Float()
	allowed := budget * perMinute * period
	var out []decision.Reason
	for i := range o.Conditions {
		c := &o.Conditions[i]
		// That many bad events are at the threshold; one more is over it.
		fires := c.Threshold.Float() * budget * perMinute * float64(c.Long)
		least := max(fires, o.MinBad.Float()-1)
		switch {
		case fires < 1 && o.MinBad <= slo.Unit:
			out = append(out, decision.Reason{Code: "hopeless", Text: fmt.Sprintf(
				"%s cannot be alerted on at this volume: at %.3g events a minute one failure is %.2g %% of the budget, and it alone fires",
				c.Name, perMinute, 100/allowed)})
		case fires < 1:
			out = append(out, decision.Reason{Code: "hopeless", Text: fmt.Sprintf(
				"%s cannot be alerted on well at this volume: at %.3g events a minute one failure is %.2g %% of the budget; the %g bad events it waits for are %.2g %%",
				c.Name, perMinute, 100/allowed, o.MinBad.Float(), 100*o.MinBad.Float()/allowed)})
		case least < FewBad-1:
			out = append(out, decision.Reason{Code: "weak", Text: fmt.Sprintf(
				"%s fires on %.0f failures at %.3g events a minute: annotate nines/min-bad-events: \"%d\"", c.Name, fires+1, perMinute, FewBad)})
		}
	}
	return out
}
