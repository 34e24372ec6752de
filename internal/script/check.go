package script

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/backtest"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/gate"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// known checks the form of an expectation while reading.
func known(words []string) error {
	form, ok := form(words)
	if form == "" {
		return fmt.Errorf("nothing is known of %q; expect remaining, sli, spent, allowed, good, total, burn, level, flag, condition, alert, told, gate, no", clip(words[0]))
	}
	if !ok {
		return fmt.Errorf("write `%s`", form)
	}
	switch words[0] {
	case "remaining", "sli", "spent", "allowed", "good", "total":
		return comparison(words[1:])
	case "burn":
		if _, err := slo.ParseLength(words[1]); err != nil {
			return fmt.Errorf("%q is no look-back like 1h", clip(words[1]))
		}
		return comparison(words[2:])
	}
	return nil
}

// form is how an expectation is written, and whether these words are so; "" for
// one that nobody knows.
func form(words []string) (form string, ok bool) {
	n := len(words)
	switch words[0] {
	case "remaining", "sli", "spent", "allowed", "good", "total":
		return words[0] + " = NUMBER", n == 3
	case "burn":
		return "burn 1h > 14.4", n == 4
	case "level":
		return "level healthy", n == 2
	case "flag":
		return "flag NAME", n == 2
	case "no": // what is not
		return "no flag NAME`, `no alert` or `no alert page", negated(words[1:])
	case "condition":
		return "condition NAME true", n == 3 && slices.Contains([]string{"true", "false", "unknown"}, words[2])
	case "alert":
		return "alert page", n == 2 && severity(words[1])
	case "told":
		return "told page 1", n == 3 && severity(words[1]) && whole(words[2])
	case "gate":
		return "gate fail`, or `gate warn for fix", verdict(words)
	}
	return "", false
}

// negated says whether words may stand behind "no".
func negated(words []string) bool {
	switch {
	case len(words) == 0:
		return false
	case words[0] == "flag":
		return len(words) == 2
	}
	return words[0] == "alert" && (len(words) == 1 || len(words) == 2 && severity(words[1]))
}

// verdict says whether words are a gate's verdict, for a class maybe.
func verdict(words []string) bool {
	return len(words) == 2 || len(words) == 4 && words[2] == "for"
}

func whole(word string) bool {
	_, err := strconv.ParseUint(word, 10, 31)
	return err == nil
}

func severity(word string) bool { return word == "page" || word == "ticket" }

func comparison(words []string) error {
	if !slices.Contains([]string{"=", "<", "<=", ">", ">="}, words[0]) {
		return fmt.Errorf("%q is none of = < <= > >=", clip(words[0]))
	}
	if words[1] == "unknown" && words[0] == "=" {
		return nil
	}
	if _, _, _, err := number(words[1]); err != nil {
		return fmt.Errorf("%q is no number", clip(words[1]))
	}
	return nil
}

// number reads "97.69%", "14.4" or "1000": its value, and how many decimals are
// written.
func number(text string) (value float64, decimals int, percent bool, err error) {
	digits, percent := strings.CutSuffix(text, "%")
	d, err := slo.ParseDecimal(digits)
	if err != nil {
		return 0, 0, false, err //nolint:wrapcheck // the caller says which
	}
	if _, behind, ok := strings.Cut(digits, "."); ok {
		decimals = len(behind)
	}
	return d.Float(), decimals, percent, nil
}

// check asks one expectation; got is what was found.
func (m *machine) check(x *subject, at slo.Minute, words []string) (got string, ok bool, err error) {
	st := x.status(at, words)
	switch words[0] {
	case "remaining", "sli", "spent", "allowed", "good", "total":
		return compare(figure(&st, words[0]), words[1:])
	case "burn":
		look, _ := slo.ParseLength(words[1])
		for _, b := range st.Burns {
			if b.Lookback == look {
				return compare(b.Rate, words[2:])
			}
		}
		return "", false, fmt.Errorf("no burn rate over %s", words[1])
	case "level":
		return "level " + st.Level.String(), st.Level.String() == words[1], nil
	case "flag":
		return flags(&st), slices.Contains(st.Flags, slo.Flag(words[1])), nil
	case "no":
		if words[1] == "flag" {
			return flags(&st), !slices.Contains(st.Flags, slo.Flag(words[2])), nil
		}
		return x.silent(m, at, words[2:])
	case "condition":
		return condition(&st, words)
	case "alert", "told":
		return x.told(m, at, words)
	}
	return m.gate(x, at, words)
}

// figure is a value of a status by its name; nil is one that is not known.
func figure(st *slo.Status, name string) *float64 {
	switch name {
	case "remaining":
		return st.Budget.Remaining
	case "sli":
		return st.SLI
	case "spent":
		return &st.Budget.Spent
	case "allowed":
		return &st.Budget.Allowed
	case "good":
		return new(st.Stretch.Good.Float())
	}
	return new(st.Stretch.Total.Float())
}

// compare holds a value against what is written. Equal is to the decimals that
// are written.
func compare(v *float64, words []string) (string, bool, error) {
	if v == nil || math.IsNaN(*v) {
		return "unknown", words[1] == "unknown", nil
	}
	if words[1] == "unknown" {
		return fmt.Sprint(*v), false, nil
	}
	want, decimals, percent, err := number(words[1])
	if err != nil {
		return "", false, err
	}
	value, unit := *v, ""
	if percent {
		// Shifted as a decimal: 100 x 0.07 is not 7 in binary.
		r := new(big.Rat).SetFloat64(value)
		if r != nil {
			value, _ = r.Mul(r, big.NewRat(100, 1)).Float64()
		}
		unit = "%"
	}
	got := strconv.FormatFloat(value, 'g', 10, 64) + unit
	switch words[0] {
	case "<":
		return got, value < want, nil
	case "<=":
		return got, value <= want, nil
	case ">":
		return got, value > want, nil
	case ">=":
		return got, value >= want, nil
	}
	as := strconv.FormatFloat(want, 'f', decimals, 64)
	return got, strconv.FormatFloat(value, 'f', decimals, 64) == as, nil
}

func flags(st *slo.Status) string {
	if len(st.Flags) == 0 {
		return "no flags"
	}
	words := make([]string, len(st.Flags))
	for i, f := range st.Flags {
		words[i] = string(f)
	}
	return "flags " + strings.Join(words, ", ")
}

func condition(st *slo.Status, words []string) (string, bool, error) {
	var names []string
	for _, c := range st.Conditions {
		if c.Name == words[1] {
			return c.Truth.String(), c.Truth.String() == words[2], nil
		}
		names = append(names, c.Name)
	}
	return "", false, fmt.Errorf("there is no condition %q; there are %s", clip(words[1]), strings.Join(names, ", "))
}

// told says what is firing, or how often somebody was told.
func (x *subject) told(m *machine, at slo.Minute, words []string) (string, bool, error) {
	firing, told := 0, 0
	for _, n := range x.replay(m).Notices {
		if n.At > at || n.Severity.String() != words[1] {
			continue
		}
		told++
		if n.Ended == 0 || n.Ended > at {
			firing++
		}
	}
	if words[0] == "alert" {
		return fmt.Sprintf("%d firing", firing), firing > 0, nil
	}
	return fmt.Sprintf("told %d times", told), slices.Equal(words[2:], []string{strconv.Itoa(told)}), nil
}

// silent says whether nothing fires, of a severity or at all.
func (x *subject) silent(m *machine, at slo.Minute, severities []string) (string, bool, error) {
	if len(severities) == 0 {
		severities = []string{"page", "ticket"}
	}
	for _, s := range severities {
		if _, firing, _ := x.told(m, at, []string{"alert", s}); firing {
			return "a " + s + " is firing", false, nil
		}
	}
	return "nothing is firing", true, nil
}

// replay leads the objective's rules through what was loaded.
func (x *subject) replay(m *machine) *backtest.Replayed {
	if x.replayed != nil {
		return x.replayed
	}
	after := map[string]slo.Minute{}
	if m.catalog != nil {
		for i := range m.catalog.AlertPolicies {
			if p := &m.catalog.AlertPolicies[i]; slices.Contains(x.policies, p.Name) {
				after[p.Condition.Name] = p.After
			}
		}
	}
	birth, _ := x.series().Birth()
	c := backtest.Prepare(&backtest.Subject{Objective: x.o, View: x.series(), Excluded: x.excluded, Span: slo.Span{From: birth, To: x.end}})
	got := backtest.Replay([]*backtest.Case{c}, []backtest.Policy{backtest.PolicyOf("script", x.o, after)}, backtest.Options{})
	x.replayed = &got
	return x.replayed
}

// gate asks the gate of the objective's service, with everything loaded of it.
func (m *machine) gate(x *subject, at slo.Minute, words []string) (string, bool, error) {
	class := gate.ClassChange
	if len(words) == 4 {
		c, err := gate.ParseClass(words[3])
		if err != nil {
			return "", false, err //nolint:wrapcheck // the caller says where
		}
		class = c
	}
	policy := gate.Policy{}
	if m.catalog != nil {
		policy = rungate.PolicyFor(m.catalog, x.o.Service)
	}
	// Freezes are people's; a script is about budgets.
	policy.Freezes, policy.DependsOn = nil, nil
	req := gate.Request{Service: x.o.Service, Change: gate.Change{Class: class}, Policy: policy, At: at.Time()}
	for _, other := range m.subjects {
		if other.o.Service != x.o.Service || len(policy.Objectives) > 0 && !slices.Contains(policy.Objectives, other.o.SLO) {
			continue
		}
		st := other.status(at, nil)
		req.States = append(req.States, status.State(status.Entry{Objective: &config.Objective{Objective: *other.o}, Status: st}, false))
	}
	slices.SortFunc(req.States, func(a, b gate.BudgetState) int { return strings.Compare(a.Key(), b.Key()) })
	d := gate.Decide(req)
	got := []string{d.Verdict.String()}
	for _, r := range d.Reasons {
		got = append(got, r.Text)
	}
	return strings.Join(got, "; "), d.Verdict.String() == words[1], nil
}

// status evaluates the objective at an instant. A burn rate that is asked for
// and not among the usual ones is computed, too.
func (x *subject) status(at slo.Minute, words []string) slo.Status {
	o := *x.o
	if len(words) > 1 && words[0] == "burn" {
		look, _ := slo.ParseLength(words[1])
		o.Conditions = append(slices.Clone(o.Conditions), slo.Condition{Name: "asked", Severity: slo.Ticket, Long: look, Short: look, Threshold: slo.MustDecimal("999999999")})
	}
	st, _ := slo.Evaluate(slo.Input{Objective: &o, View: slo.Exclude(x.series(), x.excluded, step1(&o)), At: at})
	return st
}

func step1(o *slo.Objective) slo.Minute {
	if o.Budgeting == slo.Occurrences {
		return 1
	}
	return max(1, o.Slice)
}

// series is the loaded history: minutes, or the slices that they make.
func (x *subject) series() slo.View {
	if x.view != nil {
		return x.view
	}
	points := make([]slo.Point, 0, len(x.points))
	for at, c := range x.points {
		points = append(points, slo.Point{At: at, Count: c})
	}
	minutes := slo.NewSeries(1, x.end, points)
	step := step1(x.o)
	if x.o.Budgeting == slo.Occurrences {
		x.view = minutes
		return x.view
	}
	var judged []slo.Point
	birth, _ := minutes.Birth()
	for at := birth / step * step; at+step <= x.end; at += step {
		e := slo.SliceEvidence{Stretch: minutes.Sum(slo.Span{From: at, To: at + step}), Width: 1}
		if c, ok := slo.SliceOf(x.o, e); ok {
			judged = append(judged, slo.Point{At: at, Count: c})
		}
	}
	x.view = slo.NewSeries(step, x.end, judged)
	return x.view
}
