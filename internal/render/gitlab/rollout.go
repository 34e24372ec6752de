package gitlab

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/render"
)

// Rollout returns what came of a canary, a promotion, a rollback or a watch as
// Markdown: the verdict, what was compared with a line of each version, a chart
// of the metric that decided, and the steps. Text that others wrote mentions
// nobody, links nothing and runs no quick action.
//
// The charts are text, because that is what every note may hold: sparklines in
// the table, which mail shows too, and one drawing in Mermaid, which GitLab draws
// itself. picture is Markdown of an uploaded one that takes the drawing's place;
// "" for none.
func Rollout(r *render.Rollout, picture string) string {
	var b strings.Builder
	icon, says := rolloutHeadline(r)
	what := Escape(r.Service)
	if r.Version != "" {
		what += " " + code(shortVersion(r.Version))
	}
	if r.Environment != "" {
		what += " in " + Escape(r.Environment)
	}
	fmt.Fprintf(&b, "### %s %s: %s %s\n", icon, r.Verb, what, says)
	compared(&b, r)
	switch m := shown(r); {
	case picture != "":
		b.WriteString("\n" + picture + "\n")
	case m != nil:
		b.WriteString(drawing(r, m))
	}
	steps(&b, r.Steps)
	bullets(&b, "Because", texts(r.Decision.Reasons))
	bullets(&b, "What may be done now", r.Advice)
	b.WriteString("\n<sub>" + rolloutFooter(r) + "</sub>\n")
	return b.String()
}

// rolloutHeadline says in words what came of it: the outcome where there is one,
// else the verdict.
func rolloutHeadline(r *render.Rollout) (icon, says string) {
	switch r.Decision.Verdict {
	case decision.Pass:
		icon, says = ":white_check_mark:", "does as well as before"
	case decision.Warn:
		icon, says = ":warning:", "does as well as before, with a warning"
	case decision.Fail:
		icon, says = ":no_entry:", "is worse"
	case decision.Inconclusive:
		icon, says = ":grey_question:", "is not known well enough"
	}
	known := map[string]string{
		"promoted": "is promoted", "held": "is held at its share", "restored": "was tried; the version before has everything back",
		"failed": "failed; the version before has everything back", "foreign": "was left alone: somebody else changed the target",
		"abandoned": "was given up", "rolledback": "was rolled back",
	}
	if text, ok := known[r.Outcome]; ok {
		return icon, text
	}
	if r.Outcome != "" {
		return icon, says + ", " + Escape(r.Outcome)
	}
	return icon, says
}

// compared is a row a metric: both versions, each with its line over time, the
// effect with its interval, and what the evidence is worth.
func compared(b *strings.Builder, r *render.Rollout) {
	if len(r.Result.Findings) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| Metric | %s | | %s | | Worse by | Evidence | Verdict |\n|---|---:|---|---:|---|---|---|---|\n",
		version("before", r.Baseline), version("new", r.Version))
	const cells = 20
	for i := range r.Result.Findings {
		f := &r.Result.Findings[i]
		name := f.Metric
		if f.Critical {
			name += " (critical)"
		}
		verdict := f.Verdict.String()
		if f.Muted {
			verdict += " (muted)"
		}
		unit, old, now := "", "", ""
		if m := metricOf(r, f.Metric); m != nil {
			s := render.SeriesOf(m, cells)
			unit, old, now = m.Unit, render.Spark(s.Baseline, s.Most()), render.Spark(s.Canary, s.Most())
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", Escape(name),
			Escape(render.Rate(f, f.Baseline, unit)+of(f.Baseline)), spark(old),
			Escape(render.Rate(f, f.Canary, unit)+of(f.Canary)), spark(now),
			Escape(render.Effect(f)), Escape(render.Evidence(f)), Escape(verdict))
	}
}

// of says how many requests a rate is of; a value is of none.
func of(t judge.Tally) string {
	if t.Total == 0 {
		return ""
	}
	return " of " + gate.Number(float64(t.Total))
}

func spark(line string) string {
	if line == "" {
		return ""
	}
	return code(line)
}

func version(word, name string) string {
	if name == "" {
		return word
	}
	return word + ", " + code(shortVersion(name))
}

func metricOf(r *render.Rollout, name string) *judge.Metric {
	for i := range r.Metrics {
		if r.Metrics[i].Name == name {
			return &r.Metrics[i]
		}
	}
	return nil
}

// shown is the metric whose picture is drawn: the first of those with the worst
// verdict that count; nil where none has two minutes.
func shown(r *render.Rollout) *judge.Metric {
	var out *judge.Metric
	worst := decision.Pass
	for i := range r.Result.Findings {
		f := &r.Result.Findings[i]
		m := metricOf(r, f.Metric)
		if m == nil || len(m.Samples) < 2 || f.Muted && out != nil {
			continue
		}
		if out == nil || f.Verdict.WorseThan(worst) {
			out, worst = m, f.Verdict
		}
	}
	return out
}

// drawing is a chart in Mermaid, folded. GitLab draws up to 2,000 characters of
// it on a page without being asked, so it has few points.
func drawing(r *render.Rollout, m *judge.Metric) string {
	const points = 30
	s := render.SeriesOf(m, points)
	scale, unit := 1.0, m.Unit
	if m.Samples[0].Canary.Value == nil {
		scale, unit = 100, "% bad"
	}
	var old, now []string
	most := 0.0
	// A drawing has no gaps: a stretch that one version has not is left out.
	for i := range s.Canary {
		if math.IsNaN(s.Baseline[i]) || math.IsNaN(s.Canary[i]) {
			continue
		}
		old, now = append(old, short(s.Baseline[i]*scale)), append(now, short(s.Canary[i]*scale))
		most = max(most, s.Baseline[i]*scale, s.Canary[i]*scale)
	}
	if len(now) < 2 {
		return ""
	}
	if most == 0 {
		most = 1
	}
	const room = 1.1
	return "\n<details><summary>" + Escape(m.Name) + " over " + strconv.Itoa(s.Length) + " minutes</summary>\n\n```mermaid\n" +
		`%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "#57606a, #b3261e"}}}}%%` + "\n" +
		"xychart-beta\n" +
		`    title "` + plain(m.Name) + ": " + plain(named(r.Baseline, "before")) + " in grey, " + plain(named(r.Version, "new")) + ` in red"` + "\n" +
		`    x-axis "minutes" 0 --> ` + strconv.Itoa(s.Length) + "\n" +
		`    y-axis "` + plain(unit) + `" 0 --> ` + short(most*room) + "\n" +
		"    line [" + strings.Join(old, ", ") + "]\n" +
		"    line [" + strings.Join(now, ", ") + "]\n" +
		"```\n\n</details>\n"
}

func named(version, word string) string {
	if version == "" {
		return word
	}
	return shortVersion(version)
}

// short is a number of few characters.
func short(v float64) string {
	const places = 3
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', places, 64), "0"), ".")
}

// plain is text as a drawing may hold it: letters, digits and a little more, so
// that nothing in it is syntax.
func plain(s string) string {
	const most = 40
	out := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(" .-_%/", r) {
			return r
		}
		return '_'
	}, oneLine(s))
	return strings.ReplaceAll(out[:min(len(out), most)], "%%", "%_")
}

// steps are how far the rollout got.
func steps(b *strings.Builder, all []render.Step) {
	if len(all) == 0 {
		return
	}
	b.WriteString("\n| Step | | Judged | Requests | Result |\n|---:|---|---:|---:|---|\n")
	for _, s := range all {
		share := s.Weight
		result := s.Result
		if result == "" {
			result = "not reached"
		}
		fmt.Fprintf(b, "| %s %% | %s | %d of %d min | %d | %s |\n", short(100*share), code(Bar(&share)), s.Minutes, s.Bake, s.Requests, Escape(result))
	}
}

func rolloutFooter(r *render.Rollout) string {
	var parts []string
	if r.Target != "" {
		parts = append(parts, code(r.Target))
	}
	parts = append(parts, "at "+r.Decision.At.UTC().Format("2006-01-02 15:04 MST"))
	if r.Result.Score != nil {
		parts = append(parts, "score "+short(*r.Result.Score))
	}
	if r.Decision.ID != "" {
		parts = append(parts, code("nines why "+r.Decision.ID)+" says more")
	}
	for _, l := range [][2]string{{"job", r.JobURL}, {"incident", r.Incident}} {
		if l[1] != "" {
			parts = append(parts, "["+l[0]+"]("+address(l[1])+")")
		}
	}
	return strings.Join(parts, " · ")
}
