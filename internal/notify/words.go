package notify

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// OfAlert is the message of an alert: its title and lines in words, the same
// for every target. At is when it is told, zone in which people read instants.
func OfAlert(a Alert, at time.Time, zone *time.Location) Message {
	if zone == nil {
		zone = time.UTC
	}
	service, _, _ := strings.Cut(a.Objective, "/")
	w := words{&a, at, zone}
	return Message{
		Event: Alerting, Title: w.title(), Lines: w.lines(), Service: service, At: at, Alert: &a,
		Key: strings.Join([]string{string(Alerting), a.Incident, string(a.Status), a.Severity}, "/"),
	}
}

// words says an alert.
type words struct {
	*Alert
	at   time.Time
	zone *time.Location
}

// name is the objective without what only machines need.
func (w words) name() string { return Name(w.Objective, w.Target) }

// Name is an objective's key without what only machines need: an objective that
// is called as its SLO, or by its target, is its SLO.
func Name(key, target string) string {
	parts := strings.Split(key, "/")
	if len(parts) == 3 && (parts[1] == parts[2] || parts[2] == target) {
		parts = parts[:2]
	}
	return strings.Join(parts, "/")
}

func (w words) title() string {
	again := ""
	if w.Again {
		again = " (told again: it is not known whether this arrived before)"
	}
	switch w.Status {
	case Resolved:
		return fmt.Sprintf("%s: over%s%s%s", w.name(), w.lasted(), w.cost(), again)
	case NoData:
		return w.name() + ": nothing is known any more, its alerts stand still" + again
	case DataBack:
		return w.name() + ": it is measured again" + again
	case Firing:
	}
	fast := "faster than it may"
	if w.Short != nil && w.Short.Value != nil && w.Long != nil && w.Long.Value != nil {
		// The slower of the two is what both can vouch for.
		fast = "at " + Times(math.Min(*w.Long.Value, *w.Short.Value))
	}
	left := ""
	if w.Remaining != nil {
		left = ", " + budgetLeft(*w.Remaining)
	}
	return w.name() + " loses its budget " + fast + left + again
}

// lasted is how long it was, as ", after 42 min".
func (w words) lasted() string {
	if w.EndsAt.IsZero() || w.StartsAt.IsZero() || w.EndsAt.Before(w.StartsAt) {
		return ""
	}
	return " after " + Span(w.EndsAt.Sub(w.StartsAt))
}

func (w words) cost() string {
	if w.Lost == nil {
		return ""
	}
	return ", it cost " + Percent(*w.Lost) + " of the budget"
}

func (w words) lines() []string {
	var out []string
	add := func(s string) {
		if s != "" {
			out = append(out, s)
		}
	}
	add(w.fast())
	add(w.events())
	add(w.budget())
	add(w.since())
	for _, c := range w.Changes {
		add("before it: " + w.change(c))
	}
	if len(w.Changes) == 0 && w.Looked > 0 {
		add("no deployment, override or change of documents is recorded in the " + Span(w.Looked) + " before it")
	}
	out = append(out, w.Notes...)
	if w.Escalates != "" {
		add("it continues " + w.Escalates)
	}
	add("incident " + w.Incident)
	return out
}

func (w words) fast() string {
	if w.Status != Firing || w.Long == nil {
		return ""
	}
	text := rate(w.Long)
	if w.Short != nil {
		text += " and " + rate(w.Short)
	}
	if w.Threshold != "" {
		text += "; " + w.verb() + " above " + w.Threshold + "x"
	}
	if w.Window != "" {
		text += " (at 1x the budget lasts exactly " + w.Window + ")"
	}
	return text
}

// verb is what the condition does.
func (w words) verb() string {
	name := w.Condition
	if name == "" {
		name = "it"
	}
	if w.Severity == Ticket {
		return name + " raises a ticket"
	}
	return name + " pages"
}

func rate(r *Rate) string {
	if r.Value == nil {
		return "an unknown rate in " + r.Lookback
	}
	return Times(*r.Value) + " in " + r.Lookback
}

func (w words) events() string {
	if w.Status != Firing || w.Total <= 0 || w.Long == nil {
		return ""
	}
	return fmt.Sprintf("%s of %s events were bad in %s, %s", Number(w.Bad), Number(w.Total), w.Long.Lookback, Percent(w.Bad/w.Total))
}

func (w words) budget() string {
	if w.Remaining == nil {
		return ""
	}
	text := budgetGone(*w.Remaining)
	if w.Status == Firing && w.Exhausts != nil && *w.Remaining > 0 {
		text += "; if this goes on it is used up in " + Span(time.Duration(*w.Exhausts)*time.Second)
	}
	return text
}

func budgetLeft(remaining float64) string {
	if remaining <= 0 {
		return "the budget is overdrawn by " + Percent(-remaining)
	}
	return Percent(remaining) + " of it is left"
}

func budgetGone(remaining float64) string {
	if remaining <= 0 {
		return "all of the budget is gone, " + Percent(-remaining) + " more than there was"
	}
	return Percent(1-remaining) + " of the budget is gone, " + Percent(remaining) + " is left"
}

func (w words) since() string {
	if w.StartsAt.IsZero() {
		return ""
	}
	text := "since " + w.show(w.StartsAt)
	if end := w.EndsAt; !end.IsZero() {
		return text + ", until " + w.show(end)
	}
	if d := w.at.Sub(w.StartsAt); d > 0 {
		text += ", for " + Span(d)
	}
	return text
}

func (w words) show(t time.Time) string { return t.In(w.zone).Format("2006-01-02 15:04 MST") }

func (w words) change(c Change) string {
	text := c.Text
	if c.Actor != "" {
		text += ", by " + c.Actor
	}
	switch d := w.StartsAt.Sub(c.At); {
	case w.StartsAt.IsZero():
	case d >= 0:
		return text + ", " + Span(d) + " earlier (" + w.show(c.At) + ")"
	default:
		return text + ", " + Span(-d) + " into it (" + w.show(c.At) + ")"
	}
	return text + " (" + w.show(c.At) + ")"
}

// Times is a burn rate in words: "16.7x".
func Times(v float64) string {
	const many, few = 100, 0.1
	switch {
	case v >= many:
		return fmt.Sprintf("%.0fx", v)
	case v > 0 && v < few:
		return fmt.Sprintf("%.2gx", v)
	}
	return trim(fmt.Sprintf("%.1f", v)) + "x"
}

// Percent is a share in words: "2.3 %", "0.04 %". It never rounds something to
// nothing, or less than everything to everything.
func Percent(share float64) string {
	p := 100 * share
	for digits := 1; digits < 6; digits++ {
		text := fmt.Sprintf("%.*f", digits, p)
		nothing := strings.Trim(text, "-0.") == "" && p != 0
		everything := trim(text) == "100" && p != 100
		if !nothing && !everything {
			return trim(text) + " %"
		}
	}
	return fmt.Sprintf("%.3g %%", p)
}

func trim(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Number is an amount of events in words: "1 200 000" is "1200000", "0.5" stays.
func Number(v float64) string { return trim(fmt.Sprintf("%.2f", v)) }

// Span is a length of time in two parts at most: "3 d 4 h", "42 min", "20 s".
func Span(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	const day = 24 * time.Hour
	d = d.Round(time.Second)
	if d >= time.Minute {
		d = d.Round(time.Minute)
	}
	parts := []struct {
		unit time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, p := range parts {
		n := d / p.unit
		if n == 0 {
			continue
		}
		text := fmt.Sprintf("%d %s", n, p.name)
		if rest := d % p.unit; i+1 < len(parts) && rest/parts[i+1].unit > 0 {
			text += fmt.Sprintf(" %d %s", rest/parts[i+1].unit, parts[i+1].name)
		}
		return text
	}
	return "0 s"
}
