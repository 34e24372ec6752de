package lint_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/OpenSLO/go-sdk/pkg/openslosdk"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// opinion is what a program says to a document.
type opinion string

const (
	accepts opinion = "accepts"
	warns   opinion = "warns"
	refuses opinion = "refuses"
)

// TestDifferential breaks the document of the comparison in one place at a time
// and holds our opinion against that of OpenSLO's own library. Where they
// differ, the reason stands beside the row.
func TestDifferential(t *testing.T) {
	for _, tc := range []struct {
		name, old, new string
		ours, sdk      opinion
		why            string
	}{
		{"untouched", "", "", accepts, accepts, ""},
		{"unknown field", "  budgetingMethod:", "  budgetMethod:", refuses, refuses, ""},
		{"unknown field beside the others", "  service: service-0\n", "  service: service-0\n  owner: me\n", refuses, refuses, ""},
		{"no service", "  service: service-0\n", "", refuses, refuses, ""},
		{"service that is not there", "service: service-0", "service: nobody", refuses, accepts, "the library resolves no references"},
		{"method that is not there", "budgetingMethod: Occurrences", "budgetingMethod: Sometimes", refuses, refuses, ""},
		{"target of 1", "target: 0.999", "target: 1", refuses, refuses, ""},
		{"target of 0", "target: 0.999", "target: 0", refuses, accepts, "everything would be within the budget"},
		{"target in percent", "target: 0.999", "target: 99.9", refuses, refuses, ""},
		{"the same target twice", "target: 0.999", "target: 0.99", accepts, accepts, ""},
		{"the same objective twice", "displayName: mostly available", "displayName: available", refuses, accepts, "answers name an objective by its displayName"},
		{"no objectives", "  objectives:\n    - displayName: available\n      target: 0.999\n    - displayName: mostly available\n      target: 0.99\n", "  objectives: []\n", refuses, accepts, "an SLO without a target says nothing"},
		{"window of nothing", "duration: 30d", "duration: 0d", refuses, accepts, "a window of no length divides by zero"},
		{"window that is no duration", "duration: 30d", "duration: month", refuses, refuses, ""},
		{"window with two units", "duration: 30d", "duration: 1d12h", refuses, refuses, ""},
		{"two windows", "    - duration: 30d\n      isRolling: true\n", "    - duration: 30d\n      isRolling: true\n    - duration: 7d\n      isRolling: true\n", refuses, refuses, ""},
		{"name with capitals", "name: slo-0\n", "name: SLO-0\n", refuses, refuses, ""},
		{"good and bad", "        good:\n", "        bad:\n          metricSource: {type: csv, spec: {path: a.csv}}\n        good:\n", refuses, refuses, ""},
		{"no total", "        total:\n", "        totals:\n", refuses, refuses, ""},
		{"operator beside a ratio", "      target: 0.999\n", "      target: 0.999\n      op: lt\n", warns, refuses, "published examples have it, and it means nothing; --strict refuses it"},
		{"threshold above the ceiling", "threshold: 14.4", "threshold: 1001", refuses, accepts, "it can never be exceeded"},
		{"look-back that is no duration", "lookbackWindow: 1h", "lookbackWindow: soon", refuses, refuses, ""},
		{"condition without a kind", "                kind: burnrate\n", "", warns, refuses, "published examples leave it out, and there is only one kind; --strict refuses it"},
		{"no version", "apiVersion: openslo/v1\nkind: SLO", "kind: SLO", refuses, refuses, ""},
		{"kind that is not there", "kind: SLO", "kind: SLOs", refuses, refuses, ""},
		{"a key twice", "  service: service-0\n", "  service: service-0\n  service: service-0\n", refuses, accepts, "one of the two is not what its author thinks"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := fmt.Sprintf(service, 0) + "---\n" + strings.Replace(fmt.Sprintf(document, 0, 0), tc.old, tc.new, 1)
			if tc.old != "" && !strings.Contains(fmt.Sprintf(document, 0, 0), tc.old) {
				t.Fatal("the document is as it was")
			}
			ours, problems := lintText(text)
			sdk, err := sdkText(text)
			if ours != tc.ours {
				t.Errorf("nines %s, want %s: %v", ours, tc.ours, problems)
			}
			if sdk != tc.sdk {
				t.Errorf("the library %s, want %s: %v", sdk, tc.sdk, err)
			}
			if (ours == refuses) != (sdk == refuses) && tc.why == "" {
				t.Error("the two differ, and no reason stands beside the row")
			}
			if sdk == refuses && ours == accepts {
				t.Error("we accept what OpenSLO's own library refuses")
			}
		})
	}
}

func lintText(text string) (opinion, fault.Problems) {
	_, problems := config.Parse([]config.File{{Name: "slo.yaml", Data: []byte(text)}}, config.Options{})
	switch {
	case problems.Err(false) != nil:
		return refuses, problems
	case len(problems) > 0:
		return warns, problems
	}
	return accepts, nil
}

func sdkText(text string) (opinion, error) {
	objects, err := openslosdk.Decode(strings.NewReader(text), openslosdk.FormatYAML)
	if err == nil {
		err = openslosdk.Validate(objects...)
	}
	if err != nil {
		return refuses, err
	}
	return accepts, nil
}

// TestCorpus holds the program's own good documents against the library: what
// we call valid OpenSLO has to be valid for others.
func TestCorpus(t *testing.T) {
	const dir = "../../internal/config/testdata/valid"
	// Documents we take though the library does not, and why.
	known := map[string]string{}
	names, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no documents in %s: %v", dir, err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			text := onlyOpenSLO(string(data))
			if text == "" {
				t.Skip("no OpenSLO document in it")
			}
			got, err := sdkText(text)
			why, expected := known[filepath.Base(name)]
			switch {
			case got == refuses && !expected:
				t.Errorf("the library refuses it: %v", err)
			case got == accepts && expected:
				t.Errorf("the library takes it now; it is listed because %s", why)
			}
		})
	}
}

// onlyOpenSLO leaves out documents of our own kinds.
func onlyOpenSLO(text string) string {
	var out []string
	for doc := range strings.SplitSeq(text, "\n---") {
		if strings.Contains(doc, "apiVersion: openslo/v1\n") {
			out = append(out, doc)
		}
	}
	return strings.Join(out, "\n---")
}
