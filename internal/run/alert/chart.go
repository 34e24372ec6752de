package alert

import (
	"context"
	"math"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/render/plot"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

const (
	// chartReach is how much of the past a chart shows, chartStep how far its points
	// are apart: each is a reading of the objective.
	chartReach = 6 * slo.Hour
	chartStep  = 15 * slo.Minute(1)
	// chartTime is how much time must be left for one.
	chartTime = 15 * time.Second
)

// picture adds a chart to a message for targets that show one by themselves: mail
// as PNG, a webhook as SVG. One that cannot be drawn is left out.
func picture(ctx context.Context, env *run.Env, l *Letter, to notify.Kind, m *notify.Message) {
	o := objective(env.Catalog, l.Event.Objective)
	if o == nil || to != notify.Email && to != notify.Webhook || m.Alert.Status == notify.NoData || m.Alert.Status == notify.DataBack {
		return
	}
	c, err := chart(ctx, env, &l.Event, o)
	if err != nil {
		return
	}
	for i := range m.Alert.Changes {
		x := &m.Alert.Changes[i]
		c.Marks = append(c.Marks, plot.Mark{At: x.At, Label: x.Text})
	}
	slices.SortStableFunc(c.Marks, func(a, b plot.Mark) int { return a.At.Compare(b.At) })
	c.Title, c.Desc = m.Title, "Budget left and burn rates of "+l.Event.Objective+" over "+slo.FormatLength(chartReach)
	out := &notify.Chart{Alt: c.Desc}
	if to == notify.Email {
		if out.PNG, err = c.PNG(); err != nil {
			return
		}
	} else {
		out.SVG = c.SVG()
	}
	m.Chart = out
}

// linesOf are the burn rates to draw, by their look-back.
func linesOf(e *alert.Event) map[slo.Minute]*plot.Line {
	lines := map[slo.Minute]*plot.Line{}
	threshold := 0.0
	if d, err := slo.ParseDecimal(e.Threshold); err == nil {
		threshold = d.Float()
	}
	for _, look := range []slo.Minute{e.LongLook, e.ShortLook} {
		if look > 0 && lines[look] == nil {
			lines[look] = &plot.Line{Name: slo.FormatLength(look), Threshold: threshold}
		}
	}
	return lines
}

// point is a value at an instant; what is not known is a gap.
func point(at slo.Minute, v *float64) plot.Point {
	if v == nil {
		return plot.Point{At: at.Time(), Value: math.NaN()}
	}
	return plot.Point{At: at.Time(), Value: *v}
}

// chart reads how the objective stood before an event.
func chart(ctx context.Context, env *run.Env, e *alert.Event, o *config.Objective) (*plot.Chart, error) {
	from := e.At - chartReach
	c := &plot.Chart{From: from.Time(), To: e.At.Time(), Zone: env.Zone}
	lines := linesOf(e)
	for at := from; at <= e.At; at += chartStep {
		entries, err := status.Read(ctx, env, status.Options{At: at.Time(), Select: []string{o.Service + "/" + o.SLO}})
		if err != nil {
			return nil, err
		}
		for i := range entries {
			st := &entries[i].Status
			if entries[i].Objective.Key() != e.Objective || st.Frontier < at-chartStep {
				continue
			}
			c.Budget = append(c.Budget, point(at, st.Budget.Remaining))
			for k := range st.Burns {
				if line := lines[st.Burns[k].Lookback]; line != nil {
					line.Points = append(line.Points, point(at, st.Burns[k].Rate))
				}
			}
		}
	}
	for _, look := range []slo.Minute{e.LongLook, e.ShortLook} {
		if line := lines[look]; line != nil {
			c.Burns = append(c.Burns, *line)
			delete(lines, look)
		}
	}
	if e.Since > 0 {
		c.Marks = append(c.Marks, plot.Mark{At: e.Since.Time(), Label: conditionName(e) + " holds", Alert: true})
	}
	return c, nil
}
