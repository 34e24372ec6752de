package handover

import (
	"fmt"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/notify"
)

// section is a part of the report, the same for text and Markdown.
type section struct {
	title string
	empty string
	lines []string
}

// show prints an instant.
func (r *Report) show(t time.Time) string { return t.In(r.zone()).Format("Mon 01-02 15:04") }

func (r *Report) zone() *time.Location {
	if r.Zone == nil {
		return time.UTC
	}
	return r.Zone
}

// Title is the first line.
func (r *Report) Title() string {
	return fmt.Sprintf("Handover, %s to %s", r.From.In(r.zone()).Format("2006-01-02 15:04"), r.To.In(r.zone()).Format("2006-01-02 15:04 MST"))
}

// Summary is what matters most, in sentences.
func (r *Report) Summary() []string {
	pages, tickets, open := 0, 0, 0
	for _, i := range r.Incidents {
		switch {
		case i.HeldBack != "":
			continue
		case i.Severity == notify.Page:
			pages++
		default:
			tickets++
		}
		if i.Ended.IsZero() {
			open++
		}
	}
	out := []string{fmt.Sprintf("%s and %s were told; %d still go on.", count(pages, "page"), count(tickets, "ticket"), open)}
	night := fmt.Sprintf("%s came at night (%s to %s)", count(r.Night.Pages, "page"), r.Night.From, r.Night.To)
	if r.Night.Budget >= 0 {
		night += fmt.Sprintf(", the rotation bears %.3g", r.Night.Budget)
		if r.Night.Over() {
			night += ": that is too many"
		}
	}
	out = append(out, night+".")
	if ahead := r.Ahead(); len(ahead) == 0 {
		out = append(out, "No budget runs out if things go on as in the last six hours.")
	} else {
		out = append(out, fmt.Sprintf("Likely to run out first: %s, %s.", ahead[0].Key, ahead[0].when()))
	}
	return out
}

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// when says when a budget runs out.
func (o *Objective) when() string {
	switch {
	case o.Exhausts == nil:
		return "not in sight"
	case *o.Exhausts <= 0:
		return "its budget is gone"
	}
	return "in " + notify.Span(time.Duration(*o.Exhausts)*time.Second)
}

func (o *Objective) left() string {
	if o.Remaining == nil {
		return "unknown"
	}
	return notify.Percent(*o.Remaining)
}

// was is what was left at the beginning.
func (o *Objective) was() string {
	if o.Before == nil {
		return "unknown"
	}
	return notify.Percent(*o.Before)
}

// sections are the parts of the report.
func (r *Report) sections() []section {
	burned := section{title: "What burned", empty: "nothing"}
	for i := range r.Objectives {
		o := &r.Objectives[i]
		if len(o.Losses) == 0 && o.Level == "healthy" {
			continue
		}
		burned.lines = append(burned.lines, fmt.Sprintf("%s (%s in %s): %s of the budget is left, %s; it was %s", o.Key, o.Target, o.Window, o.left(), o.Level, o.was()))
		for _, l := range o.Losses {
			burned.lines = append(burned.lines, fmt.Sprintf("  %s for %s: %s of the budget", r.show(l.From), notify.Span(l.To.Sub(l.From)), notify.Percent(l.Share)))
		}
	}
	ahead := section{title: "What runs out next", empty: "nothing, if things go on as in the last six hours"}
	for _, o := range r.Ahead() {
		ahead.lines = append(ahead.lines, o.Key+": "+o.when())
	}
	told := section{title: "Alerts", empty: "none"}
	for _, i := range r.Incidents {
		told.lines = append(told.lines, r.incident(&i))
	}
	for h, n := range r.Hours {
		if n.Pages+n.Tickets > 0 {
			told.lines = append(told.lines, fmt.Sprintf("  %02d:00 to %02d:00: %s, %s%s", h, h+1, count(n.Pages, "page"), count(n.Tickets, "ticket"), night(n.Night)))
		}
	}
	out := []section{burned, ahead, told, r.changes("What could not be told", r.Untold), r.changes("What changed", r.Changes), r.changes("Overrides", r.Overrides)}
	return append(out, r.stretches("Silences", r.Silences), r.stretches("Freezes", r.Freezes))
}

func night(yes bool) string {
	if yes {
		return ", at night"
	}
	return ""
}

func (r *Report) incident(i *Incident) string {
	text := fmt.Sprintf("%s %s: %s", r.show(i.At), i.Severity, i.Objective)
	switch {
	case i.HeldBack != "":
		return text + ", kept back by " + i.HeldBack
	case i.Ended.IsZero():
		text += ", goes on"
	default:
		text += ", over after " + notify.Span(i.Ended.Sub(i.At))
	}
	if i.Text != "" {
		text += "; " + i.Text
	}
	return text + night(i.Night)
}

func (r *Report) changes(title string, changes []Change) section {
	s := section{title: title, empty: "none"}
	for _, c := range changes {
		line := r.show(c.At) + " " + c.Text
		if c.Actor != "" {
			line += ", by " + c.Actor
		}
		s.lines = append(s.lines, line)
	}
	return s
}

func (r *Report) stretches(title string, list []Stretch) section {
	s := section{title: title, empty: "none"}
	for _, m := range list {
		until := "open"
		if !m.To.IsZero() {
			until = "until " + r.show(m.To)
		}
		state := ", over"
		if m.Holds {
			state = ", in force"
		}
		s.lines = append(s.lines, fmt.Sprintf("%s: %s, %s%s; %s: %s", m.Subject, r.show(m.From), until, state, m.Author, m.Reason))
	}
	return s
}

// Text is the report as plain text.
func (r *Report) Text() string {
	var b strings.Builder
	b.WriteString(clean(r.Title()) + "\n\n")
	for _, s := range r.Summary() {
		b.WriteString(clean(s) + "\n")
	}
	for _, s := range r.sections() {
		b.WriteString("\n" + s.title + "\n")
		if len(s.lines) == 0 {
			b.WriteString("  " + s.empty + "\n")
		}
		for _, line := range s.lines {
			b.WriteString("  " + clean(line) + "\n")
		}
	}
	return b.String()
}

// clean leaves out what would move a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return ' '
		}
		return r
	}, s)
}

// Markdown is the report as Markdown, with what is foreign in it escaped.
func (r *Report) Markdown() string {
	escape := strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", ">", "&gt;", "[", `\[`, "]", `\]`, "|", `\|`, "#", `\#`, "@", "@\u200b", "~", `\~`, "!", `\!`)
	var b strings.Builder
	b.WriteString("# " + escape.Replace(clean(r.Title())) + "\n\n")
	for _, s := range r.Summary() {
		b.WriteString("- " + escape.Replace(clean(s)) + "\n")
	}
	for _, s := range r.sections() {
		b.WriteString("\n## " + s.title + "\n\n")
		if len(s.lines) == 0 {
			b.WriteString(s.empty + "\n")
		}
		for _, line := range s.lines {
			indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
			b.WriteString(indent + "- " + escape.Replace(clean(strings.TrimLeft(line, " "))) + "\n")
		}
	}
	return b.String()
}
