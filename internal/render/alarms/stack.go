package alarms

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// grouped puts objectives together that can be deployed as one: of one account
// and region, and not more than a template holds.
func grouped(all []*planned) [][]*planned {
	var places []place
	for _, p := range all {
		if !slices.Contains(places, p.at) {
			places = append(places, p.at)
		}
	}
	slices.SortFunc(places, func(a, b place) int {
		return strings.Compare(a.Account+"\x00"+a.Region, b.Account+"\x00"+b.Region)
	})
	var out [][]*planned
	for _, at := range places {
		var group []*planned
		size := 0
		for _, p := range all {
			if p.at != at {
				continue
			}
			if own := len(p.alarms) + len(p.composites); size+own > maxResources {
				out, group, size = append(out, group), nil, 0
			}
			group = append(group, p)
			size += len(p.alarms) + len(p.composites)
		}
		out = append(out, group)
	}
	return out
}

// stackOf puts what was planned for a group into one stack.
func stackOf(group []*planned) Stack {
	out := Stack{Account: group[0].at.Account, Region: group[0].at.Region}
	board := Dashboard{}
	for _, p := range group {
		out.Alarms = append(out.Alarms, p.alarms...)
		out.Composites = append(out.Composites, p.composites...)
		out.Notes = append(out.Notes, p.notes...)
		if len(board.rows) > 0 && board.size+len(p.widgets) > maxWidgets {
			out.Dashboards = append(out.Dashboards, board)
			board = Dashboard{}
		}
		board.rows = append(board.rows, p.widgets)
		board.size += len(p.widgets)
	}
	out.Dashboards = append(out.Dashboards, board)
	return out
}

// name gives stacks and their dashboards names; a dashboard's is known in every
// region of an account.
func name(stacks []Stack) {
	seen := map[string]int{}
	for i := range stacks {
		s := &stacks[i]
		parts := slices.DeleteFunc([]string{"nines", s.Account, s.Region}, func(part string) bool { return part == "" })
		base := strings.Join(parts, "-")
		seen[base]++
		s.Name = base
		if n := seen[base]; n > 1 {
			s.Name += "-" + strconv.Itoa(n)
		}
		for k := range s.Dashboards {
			s.Dashboards[k].Name = s.Name
			if k > 0 {
				s.Dashboards[k].Name += "-part-" + strconv.Itoa(k+1)
			}
		}
	}
}

// inhibit keeps objectives quiet while what they depend on pages, as far as both
// are in one stack: a rule can only name alarms that exist.
func inhibit(group []*planned) (notes []Note) {
	for _, p := range group {
		for _, on := range p.of.DependsOn {
			pages := pagesOf(group, p, on)
			if len(pages) == 0 && len(p.composites) > 0 {
				n := Note{p.key, "", "the alarms of " + on + ", which it depends on, are not in the same stack", "it tells for itself"}
				p.notes, notes = append(p.notes, n), append(notes, n)
				continue
			}
			for i := range p.composites {
				c := &p.composites[i]
				more := slices.Concat(c.NoneOf, pages)
				if size, parts := ruleSize(c, more); size > maxRule || parts > maxInRule {
					n := Note{p.key, "", fmt.Sprintf("a rule with every page of %s has %d alarms in %d letters; %d in %d fit", on, parts, size, maxInRule, maxRule), "it tells for itself"}
					p.notes, notes = append(p.notes, n), append(notes, n)
					break
				}
				c.NoneOf = more
			}
		}
	}
	return notes
}

// pagesOf are the page composites of a service, or of service/slo.
func pagesOf(group []*planned, self *planned, on string) (out []string) {
	for _, p := range group {
		if p == self || p.of.Service != on && p.of.Service+"/"+p.of.SLO != on {
			continue
		}
		for _, c := range p.composites {
			if c.Severity == slo.Page {
				out = append(out, c.Name)
			}
		}
	}
	return out
}

// ruleSize is how long a composite's rule is, and how many alarms it names.
func ruleSize(c *Composite, none []string) (letters, parts int) {
	for _, names := range c.AnyOf {
		for _, n := range names {
			letters += len(n) + len(`ALARM("") AND `)
			parts++
		}
		letters += len(`() OR `)
	}
	for _, n := range none {
		letters += len(n) + len(` AND NOT ALARM("")`)
		parts++
	}
	return letters, parts
}

// Rule writes the rule of a composite; ref writes the name of an alarm.
func (c *Composite) Rule(ref func(alarm string) string) string {
	all := func(names []string) string {
		var out []string
		for _, n := range names {
			out = append(out, `ALARM("`+ref(n)+`")`)
		}
		return strings.Join(out, " AND ")
	}
	var tiers []string
	for _, names := range c.AnyOf {
		part := all(names)
		if len(names) > 1 {
			part = "(" + part + ")"
		}
		tiers = append(tiers, part)
	}
	out := strings.Join(tiers, " OR ")
	if len(c.NoneOf) == 0 {
		return out
	}
	if len(tiers) > 1 {
		out = "(" + out + ")"
	}
	for _, n := range c.NoneOf {
		out += ` AND NOT ALARM("` + ref(n) + `")`
	}
	return out
}
