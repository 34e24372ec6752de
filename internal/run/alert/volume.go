package alert

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/status"
)

// Enough is what can be done about an objective that its traffic carries no alert
// for.
const Enough = "lower its target, lengthen its window, put services together, or probe"

// Volume is what an objective's traffic cannot carry.
type Volume struct {
	Objective *config.Objective
	Reasons   []decision.Reason
}

// Whole is what is said of the objective as a whole; "": its fastest conditions
// can be told from chance.
func (v *Volume) Whole() string {
	if v.Reasons[0].Code == alert.TooFew {
		return v.Reasons[0].Text
	}
	return ""
}

// Volumes says of the selected objectives what their measured traffic cannot
// carry; those that it carries everything for are left out.
func Volumes(ctx context.Context, env *run.Env, selected []string) ([]Volume, error) {
	entries, err := status.Read(ctx, env, status.Options{Select: selected})
	if err != nil {
		return nil, err
	}
	var out []Volume
	for i := range entries {
		if reasons := alert.Volume(&entries[i].Status); len(reasons) > 0 {
			out = append(out, Volume{entries[i].Objective, reasons})
		}
	}
	return out, nil
}
