package gate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cli/report"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gitkit"
	"gitlab.com/nines-sre/nines/internal/render/dotenv"
	render "gitlab.com/nines-sre/nines/internal/render/gitlab"
	"gitlab.com/nines-sre/nines/internal/render/junit"
	"gitlab.com/nines-sre/nines/internal/render/term"
)

// answers are those of the services that a change touches, as one.
type answers struct {
	since string
	config.Touched
	each []answer
}

// touched asks git what has changed since a ref, and the documents whose that
// is.
func (o *options) touched(ctx context.Context, catalog *config.Catalog) (config.Touched, error) {
	if o.override {
		return config.Touched{}, fault.New(fault.Invalid, "--override", "an override is for one service", "name it, and leave --changed-since out")
	}
	changed, err := gitkit.Changed(ctx, "", o.since)
	if err != nil {
		return config.Touched{}, err
	}
	return catalog.Touched(changed)
}

// verdict is the one that weighs most. A change that touches no service is no
// business of the gate's, and passes.
func (a answers) verdict() decision.Verdict {
	if len(a.each) == 0 {
		return decision.Pass
	}
	all := make([]decision.Verdict, len(a.each))
	for i := range a.each {
		all[i] = a.each[i].Decision.Verdict
	}
	return decision.Worst(all...)
}

// exitCode is the one that weighs most: held, not to be had, not known, a
// warning, go.
func exitCode(each []answer) int {
	order := []int{0, decision.Warn.ExitCode(), decision.Inconclusive.ExitCode(), 1, decision.Fail.ExitCode()}
	worst := 0
	for i := range each {
		worst = max(worst, slices.Index(order, each[i].ExitCode))
	}
	return order[worst]
}

// report is what all say, in each form that it is printed in.
func (a answers) report() report.Answer {
	out := report.Answer{
		Text: a.text, Object: a.object(), Vars: a.vars(), Links: render.Links{Heading: "nines gate"},
		Suite: junit.Suite{Name: "nines gate --changed-since " + a.since},
	}
	for i := range a.each {
		x := &a.each[i]
		out.Suite.Cases = append(out.Suite.Cases, x.junitCase())
		out.Links.Links = append(out.Links.Links, x.shown().Links().Links...)
		out.Metrics = append(out.Metrics, x.metrics()...)
	}
	return out
}

// object is what holds for all, and each service's decision as it is printed
// alone.
func (a answers) object() any {
	services := make([]any, len(a.each))
	for i := range a.each {
		services[i] = a.each[i].object()
	}
	return struct {
		Verdict  decision.Verdict `json:"verdict"`
		ExitCode int              `json:"exit_code"`
		Since    string           `json:"since"`
		Services []any            `json:"services"`
		Unmapped []string         `json:"unmapped,omitempty"`
		All      bool             `json:"all,omitempty"`
	}{a.verdict(), exitCode(a.each), a.since, services, a.Unmapped, a.All}
}

// vars are the variables that one answer has; where services differ, with commas
// between, in the order of NINES_SERVICE.
func (a answers) vars() []dotenv.Var {
	join := func(of func(*answer) string) string {
		out := make([]string, len(a.each))
		for i := range a.each {
			out[i] = of(&a.each[i])
		}
		return strings.Join(out, ",")
	}
	var codes []string
	at := ""
	for i := range a.each {
		for _, r := range a.each[i].Decision.Reasons {
			codes = append(codes, r.Code)
		}
		at = a.each[i].Decision.At.UTC().Format(time.RFC3339)
	}
	slices.Sort(codes)
	return []dotenv.Var{
		{Name: "NINES_VERDICT", Value: a.verdict().String()},
		{Name: "NINES_EXIT_CODE", Value: strconv.Itoa(exitCode(a.each))},
		{Name: "NINES_DECISION_ID", Value: join(func(x *answer) string { return x.Decision.ID })},
		{Name: "NINES_SERVICE", Value: join(func(x *answer) string { return x.Decision.Subject })},
		{Name: "NINES_VERDICTS", Value: join(func(x *answer) string { return x.Decision.Verdict.String() })},
		{Name: "NINES_POLICY", Value: join(func(x *answer) string { return x.Decision.Policy })},
		{Name: "NINES_REASONS", Value: strings.Join(slices.Compact(codes), ",")},
		{Name: "NINES_AT", Value: at},
	}
}

// text prints what holds for all, then each service's answer.
func (a answers) text(st term.Style) string {
	var b strings.Builder
	_, tone := headline(a.verdict())
	words := make([]string, len(a.each))
	for i := range a.each {
		words[i] = term.Clean(a.each[i].Decision.Subject) + " " + a.each[i].Decision.Verdict.String()
	}
	says := "no service is touched since " + term.Clean(a.since)
	if len(words) > 0 {
		says = fmt.Sprintf("since %s: %s", term.Clean(a.since), strings.Join(words, ", "))
	}
	b.WriteString(st.Paint(tone, strings.ToUpper(a.verdict().String())) + "  " + says + a.codeNote() + "\n")
	if n := len(a.Unmapped); n > 0 {
		what := "and no service is gated for that"
		if a.All {
			what = "so every service with paths is gated"
		}
		b.WriteString(st.Hang(term.Faint, "  unmapped  ", fmt.Sprintf("%s to no service, %s (settings: unmapped)", belong(a.Unmapped), what)))
	}
	for i := range a.each {
		b.WriteString("\n" + a.each[i].text(st))
	}
	return b.String()
}

// codeNote names the exit code where it is not the verdict's own.
func (a answers) codeNote() string {
	if code := exitCode(a.each); code != a.verdict().ExitCode() {
		return fmt.Sprintf(" (ends with %d)", code)
	}
	return ""
}

// belong names paths, not all where there are many, with their verb.
func belong(paths []string) string {
	const most = 3
	names := make([]string, 0, most)
	for _, p := range paths[:min(most, len(paths))] {
		names = append(names, term.Clean(p))
	}
	switch more := len(paths) - len(names); {
	case more > 0:
		return fmt.Sprintf("%s and %d more belong", strings.Join(names, ", "), more)
	case len(names) == 1:
		return names[0] + " belongs"
	}
	return strings.Join(names, ", ") + " belong"
}

// arguments wants one service, or none where the change names them.
func (o *options) arguments(args []string) error {
	if o.since == "" {
		return host.Args(1, 1, "a SERVICE")(nil, args)
	}
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q: --changed-since finds the services itself", args[0])
	}
	return nil
}
