package doctor

import (
	"fmt"
	"strings"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/render/term"
	rundoctor "gitlab.com/nines-sre/nines/internal/run/doctor"
)

// manyFine is how many good metrics of a source are listed one by one.
const manyFine = 12

// text prints a line a check, what to do below it, and the policies.
func text(r rundoctor.Report, st term.Style) string {
	var b strings.Builder
	source := ""
	fine := countFine(r)
	for _, c := range r.Checks {
		if c.Source != source {
			source = c.Source
			b.WriteString("\n" + st.Paint(term.Strong, term.Clean(source)) + "\n")
			if n := fine[source]; n > manyFine {
				line(&b, st, metric.Finding{Check: "metric", Outcome: metric.OK, Text: term.Count(float64(n)) + " metrics are there and as the documents assume"})
			}
		}
		if isFine(c) && fine[source] > manyFine {
			continue
		}
		line(&b, st, c.Finding)
	}
	for _, p := range r.Policies {
		title := "The least policy for these documents, for who runs nines:"
		if p.Role != "" {
			title = "The least policy for " + p.Role + ":"
		}
		b.WriteString("\n" + title + "\n")
		// It is made of texts: encoding it cannot fail.
		_ = encode(&b, p.Document)
	}
	fmt.Fprintf(&b, "\n%s, %s", term.Plural(r.Failed, "failure"), term.Plural(r.Warned, "warning"))
	if r.Asked.Requests > 0 {
		fmt.Fprintf(&b, "; asked with %s for %s", term.Plural(int(r.Asked.Requests), "request"), term.Plural(int(r.Asked.Metrics), "metric"))
	}
	b.WriteString("\n")
	return b.String()
}

func isFine(c rundoctor.Line) bool {
	return c.Outcome == metric.OK && (c.Check == "metric" || c.Check == "file")
}

func countFine(r rundoctor.Report) map[string]int {
	out := map[string]int{}
	for _, c := range r.Checks {
		if isFine(c) {
			out[c.Source]++
		}
	}
	return out
}

func line(b *strings.Builder, st term.Style, f metric.Finding) {
	tones := map[metric.Outcome]term.Tone{metric.OK: term.Good, metric.Warn: term.Notice, metric.Fail: term.Bad, metric.Unknown: term.Faint}
	const indent = 9
	body := f.Check
	if f.Subject != "" {
		body += " " + f.Subject
	}
	body += ": " + f.Text
	b.WriteString(st.Paint(tones[f.Outcome], term.Pad(string(f.Outcome), indent-2)) + "  " + wrapped(st, body, indent) + "\n")
	if f.Do != "" {
		b.WriteString(strings.Repeat(" ", indent) + wrapped(st, st.Pick("→", "->")+" "+f.Do, indent) + "\n")
	}
}

// wrapped breaks a text to the terminal's width, its further lines indented.
func wrapped(st term.Style, text string, indent int) string {
	var out []string
	for part := range strings.Lines(text) {
		part = term.Clean(strings.TrimRight(part, "\n"))
		if st.Width > indent+20 {
			out = append(out, term.Wrap(part, st.Width-indent)...)
		} else {
			out = append(out, part)
		}
	}
	return strings.Join(out, "\n"+strings.Repeat(" ", indent))
}
