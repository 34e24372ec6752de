package gate_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/slo"
)

var at = time.Date(2025, 1, 31, 12, 0, 0, 0, time.UTC)

// healthy is an objective with nothing wrong with it; change makes it another.
func healthy(change ...func(*gate.BudgetState)) gate.BudgetState {
	s := gate.BudgetState{
		Service: "payment-api", SLO: "availability", Objective: "99.95%",
		Target: "0.9995", Window: "30d", Frontier: at.Add(-4 * time.Minute),
		Level: slo.Healthy, Good: 43_199_000, Total: 43_200_000,
		Allowed: 21_600, Spent: 1000, Remaining: new(1 - 1000./21_600), Coverage: 1,
		Conditions: []gate.ConditionState{
			{Name: "page-1h", Severity: "page", Threshold: "14.4", Truth: "false", Long: new(2.), Short: new(1.5), LongWindow: "1h", ShortWindow: "5m"},
			{Name: "ticket-1d", Severity: "ticket", Threshold: "3", Truth: "false", Long: new(.5), Short: new(.25), LongWindow: "1d", ShortWindow: "2h"},
		},
	}
	for _, f := range change {
		f(&s)
	}
	return s
}

func flag(fs ...slo.Flag) func(*gate.BudgetState) {
	return func(s *gate.BudgetState) {
		s.Flags = append(s.Flags, fs...)
		for i := range s.Conditions {
			if slices.Contains(fs, slo.FastBurn) && s.Conditions[i].Severity == "page" ||
				slices.Contains(fs, slo.SlowBurn) && s.Conditions[i].Severity == "ticket" {
				s.Conditions[i].Truth, s.Conditions[i].Long, s.Conditions[i].Short = "true", new(16.7), new(200.)
			}
		}
	}
}

func level(l slo.Level) func(*gate.BudgetState) {
	return func(s *gate.BudgetState) {
		s.Level = l
		left := map[slo.Level]*float64{slo.Healthy: new(.5), slo.Caution: new(.2), slo.Critical: new(.05), slo.Exhausted: new(-.124)}[l]
		s.Remaining = left
		if left != nil {
			s.Spent = s.Allowed * (1 - *left)
		}
	}
}

func named(name string) func(*gate.BudgetState) {
	return func(s *gate.BudgetState) { s.SLO = name }
}

func dependency(s *gate.BudgetState) { s.Service, s.Dependency = "ledger", true }

func request(states ...gate.BudgetState) gate.Request {
	return gate.Request{Service: "payment-api", Change: gate.Change{Class: gate.ClassChange, Version: "1.4.2"}, States: states, At: at}
}

func freeze(exempt ...gate.Class) gate.Freeze {
	return gate.Freeze{Name: "weekend", Reason: "nobody is there", From: at.Add(-time.Hour), To: at.Add(time.Hour), Exempt: exempt}
}

// The verdict table as it is written down, evidence by class: P pass, W warn,
// F fail, I inconclusive; one letter each for change, fix, security, rollback.
var verdictTable = []struct {
	row   gate.Row
	want  string
	state gate.BudgetState
}{
	{gate.RowExhausted, "FWWP", healthy(level(slo.Exhausted))},
	{gate.RowCritical, "FWWP", healthy(level(slo.Critical))},
	{gate.RowFastBurn, "FWWP", healthy(flag(slo.FastBurn))},
	{gate.RowStale, "IIIP", healthy(flag(slo.Stale))},
	{gate.RowSilent, "IIIP", healthy(flag(slo.Silent))},
	{gate.RowNoTraffic, "IIIP", healthy(level(slo.Unknown), flag(slo.NoTraffic))},
	{gate.RowInsufficientData, "IIIP", healthy(flag(slo.InsufficientData))},
	{gate.RowUnknown, "IIIP", healthy(level(slo.Unknown))},
	{gate.RowNew, "IIIP", healthy(flag(slo.New))},
	{gate.RowCaution, "WWWP", healthy(level(slo.Caution))},
	{gate.RowSlowBurn, "WWWP", healthy(flag(slo.SlowBurn))},
	{gate.RowHealthy, "PPPP", healthy()},
	{gate.RowHealthy, "PPPP", healthy(flag(slo.Relineaged))},
}

var letters = map[byte]decision.Verdict{'P': decision.Pass, 'W': decision.Warn, 'F': decision.Fail, 'I': decision.Inconclusive}

var exits = map[decision.Verdict]int{decision.Pass: 0, decision.Fail: 3, decision.Inconclusive: 4, decision.Warn: 5}

var classes = []gate.Class{gate.ClassChange, gate.ClassFix, gate.ClassSecurity, gate.ClassRollback}

func TestVerdictTable(t *testing.T) {
	for _, tt := range verdictTable {
		for i, class := range classes {
			for _, mode := range []gate.Mode{"", gate.ModeEnforce, gate.ModeAdvise} {
				for _, onError := range []gate.OnError{"", gate.OnErrorBlock, gate.OnErrorWarn} {
					t.Run(strings.Join([]string{string(tt.row), string(class), string(mode), string(onError)}, "/"), func(t *testing.T) {
						r := request(tt.state)
						r.Change.Class, r.Policy.Mode, r.Policy.OnError = class, mode, onError
						d := gate.Decide(r)
						want := letters[tt.want[i]]
						if d.Verdict != want {
							t.Errorf("verdict %v, want %v: %v", d.Verdict, want, d.Reasons)
						}
						code := tt.row
						if class == gate.ClassRollback {
							code = gate.RowRollback
						}
						if d.Reasons[0].Code != string(code) {
							t.Errorf("first reason %q, want %q", d.Reasons[0].Code, code)
						}
						exit := exits[want]
						if mode == gate.ModeAdvise {
							exit = 0
						}
						if got := gate.ExitCode(r, d); got != exit {
							t.Errorf("exit code %d, want %d", got, exit)
						}
					})
				}
			}
		}
	}
}

func TestEveryRowIsInTheTable(t *testing.T) {
	var tested []gate.Row
	for _, tt := range verdictTable {
		tested = append(tested, tt.row)
	}
	for _, row := range gate.Rows() {
		special := row == gate.RowRollback || row == gate.RowOverride || row == gate.RowFreeze // tested by name below
		if !special && !slices.Contains(tested, row) {
			t.Errorf("row %s is not tested", row)
		}
		if got := gate.TableVerdict(row, "no such class"); row != gate.RowHealthy && row != gate.RowRollback && got == decision.Pass {
			t.Errorf("row %s passes a class nobody knows", row)
		}
	}
	if got := gate.TableVerdict("no such row", gate.ClassChange); got != decision.Inconclusive {
		t.Errorf("an unknown row is %v", got)
	}
}

func TestDecide(t *testing.T) {
	override := &gate.Override{ID: "01J", Actor: "ada", Reason: "customer is waiting", Expires: at.Add(time.Hour)}
	verdicts := func(kv ...string) func(*gate.Request) {
		return func(r *gate.Request) {
			r.Policy.Verdicts = map[string]decision.Verdict{}
			for i := 0; i < len(kv); i += 2 {
				v, err := decision.ParseVerdict(kv[i+1])
				if err != nil {
					t.Fatal(err)
				}
				r.Policy.Verdicts[kv[i]] = v
			}
		}
	}
	with := func(f func(*gate.Request)) func(*gate.Request) { return f }
	class := func(c gate.Class) func(*gate.Request) { return with(func(r *gate.Request) { r.Change.Class = c }) }
	failed := func(o gate.OnError) func(*gate.Request) {
		return func(r *gate.Request) { r.Error, r.Policy.OnError = "store nines.db is locked", o }
	}
	tests := []struct {
		name   string
		states []gate.BudgetState
		change []func(*gate.Request)
		want   decision.Verdict
		exit   int
		codes  string // of the reasons, in order
	}{
		{"the empty class is a change", []gate.BudgetState{healthy(level(slo.Critical))}, []func(*gate.Request){class("")}, decision.Fail, 3, "critical"},
		{"nothing measured", nil, nil, decision.Inconclusive, 4, "unmeasured"},
		{"only dependencies measured", []gate.BudgetState{healthy(dependency)}, nil, decision.Inconclusive, 4, "unmeasured"},
		{"the worst objective decides", []gate.BudgetState{healthy(), healthy(named("latency"), level(slo.Exhausted))}, nil, decision.Fail, 3, "exhausted"},
		{"known bad before not known", []gate.BudgetState{healthy(flag(slo.Stale)), healthy(named("latency"), flag(slo.FastBurn))}, nil, decision.Fail, 3, "fast_burn stale"},
		{"a fix may go on known bad", []gate.BudgetState{healthy(level(slo.Exhausted), flag(slo.Stale))}, []func(*gate.Request){class(gate.ClassFix)}, decision.Warn, 5, "stale exhausted"},
		{"not known before caution", []gate.BudgetState{healthy(level(slo.Caution)), healthy(named("latency"), flag(slo.New))}, nil, decision.Inconclusive, 4, "new caution"},
		{"every bad objective is a reason", []gate.BudgetState{healthy(level(slo.Exhausted), flag(slo.FastBurn, slo.SlowBurn)), healthy(named("latency"), level(slo.Critical))}, nil, decision.Fail, 3, "exhausted critical fast_burn"},
		{"a slow burn beside a fast one says nothing new", []gate.BudgetState{healthy(flag(slo.FastBurn, slo.SlowBurn))}, []func(*gate.Request){verdicts("slow_burn", "pass")}, decision.Fail, 3, "fast_burn"},
		{"a slow burn that weighs more is said", []gate.BudgetState{healthy(flag(slo.FastBurn, slo.SlowBurn))}, []func(*gate.Request){verdicts("fast_burn", "warn", "slow_burn", "fail")}, decision.Fail, 3, "slow_burn fast_burn"},
		{"every healthy objective is a reason to pass", []gate.BudgetState{healthy(), healthy(named("latency"))}, nil, decision.Pass, 0, "healthy healthy"},

		{"a policy maps a row", []gate.BudgetState{healthy(flag(slo.Stale))}, []func(*gate.Request){verdicts("stale", "warn")}, decision.Warn, 5, "stale"},
		{"a policy maps missing data to pass", []gate.BudgetState{healthy(level(slo.Unknown), flag(slo.NoTraffic))}, []func(*gate.Request){verdicts("no_traffic", "pass")}, decision.Pass, 0, "no_traffic"},
		{"a policy maps to fail", []gate.BudgetState{healthy(flag(slo.Silent))}, []func(*gate.Request){verdicts("silent", "fail")}, decision.Fail, 3, "silent"},
		{"a plain row speaks for every class", []gate.BudgetState{healthy(level(slo.Exhausted))}, []func(*gate.Request){verdicts("exhausted", "fail"), class(gate.ClassFix)}, decision.Fail, 3, "exhausted"},
		{"a class's row wins", []gate.BudgetState{healthy(level(slo.Exhausted))}, []func(*gate.Request){verdicts("exhausted", "fail", "fix:exhausted", "pass"), class(gate.ClassFix)}, decision.Pass, 0, "exhausted"},
		{"a class's row is its own", []gate.BudgetState{healthy(level(slo.Exhausted))}, []func(*gate.Request){verdicts("fix:exhausted", "pass")}, decision.Fail, 3, "exhausted"},
		{"a milder row hides nothing", []gate.BudgetState{healthy(flag(slo.FastBurn, slo.Stale))}, []func(*gate.Request){verdicts("fast_burn", "pass")}, decision.Inconclusive, 4, "stale fast_burn"},
		{"a milder freeze hides nothing", []gate.BudgetState{healthy(level(slo.Exhausted))}, []func(*gate.Request){verdicts("freeze", "warn"), func(r *gate.Request) { r.Freezes = []gate.Freeze{freeze()} }}, decision.Fail, 3, "exhausted freeze"},
		{"a stricter row counts behind a warning", []gate.BudgetState{healthy(level(slo.Caution), flag(slo.SlowBurn))}, []func(*gate.Request){verdicts("slow_burn", "fail")}, decision.Fail, 3, "slow_burn caution"},
		{"healthy may be mapped", []gate.BudgetState{healthy()}, []func(*gate.Request){verdicts("change:healthy", "warn")}, decision.Warn, 5, ""},

		{"a freeze holds", []gate.BudgetState{healthy()}, []func(*gate.Request){func(r *gate.Request) { r.Freezes = []gate.Freeze{freeze()} }}, decision.Fail, 3, "freeze"},
		{"a freeze holds a fix", []gate.BudgetState{healthy()}, []func(*gate.Request){func(r *gate.Request) { r.Freezes = []gate.Freeze{freeze()} }, class(gate.ClassFix)}, decision.Fail, 3, "freeze"},
		{"a freeze exempts", []gate.BudgetState{healthy()}, []func(*gate.Request){func(r *gate.Request) { r.Freezes = []gate.Freeze{freeze(gate.ClassFix)} }, class(gate.ClassFix)}, decision.Pass, 0, "healthy exempt"},
		{"an exemption is not from the budget", []gate.BudgetState{healthy(level(slo.Exhausted))}, []func(*gate.Request){func(r *gate.Request) { r.Freezes = []gate.Freeze{freeze(gate.ClassFix)} }, class(gate.ClassFix)}, decision.Warn, 5, "exhausted exempt"},
		{"two freezes, one exempts", []gate.BudgetState{healthy()}, []func(*gate.Request){func(r *gate.Request) { r.Freezes = []gate.Freeze{freeze(gate.ClassFix), freeze()} }, class(gate.ClassFix)}, decision.Fail, 3, "freeze exempt"},
		{"a rollback goes through a freeze", []gate.BudgetState{healthy()}, []func(*gate.Request){func(r *gate.Request) { r.Freezes = []gate.Freeze{freeze()} }, class(gate.ClassRollback)}, decision.Pass, 0, "rollback"},
		{"a freeze that is over", []gate.BudgetState{healthy()}, []func(*gate.Request){func(r *gate.Request) {
			r.Freezes = []gate.Freeze{{Name: "x", From: at.Add(-time.Hour), To: at}}
		}}, decision.Pass, 0, "healthy"},
		{"a freeze that begins now", []gate.BudgetState{healthy()}, []func(*gate.Request){func(r *gate.Request) { r.Freezes = []gate.Freeze{{Name: "x", From: at}} }}, decision.Fail, 3, "freeze"},

		{"a dependency warns at most", []gate.BudgetState{healthy(), healthy(dependency, level(slo.Exhausted))}, nil, decision.Warn, 5, "exhausted"},
		{"a blind dependency warns at most", []gate.BudgetState{healthy(), healthy(dependency, flag(slo.Stale))}, nil, decision.Warn, 5, "stale"},
		{"a dependency may fail", []gate.BudgetState{healthy(), healthy(dependency, level(slo.Exhausted))}, []func(*gate.Request){func(r *gate.Request) { r.Policy.DependencyVerdict = decision.Fail }}, decision.Fail, 3, "exhausted"},
		{"a dependency may not count", []gate.BudgetState{healthy(), healthy(dependency, level(slo.Exhausted))}, []func(*gate.Request){func(r *gate.Request) { r.Policy.DependencyVerdict = decision.Pass }}, decision.Pass, 0, "exhausted healthy"},
		{"a dependency hides nothing", []gate.BudgetState{healthy(flag(slo.Stale)), healthy(dependency, level(slo.Exhausted))}, nil, decision.Inconclusive, 4, "stale exhausted"},

		{"only the policy's objectives count", []gate.BudgetState{healthy(), healthy(named("latency"), level(slo.Exhausted))}, []func(*gate.Request){func(r *gate.Request) { r.Policy.Objectives = []string{"availability"} }}, decision.Pass, 0, "healthy"},
		{"an objective the policy asks for is missing", []gate.BudgetState{healthy()}, []func(*gate.Request){func(r *gate.Request) { r.Policy.Objectives = []string{"availability", "latency"} }}, decision.Inconclusive, 4, "unmeasured"},

		{"an error blocks", nil, []func(*gate.Request){failed("")}, decision.Inconclusive, 1, "error"},
		{"an error blocks by name", nil, []func(*gate.Request){failed(gate.OnErrorBlock)}, decision.Inconclusive, 1, "error"},
		{"an error warns", nil, []func(*gate.Request){failed(gate.OnErrorWarn)}, decision.Warn, 5, "error"},
		{"an error blocks what looks healthy", []gate.BudgetState{healthy()}, []func(*gate.Request){failed("")}, decision.Inconclusive, 1, "error"},
		{"an error does not hide what is known to be bad", []gate.BudgetState{healthy(level(slo.Exhausted))}, []func(*gate.Request){failed(gate.OnErrorWarn)}, decision.Fail, 3, "exhausted error"},
		{"an error explains what is missing", []gate.BudgetState{healthy(flag(slo.Stale))}, []func(*gate.Request){failed(gate.OnErrorWarn)}, decision.Warn, 5, "error stale"},
		{"an error holds a fix too", []gate.BudgetState{healthy(level(slo.Exhausted))}, []func(*gate.Request){failed(""), class(gate.ClassFix)}, decision.Inconclusive, 1, "error exhausted"},
		{"an error holds no rollback", nil, []func(*gate.Request){failed(""), class(gate.ClassRollback)}, decision.Pass, 0, "rollback"},
		{"a freeze holds under an error", nil, []func(*gate.Request){failed(gate.OnErrorWarn), func(r *gate.Request) { r.Freezes = []gate.Freeze{freeze()} }}, decision.Fail, 3, "freeze error"},
		{"an error only advises", nil, []func(*gate.Request){failed(""), func(r *gate.Request) { r.Policy.Mode = gate.ModeAdvise }}, decision.Inconclusive, 0, "error"},

		{"an override passes a fail", []gate.BudgetState{healthy(level(slo.Exhausted))}, []func(*gate.Request){func(r *gate.Request) { r.Override = override }}, decision.Warn, 5, "override exhausted"},
		{"an override passes what is not known", nil, []func(*gate.Request){func(r *gate.Request) { r.Override = override }}, decision.Warn, 5, "override unmeasured"},
		{"an override passes a freeze", []gate.BudgetState{healthy()}, []func(*gate.Request){func(r *gate.Request) { r.Override, r.Freezes = override, []gate.Freeze{freeze()} }}, decision.Warn, 5, "override freeze"},
		{"an override passes an error", nil, []func(*gate.Request){failed(""), func(r *gate.Request) { r.Override = override }}, decision.Warn, 5, "override error"},
		{"an override that is not needed", []gate.BudgetState{healthy()}, []func(*gate.Request){func(r *gate.Request) { r.Override = override }}, decision.Pass, 0, "healthy"},
		{"an expired override", []gate.BudgetState{healthy(level(slo.Exhausted))}, []func(*gate.Request){func(r *gate.Request) {
			r.Override = &gate.Override{Actor: "ada", Reason: "late", Expires: at}
		}}, decision.Fail, 3, "exhausted override"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(tt.states...)
			for _, f := range tt.change {
				f(&r)
			}
			d := gate.Decide(r)
			if d.Verdict != tt.want {
				t.Errorf("verdict %v, want %v", d.Verdict, tt.want)
			}
			if got := gate.ExitCode(r, d); got != tt.exit {
				t.Errorf("exit code %d, want %d", got, tt.exit)
			}
			var codes []string
			for _, reason := range d.Reasons {
				codes = append(codes, reason.Code)
			}
			if got := strings.Join(codes, " "); got != tt.codes {
				t.Errorf("reasons %q, want %q\n%v", got, tt.codes, d.Reasons)
			}
		})
	}
}

func TestReasonTexts(t *testing.T) {
	dep := healthy(dependency, level(slo.Exhausted))
	dep.Method = "Timeslices"
	r := request(healthy(level(slo.Exhausted), flag(slo.FastBurn)), dep)
	r.Freezes = []gate.Freeze{freeze()}
	r.Policy.Verdicts = map[string]decision.Verdict{"freeze": decision.Warn}
	var got []string
	for _, reason := range gate.Decide(r).Reasons {
		got = append(got, reason.Code+": "+reason.Text)
	}
	want := []string{
		"exhausted: payment-api/availability/99.95%: the budget is exhausted, -12.4 % left (spent 24,278 of 21,600 events allowed in 30d)",
		"fast_burn: payment-api/availability/99.95%: the budget burns fast: 16.7x in 1h and 200x in 5m, both above 14.4x",
		`freeze: freeze "weekend" until 2025-01-31T13:00:00Z: nobody is there (the policy says warn)`,
		"exhausted: dependency ledger/availability/99.95%: the budget is exhausted, -12.4 % left (spent 24,278 of 21,600 slices allowed in 30d) (a dependency counts at most as warn)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMissingTexts(t *testing.T) {
	for row, want := range map[slo.Flag]string{
		slo.Stale:            "the newest measured minute is too old (2025-01-31T11:56:00Z, 4 min before)",
		slo.Silent:           "no traffic where earlier weeks had some",
		slo.InsufficientData: "only 100 % of the 30d",
		slo.New:              "30d has just begun",
		slo.NoTraffic:        "not one event in 30d",
	} {
		d := gate.Decide(request(healthy(flag(row))))
		if !strings.Contains(d.Reasons[0].Text, want) {
			t.Errorf("%s: %q does not say %q", row, d.Reasons[0].Text, want)
		}
	}
}

func TestTheBlindestStretchIsNamed(t *testing.T) {
	s := healthy(flag(slo.InsufficientData))
	s.Coverage = .999
	s.LookbackCoverage = map[string]float64{"1h": .4, "5m": .4, "6h": .9, "3d": 1}
	d := gate.Decide(request(s))
	if want := "too little is measured, only 40.0 % of the last 1h"; !strings.Contains(d.Reasons[0].Text, want) {
		t.Errorf("%q does not say %q", d.Reasons[0].Text, want)
	}
}

func TestEvidence(t *testing.T) {
	d := gate.Decide(request(healthy()))
	want := []decision.Evidence{
		{Name: "payment-api/availability/99.95% remaining", Value: new(1 - 1000./21_600), Unit: "ratio"},
		{Name: "payment-api/availability/99.95% spent", Value: new(1000.), Unit: "events"},
		{Name: "payment-api/availability/99.95% allowed", Value: new(21_600.), Unit: "events"},
		{Name: "payment-api/availability/99.95% coverage", Value: new(1.), Unit: "ratio"},
		{Name: "payment-api/availability/99.95% age", Value: new(240.), Unit: "s"},
		{Name: "payment-api/availability/99.95% burn page-1h 1h", Value: new(2.), Unit: "x"},
		{Name: "payment-api/availability/99.95% burn page-1h 5m", Value: new(1.5), Unit: "x"},
		{Name: "payment-api/availability/99.95% burn ticket-1d 1d", Value: new(.5), Unit: "x"},
		{Name: "payment-api/availability/99.95% burn ticket-1d 2h", Value: new(.25), Unit: "x"},
	}
	if diff := cmp.Diff(want, d.Evidence); diff != "" {
		t.Error(diff)
	}
	if d.Policy != "default" || d.Subject != "payment-api" || !d.At.Equal(at) {
		t.Errorf("frame of the decision: %+v", d)
	}
}

func TestInvalidRequests(t *testing.T) {
	state := func(f func(*gate.BudgetState)) func(*gate.Request) {
		return func(r *gate.Request) { r.States = []gate.BudgetState{healthy(f)} }
	}
	tests := []struct {
		name string
		with func(*gate.Request)
		say  string
	}{
		{"no service", func(r *gate.Request) { r.Service = "" }, "no service is named"},
		{"no instant", func(r *gate.Request) { r.At = time.Time{} }, "instant"},
		{"class", func(r *gate.Request) { r.Change.Class = "hotfix" }, `change class "hotfix"`},
		{"mode", func(r *gate.Request) { r.Policy.Mode = "dry" }, `no mode "dry"`},
		{"onError", func(r *gate.Request) { r.Policy.OnError = "pass" }, `onError cannot be "pass"`},
		{"row", func(r *gate.Request) { r.Policy.Verdicts = map[string]decision.Verdict{"exausted": decision.Warn} }, `no row "exausted"`},
		{"row of no table", func(r *gate.Request) { r.Policy.Verdicts = map[string]decision.Verdict{"error": decision.Pass} }, `no row "error"`},
		{"class of a row", func(r *gate.Request) { r.Policy.Verdicts = map[string]decision.Verdict{"hot:stale": decision.Warn} }, `no change class "hot"`},
		{"empty class of a row", func(r *gate.Request) { r.Policy.Verdicts = map[string]decision.Verdict{":stale": decision.Warn} }, `no change class ""`},
		{"a gated rollback", func(r *gate.Request) { r.Policy.Verdicts = map[string]decision.Verdict{"rollback": decision.Warn} }, "rollback cannot be mapped to warn"},
		{"a gated rollback by class", func(r *gate.Request) {
			r.Policy.Verdicts = map[string]decision.Verdict{"rollback:freeze": decision.Fail}
		}, "never gated"},
		{"a verdict that is none", func(r *gate.Request) { r.Policy.Verdicts = map[string]decision.Verdict{"stale": 9} }, "is no verdict"},
		{"a dependency verdict that is none", func(r *gate.Request) { r.Policy.DependencyVerdict = 9 }, "is no verdict"},
		{"exempt class", func(r *gate.Request) { r.Freezes = []gate.Freeze{freeze("hotfix")} }, `change class "hotfix"`},
		{"exempt class of a rule", func(r *gate.Request) { r.Policy.Freezes = []gate.FreezeRule{{Exempt: []gate.Class{"x"}}} }, `change class "x"`},
		{"an override by nobody", func(r *gate.Request) {
			r.Override = &gate.Override{Reason: "x", Expires: at.Add(time.Hour)}
		}, "without an actor"},
		{"an override for nothing", func(r *gate.Request) {
			r.Override = &gate.Override{Actor: "x", Expires: at.Add(time.Hour)}
		}, "without a reason"},
		{"level", state(level(77)), "no level 77"},
		{"flag", state(flag("on_fire")), `no flag "on_fire"`},
		{"NaN", state(func(s *gate.BudgetState) { s.Spent = math.NaN() }), ""},
		{"infinite", state(func(s *gate.BudgetState) { s.Conditions[0].Long = new(math.Inf(1)) }), ""},
		{"infinite remaining", state(func(s *gate.BudgetState) { s.Remaining = new(math.Inf(-1)) }), ""},
		{"NaN coverage", state(func(s *gate.BudgetState) { s.LookbackCoverage = map[string]float64{"1h": math.NaN()} }), ""},
		{"infinite loss", state(func(s *gate.BudgetState) { s.Losses = []gate.Loss{{Share: math.Inf(1)}} }), ""},
		{"a state of nobody", state(func(s *gate.BudgetState) { s.Service = "" }), "whose it is"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(healthy())
			tt.with(&r)
			err := gate.Validate(r)
			if fault.KindOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), tt.say) {
				t.Errorf("Validate: %v, want an invalid request that says %q", err, tt.say)
			}
			d := gate.Decide(r)
			if d.Verdict != decision.Inconclusive || d.Reasons[0].Code != string(gate.RowInvalid) {
				t.Errorf("decided %v %v", d.Verdict, d.Reasons)
			}
			if _, err := json.Marshal(d); err != nil {
				t.Errorf("the decision cannot be printed: %v", err)
			}
			if r.Change.Class = gate.ClassRollback; gate.Decide(r).Verdict != decision.Pass {
				t.Error("a rollback is held by a request that makes no sense")
			}
			if _, err := json.Marshal(gate.Decide(r)); err != nil {
				t.Errorf("the rollback's decision cannot be printed: %v", err)
			}
		})
	}
	if err := gate.Validate(request(healthy())); err != nil {
		t.Error(err)
	}
}
