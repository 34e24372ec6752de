package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/config"
)

// TestTierDefaults: what a document says itself wins, then its own label's
// tier, then its service's.
func TestTierDefaults(t *testing.T) {
	cat, problems, err := config.Load(t.Context(), []string{"testdata/valid/tiers.yaml"}, config.Options{Types: types(), Strict: true})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	var got []string
	for i := range cat.Objectives {
		o := &cat.Objectives[i]
		got = append(got, strings.Join([]string{
			o.Service + "/" + o.SLO, o.Owner, o.Window.String(), strings.Join(o.AlertPolicies, ","), o.Coverage.String(),
			[]string{"zero", "unmeasured", "good", "bad"}[o.Missing],
		}, " "))
	}
	want := []string{
		"payment-api/availability platform 30d page 0.95 unmeasured",
		"payment-api/latency platform 30d page 0.95 unmeasured",
		"search/availability finders 7d page 0.5 unmeasured",
		"ledger/books  30d page 0.95 zero",
		"ledger/late  1M  0.9 zero",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, p := range cat.Policies {
		if want := map[string][]string{"strict": {"payment-api"}, "own": {"search"}}[p.Name]; !slices.Equal(p.Services, want) {
			t.Errorf("the policy %s is for %v, want %v", p.Name, p.Services, want)
		}
	}
	for i, want := range []string{"critical", "critical", "low"} {
		if s := cat.Services[i]; s.Tier != want {
			t.Errorf("%s is of tier %q, want %q", s.Name, s.Tier, want)
		}
	}
}

// TestTierExpanded: what tiers give is printed with its place, and what is
// printed says the same without any tier.
func TestTierExpanded(t *testing.T) {
	data, err := os.ReadFile("testdata/valid/tiers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// The tiers stand in a file of their own, which is not printed.
	file := string(data)
	cut := strings.Index(file, "---\napiVersion: openslo/v1\nkind: AlertPolicy")
	tiers, rest := config.File{Name: "tiers.yaml", Data: []byte(file[:cut])}, config.File{Name: "services.yaml", Data: []byte(file[cut+4:])}
	opt := config.Options{Types: types()}
	out, problems, err := config.Expand([]config.File{rest}, []config.File{tiers}, opt)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	golden(t, filepath.Join("testdata", "tiers.golden"), string(out))
	before, problems := config.Parse([]config.File{tiers, rest}, opt)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	// Without the tiers the policy they name is nobody's.
	after, problems := config.Parse([]config.File{{Name: "out.yaml", Data: out}}, opt)
	if n := len(problems); n != 1 || problems[0].Rule != "missing-field" {
		t.Fatal(problems)
	}
	if len(before.Objectives) != len(after.Objectives) {
		t.Fatalf("%d objectives became %d", len(before.Objectives), len(after.Objectives))
	}
	for i := range before.Objectives {
		a, b := before.Objectives[i], after.Objectives[i]
		if a.Key() != b.Key() || a.Window.String() != b.Window.String() || a.Coverage != b.Coverage || a.Missing != b.Missing || a.Owner != b.Owner ||
			!slices.Equal(a.AlertPolicies, b.AlertPolicies) {
			t.Errorf("%s: %+v became %+v", a.Key(), a, b)
		}
	}
	for i := range before.Indicators {
		if before.Indicators[i].Lineage != after.Indicators[i].Lineage {
			t.Errorf("%s begins a new lineage", before.Indicators[i].ID)
		}
	}
}

// TestTierLabelAlone: where there is no tier, the label is free text.
func TestTierLabelAlone(t *testing.T) {
	_, problems := config.Parse([]config.File{{Name: "a.yaml", Data: []byte("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: a, labels: {tier: gold}}\n")}}, config.Options{})
	if len(problems) > 0 {
		t.Error(problems)
	}
}
