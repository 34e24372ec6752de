package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"gitlab.com/nines-sre/nines/internal/fault"
)

func TestEveryKindHasItsRow(t *testing.T) {
	seen := map[string]fault.Kind{}
	for k := fault.Internal; k <= fault.Canceled; k++ {
		if other, dup := seen[k.String()]; dup {
			t.Errorf("kinds %d and %d share the name %q", k, other, k)
		}
		seen[k.String()] = k
		if code := k.ExitCode(); code != 1 && code != 2 {
			t.Errorf("%v exits with %d; only 1 and 2 mean an error", k, code)
		}
		if s := k.HTTPStatus(); s < 400 || s > 599 {
			t.Errorf("%v answers %d, which is no error", k, s)
		}
	}
	for _, k := range []fault.Kind{fault.Invalid, fault.Denied, fault.Corrupt, fault.Unsupported, fault.Internal, fault.Full} {
		if k.Retry() {
			t.Errorf("%v is retried, but time does not mend it", k)
		}
	}
}

func TestKindSurvivesWrapping(t *testing.T) {
	inner := fault.New(fault.Throttled, "read metrics", "rate exceeded", "wait")
	for name, err := range map[string]error{
		"bare":       inner,
		"fmt":        fmt.Errorf("measure payment-api: %w", inner),
		"wrap":       fault.Wrap(fault.Internal, "measure", inner, ""),
		"joined":     errors.Join(errors.New("other"), inner),
		"wrap-twice": fault.Wrap(fault.Internal, "a", fault.Wrap(fault.Full, "b", inner, ""), ""),
	} {
		if got := fault.KindOf(err); got != fault.Throttled {
			t.Errorf("%s: kind %v, want throttled", name, got)
		}
		if got := fault.HintOf(err); got != "wait" {
			t.Errorf("%s: hint %q, want %q", name, got, "wait")
		}
	}
	if fault.Wrap(fault.Internal, "x", nil, "y") != nil {
		t.Error("wrapping no error made one")
	}
}

func TestUnclassifiedErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want fault.Kind
	}{
		{errors.New("?"), fault.Internal},
		{context.Canceled, fault.Canceled},
		{fmt.Errorf("ask: %w", context.DeadlineExceeded), fault.Canceled},
		{fault.Problems{{Message: "m"}}, fault.Invalid},
	} {
		if got := fault.KindOf(c.err); got != c.want {
			t.Errorf("KindOf(%v) = %v, want %v", c.err, got, c.want)
		}
	}
}

func TestProblemText(t *testing.T) {
	p := fault.Problem{Place: fault.Place{File: "slo.yaml", Line: 3, Column: 7}, Message: `unknown field "targt"`, Hint: `did you mean "target"?`}
	if got, want := p.String(), `slo.yaml:3:7: unknown field "targt" (did you mean "target"?)`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	p.Severity, p.Hint, p.Place.Column = fault.SeverityWarning, "", 0
	if got, want := p.String(), `slo.yaml:3: warning: unknown field "targt"`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestProblemsAsError(t *testing.T) {
	warn := fault.Problem{Severity: fault.SeverityWarning, Message: "w", Place: fault.Place{File: "b", Line: 1}}
	bad := fault.Problem{Message: "e", Place: fault.Place{File: "a", Line: 2}}
	if err := (fault.Problems{warn}).Err(false); err != nil {
		t.Errorf("a warning alone is an error: %v", err)
	}
	if err := (fault.Problems{warn}).Err(true); err == nil {
		t.Error("strict lets a warning pass")
	}
	ps := fault.Problems{warn, bad}
	if err := ps.Err(false); err == nil || ps.Errors() != 1 {
		t.Errorf("Err = %v with %d errors", err, ps.Errors())
	}
	if got := ps.Sorted(); got[0].Place.File != "a" || ps[0].Place.File != "b" {
		t.Errorf("Sorted = %v; it orders a copy by place", got)
	}
}

func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fault.New(fault.NotFound, "find service shop", "there is none", ""), "find service shop: there is none"},
		{&fault.Error{Kind: fault.Full}, "full"},
		{&fault.Error{Op: "open store", Kind: fault.Full}, "open store"},
	} {
		if c.err.Error() != c.want {
			t.Errorf("got %q, want %q", c.err, c.want)
		}
	}
}
