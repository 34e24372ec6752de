package measure

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/run/poll"
	runpublish "gitlab.com/nines-sre/nines/internal/run/publish"
)

// leastEvery is the shortest pace: sources publish by the minute.
const leastEvery = time.Minute

// keep measures until the caller interrupts or ends the process, which is how
// it is meant to end. Each reading gets a line on standard error, or an object
// a line on standard output.
func (o *options) keep(ctx context.Context, h *host.Host, format string) (err error) {
	if o.every < leastEvery {
		return fault.New(fault.Invalid, "--every "+o.every.String(), "sources publish by the minute", "give at least 1m")
	}
	work, err := o.work(h)
	if err != nil {
		return err
	}
	s, err := h.Open(ctx, host.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	if !s.Kept() {
		return fault.New(fault.Invalid, "--watch", "the store "+s.URL+" keeps nothing, so there is nothing to keep up to date", "name a store with --store")
	}
	opt := poll.Options{
		Select: o.selected, Pace: poll.Pace{Every: o.every}, Since: work.Since,
		Now: h.Now, Jitter: rand.Float64, // it spreads load, it hides nothing
	}
	opt.Tell = func(t poll.Tick) error {
		if err := h.TellAlerts(ctx, s, t.Entries(), nil); err != nil {
			s.Log.WarnContext(ctx, "alerts were not decided; the next reading goes on", slog.String("error", err.Error()))
		}
		if entries := t.Entries(); o.publish && len(entries) > 0 {
			if err := send(ctx, h, s, runpublish.Options{Entries: entries}); err != nil {
				s.Log.WarnContext(ctx, "metrics not published", slog.String("error", err.Error())) // the next reading tries again
			}
		}
		if format == "json" {
			return host.JSON(h.Out, t)
		}
		_, err := io.WriteString(h.Err, line(t, h.Quiet, s.Zone))
		return err
	}
	return poll.Run(ctx, s.Env, opt)
}

// line tells one reading: a line, one more for each change of pace and each
// failure. Quiet leaves the failures.
func line(t poll.Tick, quiet bool, zone *time.Location) string {
	var b strings.Builder
	say := func(format string, args ...any) {
		b.WriteString("nines: " + t.At.In(zone).Format("15:04:05") + " " + term.Clean(fmt.Sprintf(format, args...)) + "\n")
	}
	if !quiet {
		say("%s", summary(t, zone))
		for _, c := range t.Changes {
			why := "nothing burns any more"
			if len(c.Reasons) > 0 {
				why = c.Reasons[0].Text
			}
			say("%s is read every %s: %s", c.Objective, strings.TrimSuffix(c.Every, "0s"), why)
		}
		for _, note := range t.Notes {
			say("note: %s", note)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(t.Failed)) {
		say("failed, to be tried again: %s: %s", id, t.Failed[id])
	}
	if t.Error != "" {
		say("failed, to be tried again: %s", t.Error)
	}
	return b.String()
}

// summary is what was read, at what price, and up to when.
func summary(t poll.Tick, zone *time.Location) string {
	text := fmt.Sprintf("measured %s of %s, %s every minute; %s", term.Count(float64(t.Objectives)),
		term.Plural(t.Watched, "objective"), term.Count(float64(t.Fast)), term.Plural(int(t.Requests), "request"))
	if t.Metrics > 0 {
		text += ", " + term.Plural(int(t.Metrics), "metric")
	}
	text += fmt.Sprintf("; %s new minutes, %s replaced", term.Count(float64(t.Filled)), term.Count(float64(t.Replaced)))
	if !t.Frontier.IsZero() {
		text += "; up to " + term.Instant(t.Frontier.In(zone))
	}
	if t.Skipped > 0 {
		text += fmt.Sprintf("; %s left out, the last one took long", term.Plural(t.Skipped, "reading"))
	}
	return text
}
