package tell

import (
	"context"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/render/plot"
)

// Trial says how a target is tried.
type Trial struct {
	// Statuses are told one after the other: what fires first ends again, so that
	// nothing stays open at a target that keeps incidents.
	Statuses []notify.Status
	Severity string // of the alert that did not happen
	At       time.Time
	// Secrets are left out of what is shown.
	Secrets []string
	// Open opens the target with somebody who looks on.
	Open func(notify.Watch) (notify.Target, error)
}

// Tried is what came of one message.
type Tried struct {
	Status    notify.Status     `json:"status"`
	Message   notify.Message    `json:"-"`
	Exchanges []notify.Exchange `json:"exchanges"`
	Took      bool              `json:"took"`
	Error     string            `json:"error,omitempty"`
	Hint      string            `json:"hint,omitempty"`
	Err       error             `json:"-"`
}

// Try tells a target of an alert that did not happen, and returns what was sent
// and what came back, to the letter but for secrets. It stops at the first
// message that is not taken.
func Try(ctx context.Context, trial Trial) ([]Tried, error) {
	var seen []notify.Exchange
	target, err := trial.Open(func(x notify.Exchange) { seen = append(seen, trial.mask(x)) })
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	var out []Tried
	for _, status := range trial.Statuses {
		m := notify.Sample(status, trial.Severity, trial.At)
		if m.Chart, err = sampleChart(trial.At); err != nil {
			return out, err
		}
		seen = nil
		t := tried(target.Send(ctx, m))
		t.Status, t.Message, t.Exchanges = status, m, seen
		if out = append(out, t); !t.Took {
			break
		}
	}
	return out, nil
}

// tried is what came of a message.
func tried(err error) Tried {
	if err == nil {
		return Tried{Took: true}
	}
	return Tried{Err: err, Error: err.Error(), Hint: fault.HintOf(err)}
}

// mask leaves secrets out.
func (t *Trial) mask(x notify.Exchange) notify.Exchange {
	for _, s := range t.Secrets {
		if s == "" {
			continue
		}
		x.To, x.Sent, x.Got = strings.ReplaceAll(x.To, s, "***"), strings.ReplaceAll(x.Sent, s, "***"), strings.ReplaceAll(x.Got, s, "***")
	}
	return x
}

// sampleChart is a picture of what did not happen.
func sampleChart(at time.Time) (*notify.Chart, error) {
	c := plot.Chart{
		Title: "TEST: example-api/availability, 99.9 % in 30d", Desc: "An example: the budget falls from 100 % to 97.7 % in six minutes.",
		From: at.Add(-2 * time.Hour), To: at,
		Burns: []plot.Line{{Name: "1h", Threshold: 14.4}, {Name: "5m", Threshold: 14.4}},
		Marks: []plot.Mark{{At: at.Add(-11 * time.Minute), Label: "example-api 1.4.2 went to production"}, {At: at.Add(-6 * time.Minute), Label: "page-fast", Alert: true}},
	}
	for m := -120; m <= 0; m++ {
		when, long, short, left := at.Add(time.Duration(m)*time.Minute), 0.2, 0.2, 1.0
		if burning := float64(m + 6); burning > 0 {
			long, short, left = 0.2+burning*2.75, min(200, burning*40), 1-0.023*burning/6
		}
		c.Budget = append(c.Budget, plot.Point{At: when, Value: left})
		c.Burns[0].Points = append(c.Burns[0].Points, plot.Point{At: when, Value: long})
		c.Burns[1].Points = append(c.Burns[1].Points, plot.Point{At: when, Value: short})
	}
	return Picture(&c)
}

// Picture is a chart in the forms that targets show.
func Picture(c *plot.Chart) (*notify.Chart, error) {
	png, err := c.PNG()
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	return &notify.Chart{Alt: c.Desc, PNG: png, SVG: c.SVG()}, nil
}
