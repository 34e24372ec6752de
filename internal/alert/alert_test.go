package alert_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// t0 is where tests begin.
const t0 = slo.Minute(29_000_000)

// rule is a rule with everything on; spec is "service/slo/objective/name", a
// name that begins with ticket is one.
func rule(spec string, change ...func(*alert.Rule)) alert.Rule {
	p := strings.Split(spec, "/")
	r := alert.Rule{
		ID: spec, Service: p[0], SLO: p[1], Objective: p[2], Breaching: true, Resolved: true, NoData: true,
		Condition: slo.Condition{Name: p[3], Long: 60, Short: 5, Threshold: slo.MustDecimal("14.4")},
		Targets:   []string{"pager"},
	}
	if strings.HasPrefix(p[3], "ticket") {
		r.Severity, r.Long, r.Short, r.Targets = slo.Ticket, slo.Day, 120, []string{"queue"}
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

// sampleOf reads one letter a minute: T true, F false, ? unknown, and a blank for
// a minute that was not evaluated.
func sampleOf(letter byte) alert.Sample {
	switch letter {
	case 'T':
		return alert.Sample{Evaluated: true, Truth: slo.True, Long: new(20.), Short: new(20.)}
	case 'F':
		return alert.Sample{Evaluated: true, Truth: slo.False}
	case '?':
		return alert.Sample{Evaluated: true}
	}
	return alert.Sample{}
}

// through runs lines of letters, one line a rule, and returns what happened as
// "minute kind severity targets".
func through(t *testing.T, rules []alert.Rule, lines []string, in alert.Input) (alert.State, []string) {
	t.Helper()
	in.Set = alert.NewSet(rules)
	var s alert.State
	var out []string
	for m := range len(lines[0]) {
		in.At = t0 + slo.Minute(m)
		in.Samples = nil
		for _, l := range lines {
			in.Samples = append(in.Samples, sampleOf(l[m]))
		}
		var events []alert.Event
		before, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		old := s
		s, events = alert.Step(s, in)
		if after, _ := json.Marshal(old); string(after) != string(before) {
			t.Fatalf("minute %d: Step changed the state it was given:\n%s\n%s", m, before, after)
		}
		again, more := alert.Step(s, in)
		if len(more) != 0 || !s.Equal(&again) {
			t.Fatalf("minute %d: the same minute again changed something: %v", m, more)
		}
		s = survive(t, s)
		for _, e := range events {
			if len(e.Reasons) == 0 || e.Incident == "" || e.Service == "" {
				t.Errorf("minute %d: an event without its grounds: %+v", m, e)
			}
			out = append(out, strings.Join(strings.Fields(fmt.Sprintf("%d %s %s %s %s", m, e.Kind, e.Severity, strings.Join(e.Targets, ","), e.HeldBy)), " "))
		}
	}
	return s, out
}

// survive sends a state through JSON.
func survive(t *testing.T, s alert.State) alert.State {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var out alert.State
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func at(m slo.Minute) string { return (t0 + m).Time().Format("2006-01-02T15:04Z") }

func TestStep(t *testing.T) {
	page, slow, ticket := rule("pay/avail/99/page-fast"), rule("pay/avail/99/page-slow"), rule("pay/avail/99/ticket")
	f := func(n int) string { return strings.Repeat("F", n) }
	tt := func(n int) string { return strings.Repeat("T", n) }
	for name, c := range map[string]struct {
		rules []alert.Rule
		lines []string
		in    alert.Input
		want  []string
	}{
		"fires once, and is over after the hold": {
			[]alert.Rule{page},
			[]string{"FTTTTFFFF"},
			alert.Input{Hold: 2},
			[]string{"1 opened page pager", "7 resolved page pager"},
		},
		"fires again inside the hold": {
			[]alert.Rule{page},
			[]string{"FTTFFTFTFFFF"},
			alert.Input{Hold: 3},
			[]string{"1 opened page pager", "11 resolved page pager"},
		},
		"fires again behind the hold": {
			[]alert.Rule{page},
			[]string{"TFFFT"},
			alert.Input{Hold: 2},
			[]string{"0 opened page pager", "3 resolved page pager", "4 opened page pager"},
		},
		"no hold": {
			[]alert.Rule{page},
			[]string{"TFTF"},
			alert.Input{Hold: -1},
			[]string{"0 opened page pager", "1 resolved page pager", "2 opened page pager", "3 resolved page pager"},
		},
		"the unknown neither fires nor ends": {
			[]alert.Rule{page},
			[]string{"??T???????F??F"},
			alert.Input{Hold: 1, NoDataAfter: 100},
			[]string{"2 opened page pager", "13 resolved page pager"},
		},
		"it must hold for long enough, unknown minutes do not count": {
			[]alert.Rule{rule("pay/avail/99/page", func(r *alert.Rule) { r.After = 3 })},
			[]string{"TTTFTT??? TT"},
			alert.Input{NoDataAfter: 100},
			[]string{"11 opened page pager"},
		},
		"tiers of a severity are one incident": {
			[]alert.Rule{page, slow},
			[]string{"FTTFFFF", "FFTTTFF"},
			alert.Input{Hold: 1},
			[]string{"1 opened page pager", "6 resolved page pager"},
		},
		"a page hushes the ticket, which ends inside its look-back": {
			[]alert.Rule{page, ticket},
			[]string{"FTTFFFFF", "FFTTTTFF"},
			alert.Input{Hold: 1},
			[]string{"1 opened page pager", "2 held_back ticket the page pay/avail/99/page@" + at(1), "4 resolved page pager"},
		},
		"what goes on behind a page's end is told": {
			[]alert.Rule{page, rule("pay/avail/99/ticket", func(r *alert.Rule) { r.Short = 4 })},
			[]string{"TTFFFFFF", "FTTTTTTT"},
			alert.Input{Hold: 1},
			[]string{"0 opened page pager", "1 held_back ticket the page pay/avail/99/page@" + at(0), "3 resolved page pager", "5 opened ticket queue"},
		},
		"a ticket becomes a page": {
			[]alert.Rule{page, ticket},
			[]string{"FFTTF" + f(3), "FTTTTFFF"},
			alert.Input{Hold: 1},
			[]string{"1 opened ticket queue", "2 escalated page pager", "5 resolved page pager", "6 resolved ticket queue"},
		},
		"a page again, hours later": {
			[]alert.Rule{page, ticket},
			[]string{"FT" + f(9) + "TT", "TT" + tt(11)},
			alert.Input{Hold: 3},
			[]string{"0 opened ticket queue", "1 escalated page pager", "5 resolved page pager", "11 escalated page pager"},
		},
		"a rule that joins tells whom it concerns": {
			[]alert.Rule{page, rule("pay/avail/99/page-slow", func(r *alert.Rule) { r.Targets = []string{"pager", "lead"} })},
			[]string{"TTT", "FTT"},
			alert.Input{},
			[]string{"0 opened page pager", "1 escalated page lead"},
		},
		"a silence keeps it back and hushes nobody": {
			[]alert.Rule{page, ticket},
			[]string{"TTTTTT", "TTTTTT"},
			alert.Input{Silences: []alert.Silence{{ID: "s1", Match: "pay/avail/99/page-fast", From: t0 - 1, To: t0 + 3}}},
			[]string{"0 held_back page silence s1", "0 opened ticket queue", "4 escalated page pager"},
		},
		"a silence of another service": {
			[]alert.Rule{page},
			[]string{"T"},
			alert.Input{Silences: []alert.Silence{{ID: "s", Match: "payment", From: t0 - 1, To: t0 + 9}, {ID: "s", Match: "pay", From: t0, To: t0 + 9}}},
			[]string{"0 opened page pager"},
		},
		"who wants no breach is told none": {
			[]alert.Rule{rule("pay/avail/99/page", func(r *alert.Rule) { r.Breaching = false })},
			[]string{"TFF"},
			alert.Input{Hold: 1},
			[]string{"0 held_back page its policy, which tells nobody"},
		},
		"who wants no end is told none": {
			[]alert.Rule{rule("pay/avail/99/page", func(r *alert.Rule) { r.Resolved = false })},
			[]string{"TFF"},
			alert.Input{Hold: 1},
			[]string{"0 opened page pager", "2 resolved page"},
		},
		"no data": {
			[]alert.Rule{page, rule("pay/avail/99/ticket", func(r *alert.Rule) { r.NoData = false })},
			[]string{"F????F??F", "?????????"},
			alert.Input{NoDataAfter: 3},
			[]string{"3 no_data ticket pager", "5 data_back ticket pager"},
		},
		"a dependency hushes": {
			[]alert.Rule{rule("shop/avail/99/page", func(r *alert.Rule) { r.DependsOn = []string{"pay"} }), page},
			[]string{"FTTTTFFF", "FTTFFFFF"},
			alert.Input{Hold: 1},
			[]string{"1 opened page pager", "1 held_back page its dependency: pay/avail/99/page@" + at(1), "4 resolved page pager"},
		},
		"what goes on when the dependency is well is told": {
			[]alert.Rule{rule("shop/avail/99/page", func(r *alert.Rule) { r.DependsOn = []string{"pay/avail"} }), page},
			[]string{"FTTTTTTTTT", "FTFFFFFFFF"},
			alert.Input{Hold: 1},
			[]string{"1 opened page pager", "1 held_back page its dependency: pay/avail/99/page@" + at(1), "3 resolved page pager", "6 opened page pager"},
		},
		"a far dependency hushes, a ticket no page, a circle nobody": {
			[]alert.Rule{
				rule("a/s/o/page", func(r *alert.Rule) { r.DependsOn = []string{"b"} }),
				rule("b/s/o/page", func(r *alert.Rule) { r.DependsOn = []string{"c"} }),
				rule("c/s/o/page"),
				rule("d/s/o/page", func(r *alert.Rule) { r.DependsOn = []string{"e"} }),
				rule("e/s/o/ticket"),
				rule("x/s/o/page", func(r *alert.Rule) { r.DependsOn = []string{"y"} }),
				rule("y/s/o/page", func(r *alert.Rule) { r.DependsOn = []string{"x"} }),
			},
			[]string{"T", "F", "T", "T", "T", "T", "T"},
			alert.Input{},
			[]string{
				"0 opened page pager", "0 opened page pager", "0 opened page pager", "0 opened page pager",
				"0 held_back page its dependency: c/s/o/page@" + at(0), "0 opened ticket queue",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := through(t, c.rules, c.lines, c.in)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestStorm holds that however many tiers and dependants burn, one person is
// woken once.
func TestStorm(t *testing.T) {
	rules := []alert.Rule{rule("db/avail/99/page-fast"), rule("db/avail/99/page-slow"), rule("db/avail/99/ticket")}
	lines := []string{"TTTTTT" + strings.Repeat("F", 40), "FTTTTT" + strings.Repeat("F", 40), "FFTTTT" + strings.Repeat("F", 40)}
	for i := range 20 {
		for _, tier := range []string{"page-fast", "ticket"} {
			rules = append(rules, rule(fmt.Sprintf("s%d/avail/99/%s", i, tier), func(r *alert.Rule) { r.DependsOn = []string{"db"} }))
			lines = append(lines, lines[1])
		}
	}
	_, events := through(t, rules, lines, alert.Input{})
	var told []string
	for _, e := range events {
		if !strings.Contains(e, "held_back") {
			told = append(told, e)
		}
	}
	if want := []string{"0 opened page pager", "36 resolved page pager"}; !cmp.Equal(want, told) {
		t.Errorf("told %q", told)
	}
}

// TestWithdrawn holds that a rule which is not written any more does not leave
// its incident open at somebody's.
func TestWithdrawn(t *testing.T) {
	s, _ := through(t, []alert.Rule{rule("pay/avail/99/page")}, []string{"TT"}, alert.Input{})
	next, events := alert.Step(s, alert.Input{Set: alert.NewSet([]alert.Rule{rule("shop/avail/99/page")}), Samples: []alert.Sample{sampleOf('F')}, At: t0 + 2})
	if len(events) != 1 || events[0].Kind != alert.Resolved || !events[0].Tells() || events[0].Reasons[0].Code != "withdrawn" {
		t.Errorf("%+v", events)
	}
	if len(next.Alerts)+len(next.Incidents) != 0 || len(next.Seen) != 1 || !next.AtRest() {
		t.Errorf("%+v", next)
	}
}

// TestEvidence holds that a rule which asks for evidence does not fire without.
func TestEvidence(t *testing.T) {
	set := alert.NewSet([]alert.Rule{rule("pay/avail/99/page", func(r *alert.Rule) { r.Evidence = 3 })})
	for want, e := range map[alert.Phase]*float64{alert.Inactive: new(2.9), alert.Firing: new(3.)} {
		s := sampleOf('T')
		s.Evidence = e
		got, _ := alert.Step(alert.State{}, alert.Input{Set: set, Samples: []alert.Sample{s}, At: t0})
		if a := got.Alerts["pay/avail/99/page"]; a.Phase != want || a.Frozen != 0 {
			t.Errorf("with %v: %+v", *e, a)
		}
	}
	got, _ := alert.Step(alert.State{}, alert.Input{Set: set, Samples: []alert.Sample{sampleOf('T')}, At: t0})
	if a := got.Alerts["pay/avail/99/page"]; a.Phase != alert.Inactive || a.Frozen != t0 {
		t.Errorf("without evidence: %+v", a)
	}
}
