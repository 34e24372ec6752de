package alert_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// world is a history that the model looks at as a whole: truth by rule and
// minute, written as letters.
type world struct {
	rules    []alert.Rule
	lines    []string
	silences []alert.Silence
	hold     int
}

// letter is the truth of a rule at a minute.
func (w *world) letter(i, m int) byte { return w.lines[i][m] }

// fires says from the whole history whether a rule fires at a minute: the last
// known letter is T, and since the last F there were more than After of them.
func (w *world) fires(i, m int) bool {
	n := 0
	for k := m; k >= 0; k-- {
		switch w.letter(i, k) {
		case 'F':
			return n > int(w.rules[i].After)
		case 'T':
			n++
		}
	}
	return n > int(w.rules[i].After)
}

// tale is one incident as the model finds it.
type tale struct {
	opened, told, last, closed int // -1: not
	fired                      map[int]bool
	targets                    []string
}

// model goes over the minutes with nothing but the questions above.
type model struct {
	*world
	tales  map[string][]*tale // by objective and severity
	events []string
}

func (m *model) key(i int) string { return m.rules[i].Of() + " " + m.rules[i].Severity.String() }

func (m *model) newest(key string) *tale {
	if all := m.tales[key]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// quiet is for how many minutes up to now everything that fired in a tale was
// known not to fire: the known minutes behind the last in which any did.
func (m *model) quiet(t *tale, now int) int {
	n := 0
	for k := now; k >= 0; k-- {
		known := true
		for i := range t.fired {
			if m.fires(i, k) {
				return n
			}
			known = known && m.letter(i, k) != '?'
		}
		if known {
			n++
		}
	}
	return n
}

func (m *model) silent(i, now int) bool {
	return slices.ContainsFunc(m.silences, func(s alert.Silence) bool {
		under := s.Match == "*" || m.rules[i].ID == s.Match || strings.HasPrefix(m.rules[i].ID, s.Match+"/")
		return under && int(s.From-t0) < now && now <= int(s.To-t0)
	})
}

// needs is everything a rule's service depends on, near and far.
func (m *model) needs(service string, seen map[string]bool) map[string]bool {
	for i := range m.rules {
		if m.rules[i].Service != service {
			continue
		}
		for _, d := range m.rules[i].DependsOn {
			if !seen[d] {
				seen[d] = true
				m.needs(d, seen)
			}
		}
	}
	return seen
}

func (m *model) hushed(i, now int) bool {
	if m.silent(i, now) {
		return true
	}
	r := &m.rules[i]
	recent := func(key string) bool {
		t := m.newest(key)
		return t != nil && t.told >= 0 && (t.closed < 0 || now-t.last < int(r.Short))
	}
	if r.Severity == slo.Ticket && recent(r.Of()+" page") {
		return true
	}
	for need := range m.needs(r.Service, map[string]bool{}) {
		if need == r.Service || m.needs(need, map[string]bool{})[r.Service] {
			continue
		}
		if recent(need+"/s/o page") || r.Severity == slo.Ticket && recent(need+"/s/o ticket") {
			return true
		}
	}
	return false
}

// minute brings the tales up to a minute. order is that in which keys are
// decided: what others wait for comes first.
func (m *model) minute(now int, order []string) {
	for _, key := range order {
		t := m.newest(key)
		if t == nil || t.closed >= 0 {
			t = &tale{-1, -1, -1, -1, map[int]bool{}, nil}
		}
		var speak []int
		firing := false
		for i := range m.rules {
			if m.key(i) != key || !m.fires(i, now) {
				continue
			}
			firing, t.fired[i] = true, true
			if m.letter(i, now) == 'T' {
				t.last = now
			}
			if t.opened < 0 {
				t.opened, t.last = now, now
				m.tales[key] = append(m.tales[key], t)
			}
			if m.letter(i, now) == 'T' && !m.hushed(i, now) {
				speak = append(speak, i)
			}
		}
		if !firing {
			if t.opened >= 0 && m.known(t, now) && m.quiet(t, now) > m.hold {
				t.closed = now
				if t.told >= 0 {
					m.events = append(m.events, fmt.Sprintf("%d resolved %s", now, key))
				}
			}
			continue
		}
		m.tell(key, t, speak, now)
	}
}

func (m *model) known(t *tale, now int) bool {
	for i := range t.fired {
		if m.letter(i, now) == '?' {
			return false
		}
	}
	return true
}

func (m *model) tell(key string, t *tale, speak []int, now int) {
	var fresh []string
	for _, i := range speak {
		for _, target := range m.rules[i].Targets {
			if !slices.Contains(t.targets, target) {
				t.targets, fresh = append(t.targets, target), append(fresh, target)
			}
		}
	}
	if len(fresh) == 0 {
		return
	}
	kind := "opened"
	if ticket := m.newest(strings.TrimSuffix(key, "page") + "ticket"); t.told >= 0 || strings.HasSuffix(key, "page") && ticket != nil && ticket.closed < 0 && ticket.told >= 0 {
		kind = "escalated"
	}
	if t.told < 0 {
		t.told = now
	}
	m.events = append(m.events, fmt.Sprintf("%d %s %s %s", now, kind, key, strings.Join(fresh, ",")))
}

// drawWorld draws services a, b and c with some tiers each, who depends on
// whom, histories in stretches, and silences.
func drawWorld(t *rapid.T) *world {
	w := &world{hold: rapid.IntRange(1, 6).Draw(t, "hold")}
	names := []string{"a", "b", "c"}
	minutes := rapid.IntRange(1, 60).Draw(t, "minutes")
	for _, name := range names {
		var depends []string
		for _, other := range names {
			if rapid.IntRange(0, 3).Draw(t, "depends") == 0 {
				depends = append(depends, other)
			}
		}
		for _, tier := range []string{"page-fast", "page-slow", "ticket"} {
			if rapid.IntRange(0, 3).Draw(t, "absent") == 0 {
				continue
			}
			w.rules = append(w.rules, rule(name+"/s/o/"+tier, func(r *alert.Rule) {
				r.NoData, r.DependsOn = false, depends
				r.After = slo.Minute(rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "after"))
				r.Short = slo.Minute(rapid.IntRange(1, 12).Draw(t, "short"))
				if tier == "page-slow" && rapid.Bool().Draw(t, "lead") {
					r.Targets = []string{"pager", "lead"}
				}
			}))
			var line strings.Builder
			for line.Len() < minutes {
				letter := rapid.SampledFrom([]string{"T", "F", "F", "?"}).Draw(t, "letter")
				line.WriteString(strings.Repeat(letter, rapid.IntRange(1, 10).Draw(t, "stretch")))
			}
			w.lines = append(w.lines, line.String()[:minutes])
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, "silences") {
		from := slo.Minute(rapid.IntRange(-5, 60).Draw(t, "from"))
		w.silences = append(w.silences, alert.Silence{
			ID: "s", Match: rapid.SampledFrom([]string{"a", "b/s", "c/s/o", "a/s/o/page-fast", "b/s/o/ticket", "*"}).Draw(t, "match"),
			From: t0 + from, To: t0 + from + slo.Minute(rapid.IntRange(0, 20).Draw(t, "length")),
		})
	}
	return w
}

// TestLikeTheModel holds the decider, which knows one minute and its state,
// against a model that looks at the whole history each time.
func TestLikeTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		if len(w.rules) == 0 {
			return
		}
		m := &model{world: w, tales: map[string][]*tale{}}
		order := m.order()
		set := alert.NewSet(w.rules)
		var s alert.State
		var got []string
		for now := range len(w.lines[0]) {
			in := alert.Input{Set: set, Silences: w.silences, Hold: slo.Minute(w.hold), At: t0 + slo.Minute(now)}
			for i := range w.rules {
				in.Samples = append(in.Samples, sampleOf(w.letter(i, now)))
			}
			for _, e := range alert.Advance(&s, in) {
				key := e.Objective + " " + e.Severity.String()
				switch e.Kind {
				case alert.Opened, alert.Escalated:
					got = append(got, fmt.Sprintf("%d %s %s %s", now, e.Kind, key, strings.Join(e.Targets, ",")))
				case alert.Resolved:
					got = append(got, fmt.Sprintf("%d %s %s", now, e.Kind, key))
				case alert.HeldBack, alert.NoData, alert.DataBack:
				}
			}
			m.minute(now, order)
		}
		slices.Sort(got)
		slices.Sort(m.events)
		if !slices.Equal(got, m.events) {
			t.Fatalf("rules %+v\nlines\n%s\ngot  %q\nwant %q", w.rules, strings.Join(w.lines, "\n"), got, m.events)
		}
	})
}

// order lists keys so that whatever hushes another comes before it: pages
// first, and of those who depends on fewest.
func (m *model) order() []string {
	weight := map[string]int{}
	for i := range m.rules {
		service := m.rules[i].Service
		n := 0
		for need := range m.needs(service, map[string]bool{}) {
			if need != service && !m.needs(need, map[string]bool{})[service] {
				n++
			}
		}
		weight[m.key(i)] = n + 100*int(m.rules[i].Severity)
	}
	var keys []string
	for k := range weight {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if weight[a] != weight[b] {
			return weight[a] - weight[b]
		}
		return strings.Compare(a, b)
	})
	return keys
}

// TestUnknownChangesNothing holds that minutes in which nothing is known tell
// nothing of conditions, wherever they are put in.
func TestUnknownChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		if len(w.rules) == 0 {
			return
		}
		w.silences = nil
		at := rapid.IntRange(0, len(w.lines[0])).Draw(t, "at")
		n := rapid.IntRange(1, 30).Draw(t, "blind")
		set := alert.NewSet(w.rules)
		var s alert.State
		for now := range at {
			in := alert.Input{Set: set, At: t0 + slo.Minute(now)}
			for i := range w.rules {
				in.Samples = append(in.Samples, sampleOf(w.letter(i, now)))
			}
			alert.Advance(&s, in)
		}
		for k := range n {
			before := s.Clone()
			in := alert.Input{Set: set, At: t0 + slo.Minute(at+k)}
			for range w.rules {
				in.Samples = append(in.Samples, sampleOf('?'))
			}
			if events := alert.Advance(&s, in); slices.ContainsFunc(events, func(e alert.Event) bool { return e.Kind != alert.NoData }) {
				t.Fatalf("blind minute %d: %+v", k, events)
			}
			for id, a := range s.Alerts {
				if was := before.Alerts[id]; was.Phase != a.Phase || was.Held != a.Held || was.Fired != a.Fired {
					t.Fatalf("blind minute %d moved %s: %+v to %+v", k, id, was, a)
				}
			}
			for key, inc := range s.Incidents {
				if was, ok := before.Incidents[key]; !ok || was.Closed != inc.Closed || was.Quiet != inc.Quiet {
					t.Fatalf("blind minute %d moved %s", k, key)
				}
			}
		}
	})
}
