package backtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	pure "gitlab.com/nines-sre/nines/internal/backtest"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/run/backtest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const newYear = slo.Minute(28928160) // 2025-01-01T00:00Z

// TestReadIncidents: both forms read alike, and a minute that is touched counts.
func TestReadIncidents(t *testing.T) {
	t.Parallel()
	want := []pure.Incident{
		{ID: "a", Subject: "shop", From: newYear, To: newYear + 2},
		{ID: "b", Subject: "shop/pay", From: newYear + 60, To: newYear + 61},
	}
	for name, text := range map[string]string{
		"i.csv":  "id,subject,from,to\nb,shop/pay,2025-01-01T01:00:00Z,2025-01-01T01:01:00Z\na,shop,2025-01-01T00:00:30Z,2025-01-01T00:01:01Z\n",
		"i.yaml": "incidents:\n  - {id: b, subject: shop/pay, from: 2025-01-01T01:00:00Z, to: 2025-01-01T02:01:00+01:00}\n  - {id: a, subject: shop, from: 2025-01-01T00:00:30Z, to: 2025-01-01T00:01:01Z}\n",
	} {
		got, err := backtest.ReadIncidents(file(t, name, text))
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
	for text, says := range map[string]string{
		"":                          "names no incident",
		"subject,from\nx,y":         "there is no column to",
		"subject,from,to\n":         "names no incident",
		"subject,from,to\nx,y,z\n":  "incident 1: from:",
		"subject,from,to\nx,y\n":    "wrong number of fields",
		"incidents: 7":              "",
		"incidents: [{subjekt: x}]": "subjekt",
		"subject,from,to\n,2025-01-01T00:00:00Z,2025-01-01T00:01:00Z\n": "it has no subject",
	} {
		_, err := backtest.ReadIncidents(file(t, "i", text))
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %s", text, err, says)
		}
	}
}

// FuzzReadIncidents: what is read makes sense, whatever is written.
func FuzzReadIncidents(f *testing.F) {
	f.Add("subject,from,to\nshop,2025-01-01T01:00:00Z,2025-01-01T01:01:00Z\n")
	f.Add("incidents:\n  - {subject: shop, from: 2025-01-01T01:00:00Z, to: 2025-01-01T02:01:00Z}\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := backtest.ReadIncidents(file(t, "i", text))
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Fatal(err)
		}
		for _, i := range got {
			if i.Subject == "" || i.From >= i.To {
				t.Fatalf("%+v", i)
			}
		}
	})
}

// TestRead: the short form, its shares and what is wrong with it.
func TestRead(t *testing.T) {
	t.Parallel()
	o := &slo.Objective{Service: "shop", SLO: "pay", Target: slo.MustDecimal("0.999"), Window: slo.Rolling{Length: 28 * slo.Day}}
	trial, err := backtest.Read(&config.Catalog{}, file(t, "mine.yaml",
		"weighted: true\nminBadEvents: 5\nrules:\n  - {name: fast, share: 2%, long: 1h, after: 2m}\n  - {severity: ticket, threshold: 1, long: 3d, short: 1h}\n  - {threshold: 1000, long: 1h}\n"), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := pure.Policy{Name: "mine", MinBad: slo.Events(5), Rules: []pure.Rule{
		{Condition: slo.Condition{Name: "fast", Long: 60, Short: 5, Threshold: slo.MustDecimal("13.44"), Weighted: true}, After: 2},
		{Condition: slo.Condition{Name: "ticket-2", Severity: slo.Ticket, Long: 3 * slo.Day, Short: 60, Threshold: slo.MustDecimal("1"), Weighted: true}},
	}}
	if d := cmp.Diff(want, trial.For(o), cmp.AllowUnexported(slo.Decimal{})); d != "" {
		t.Error(d)
	}
	for text, says := range map[string]string{
		"rules: [{share: 2%, long: 1y}]":                   `rule 1: long "1y"`,
		"rules: [{share: 0, long: 1h}]":                    `rule 1: share "0"`,
		"rules: [{share: 101%, long: 1h}]":                 `rule 1: share "101%"`,
		"rules: [{threshold: -1, long: 1h}]":               `rule 1: threshold "-1"`,
		"rules: [{share: 2%, long: 1h, short: 2h}]":        `rule 1: short "2h"`,
		"minBadEvents: -1\nrules: [{share: 2%, long: 1h}]": "minBadEvents",
		"ruls: []": "ruls",
		"apiVersion: nines/v1\nkind: Settings\nmetadata: {name: x}\nspec: {}": "no AlertPolicy, GatePolicy or Exclusion",
	} {
		_, err := backtest.Read(&config.Catalog{}, file(t, "x.yaml", text), config.Options{})
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %s", text, err, says)
		}
	}
	for _, name := range []string{"documents", "default", "recommended"} {
		trial, err := backtest.Read(&config.Catalog{}, name, config.Options{})
		if err != nil || trial.Name != name || !trial.Rules {
			t.Errorf("%s: %v", name, err)
		}
	}
}
