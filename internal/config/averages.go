package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// countHint says what is written instead of a statistic that forgets how many
// samples it is of.
const countHint = `for "within 300" take good: TC(:300) and total: SampleCount of the same metric`

// checkCountable refuses statistics that cannot be added up over time where
// events are counted: that of a query, or those its expression adds up.
func checkCountable(spec slo.Spec) []metric.SpecProblem {
	var out []metric.SpecProblem
	for _, s := range statistics(spec) {
		if why := uncountable(s.stat); why != "" {
			out = append(out, metric.SpecProblem{Path: s.path, Message: "a ratio counts events, but " + why, Hint: countHint})
		}
	}
	return out
}

// checkRaw refuses statistics of which a ready-made ratio would be the average
// over minutes. A mean of what was published as a ratio stands for its minute,
// as the success of a canary's runs does; a rank does not.
func checkRaw(spec slo.Spec) []metric.SpecProblem {
	var out []metric.SpecProblem
	for _, s := range statistics(spec) {
		if why := uncountable(s.stat); why != "" && s.stat != "Average" {
			out = append(out, metric.SpecProblem{Path: s.path, Message: "a ready-made ratio is averaged over minutes, but " + why, Hint: countHint})
		}
	}
	return out
}

// checkRegions refuses to add up over regions what cannot be added up. The
// regions are the query's, else those of its data source.
func checkRegions(spec, details slo.Spec) []metric.SpecProblem {
	regions, said := spec["regions"].([]any)
	if !said {
		regions, _ = details["regions"].([]any)
	}
	if len(regions) < 2 {
		return nil
	}
	var out []metric.SpecProblem
	for _, s := range statistics(spec) {
		if why := uncountable(s.stat); why != "" {
			out = append(out, metric.SpecProblem{
				Path: s.path, Message: "several regions are added up, but " + why,
				Hint: "count in each of them (Sum, SampleCount, TC(:300)), or write an objective for each region",
			})
		}
	}
	return out
}

// placed is a statistic and where it stands in a spec.
type placed struct{ path, stat string }

// statistics are those of a spec: its own, or those of the queries of its
// expression. Where an expression decides by IF its parts are conditions, and
// where it multiplies, a share is weighed by its count (rate * requests): what
// comes out is for it to say.
func statistics(spec slo.Spec) []placed {
	var out []placed
	if stat, ok := spec["stat"].(string); ok {
		out = append(out, placed{"stat", stat})
	}
	if text, _ := spec["expression"].(string); weighs.MatchString(text) {
		return out
	}
	add := func(path string, v any) {
		if q, ok := v.(slo.Spec); ok {
			if stat, ok := q["stat"].(string); ok {
				out = append(out, placed{path + ".stat", stat})
			}
		}
	}
	switch q := spec["queries"].(type) {
	case slo.Spec:
		for _, id := range sortedKeys(q) {
			add("queries."+id, q[id])
		}
	case []any:
		for i, item := range q {
			add(fmt.Sprintf("queries[%d]", i), item)
		}
	}
	return out
}

var (
	weighs   = regexp.MustCompile(`\bIF\s*\(|\*`)
	meanForm = regexp.MustCompile(`\b(AVG|SUM|RUNNING_SUM)\s*\(`)
)

// averages refuses metric math that averages or adds up what forgets how many
// samples it is of: AVG(rank), AVG(METRICS()), SUM([p99s]).
func (c *cwCheck) averages(path, text string, parts map[string]part) {
	for _, m := range meanForm.FindAllStringSubmatchIndex(text, -1) {
		function, inside := text[m[2]:m[3]], argument(text[m[1]:])
		if weighs.MatchString(inside) {
			continue
		}
		for _, id := range named(inside, parts) {
			stat, _ := parts[id].spec["stat"].(string)
			if why := uncountable(stat); why != "" {
				c.say(path, fmt.Sprintf("%s over %s (%s): %s", function, id, stat, why), countHint)
			}
		}
	}
}

// argument is what stands between a bracket that was opened and its partner.
func argument(text string) string {
	for i, depth := 0, 1; i < len(text); i++ {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return text[:i]
			}
		}
	}
	return text
}

// named are the queries an expression names; METRICS() names all of them, or
// those whose names hold its text.
func named(text string, parts map[string]part) []string {
	var out []string
	for _, m := range metricsForm.FindAllStringSubmatch(text, -1) {
		for _, id := range sortedKeys(parts) {
			if strings.Contains(id, m[1]) {
				out = append(out, id)
			}
		}
	}
	for _, id := range wordForm.FindAllString(textForm.ReplaceAllString(text, " "), -1) {
		if _, ok := parts[id]; ok {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var metricsForm = regexp.MustCompile(`\bMETRICS\s*\(\s*["']?([A-Za-z0-9_]*)["']?\s*\)`)
