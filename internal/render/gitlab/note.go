// Package gitlab shows a gate's answer where GitLab shows things: as a note on
// a merge request, and as annotations of a job.
package gitlab

import (
	"fmt"
	"math"
	"strings"
	"unicode"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/gate"
)

// Answer is what is shown.
type Answer struct {
	Request  gate.Request
	Decision decision.Decision
	ExitCode int
	Advice   []string
	JobURL   string // of the job that asked; may be empty
}

// Marker is what the note of a service and an environment is found by again.
func Marker(service, environment string) string {
	word := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) || r == '-' || r == '/' {
				return r
			}
			return '-'
		}, s)
	}
	out := "nines/gate/" + word(service)
	if environment != "" {
		out += "/" + word(environment)
	}
	// Two hyphens in a row would end the comment it stands in.
	for strings.Contains(out, "--") {
		out = strings.ReplaceAll(out, "--", "-")
	}
	return out
}

// Note returns the answer as Markdown: the verdict, the budgets with a picture,
// the reasons and what may be done. Text that others wrote mentions nobody,
// links nothing and runs no quick action.
func Note(a Answer) string {
	d, r := a.Decision, &a.Request
	var b strings.Builder
	icon, says := headline(d.Verdict)
	what := Escape(d.Subject)
	if v := r.Change.Version; v != "" {
		what += " " + code(shortVersion(v))
	}
	if r.Environment != "" {
		what += " to " + Escape(r.Environment)
	}
	fmt.Fprintf(&b, "### %s %s %s\n", icon, what, says)
	if r.Policy.Mode == gate.ModeAdvise {
		b.WriteString("\nThe gate only advises: nothing is held.\n")
	}
	budgets(&b, r)
	bullets(&b, "Because", texts(d.Reasons))
	bullets(&b, "What may be done now", a.Advice)
	b.WriteString("\n<sub>" + footer(&a) + "</sub>\n")
	return b.String()
}

func headline(v decision.Verdict) (icon, says string) {
	switch v {
	case decision.Pass:
		return ":white_check_mark:", "may go"
	case decision.Warn:
		return ":warning:", "may go, with care"
	case decision.Fail:
		return ":no_entry:", "is held"
	case decision.Inconclusive:
	}
	return ":grey_question:", "cannot be decided"
}

func texts(reasons []decision.Reason) []string {
	out := make([]string, len(reasons))
	for i, r := range reasons {
		out[i] = r.Text
	}
	return out
}

func bullets(b *strings.Builder, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	b.WriteString("\n**" + title + "**\n\n")
	for _, line := range lines {
		b.WriteString("- " + prose(line) + "\n")
	}
}

// budgets is a row an objective, with a bar of what is left.
func budgets(b *strings.Builder, r *gate.Request) {
	if len(r.States) == 0 {
		return
	}
	b.WriteString("\n| Objective | Budget left | | Spent | Allowed | In | State |\n|---|---|---:|---:|---:|---|---|\n")
	for i := range r.States {
		s := &r.States[i]
		name := s.Service + "/" + s.SLO
		if s.Dependency {
			name += " (dependency)"
		}
		left := "unknown"
		if s.Remaining != nil {
			left = gate.Percent(*s.Remaining)
		}
		state := []string{s.Level.String()}
		for _, f := range s.Flags {
			state = append(state, string(f))
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", Escape(name), code(Bar(s.Remaining)), left,
			gate.Number(s.Spent), gate.Number(s.Allowed), Escape(s.Window), Escape(strings.Join(state, ", ")))
	}
}

// Bar draws what is left of a budget: full for all of it, empty for nothing, and
// a row of crosses for how far it is overspent.
func Bar(left *float64) string {
	const cells = 12
	switch {
	case left == nil:
		return strings.Repeat("?", cells)
	case *left <= 0:
		n := min(cells, max(1, int(math.Ceil(-*left*cells))))
		return strings.Repeat("×", n) + strings.Repeat("·", cells-n)
	}
	n := min(cells, max(1, int(math.Floor(*left*cells))))
	return strings.Repeat("█", n) + strings.Repeat("░", cells-n)
}

func footer(a *Answer) string {
	d := a.Decision
	parts := []string{"policy " + Escape(d.Policy)}
	if from := a.Request.Documents; from != "" {
		parts[0] += " of " + Escape(shortFrom(from))
	}
	parts = append(parts, "at "+d.At.UTC().Format("2006-01-02 15:04 MST"))
	if by := a.Request.Change.By; by.Proven() {
		parts = append(parts, "asked by "+Escape(by.Login))
	}
	if d.ID != "" {
		parts = append(parts, code("nines why "+d.ID)+" says more")
	}
	if a.JobURL != "" {
		parts = append(parts, "[job]("+address(a.JobURL)+")")
	}
	return strings.Join(parts, " · ")
}

// address is an address as it stands in a link.
func address(url string) string {
	return strings.NewReplacer("(", "%28", ")", "%29", " ", "%20", "\n", "", "<", "%3C").Replace(url)
}

func shortFrom(from string) string {
	branch, commit, ok := strings.Cut(from, " at ")
	if !ok {
		return from
	}
	return branch + " at " + shortVersion(commit)
}

func shortVersion(v string) string {
	if len(v) == 40 && strings.Trim(v, "0123456789abcdef") == "" {
		return v[:8]
	}
	return v
}

// prose escapes a sentence; what stands between backticks in it is code, where
// GitLab looks for nothing.
func prose(s string) string {
	parts := strings.Split(oneLine(s), "`")
	if len(parts)%2 == 0 {
		return Escape(s)
	}
	var b strings.Builder
	for i, part := range parts {
		switch {
		case i%2 == 0:
			b.WriteString(escape(part))
		case strings.TrimSpace(part) != "":
			b.WriteString(code(part))
		}
	}
	return strings.TrimSpace(b.String())
}

// code is text that nothing in it is looked for.
func code(s string) string {
	s = oneLine(s)
	if strings.Contains(s, "`") {
		return Escape(s)
	}
	return "`" + strings.ReplaceAll(s, "|", "¦") + "`"
}

// Escape writes foreign text so that it stays text: one line, no markup, no
// mention (@), no reference (#1, !1, ~label, %1, $1, &1).
func Escape(s string) string { return escape(oneLine(s)) }

func escape(s string) string {
	const apart = "\u200b" // takes no room, and what follows is no name any more
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		if strings.ContainsRune("\\`*_{}[]<>|~", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		if strings.ContainsRune("@#!~%$&^", r) && i+1 < len(runes) && (unicode.IsLetter(runes[i+1]) || unicode.IsDigit(runes[i+1]) || strings.ContainsRune("_\"-{[/", runes[i+1])) {
			b.WriteString(apart)
		}
	}
	// A line that begins with a slash would be an order.
	out := b.String()
	if strings.HasPrefix(out, "/") {
		out = apart + out
	}
	return out
}

func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s))
}
