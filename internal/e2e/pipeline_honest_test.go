package e2e_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const recordedDoc = `---
apiVersion: openslo/v1
kind: SLO
metadata: {name: ok}
spec:
  service: %[1]s
  indicator:
    metadata: {name: %[1]s}
    spec:
      ratioMetric:
        counter: false
        good: {metricSource: {type: csv, spec: {path: %[2]s.csv, column: good}}}
        total: {metricSource: {type: csv, spec: {path: %[2]s.csv, column: total}}}
  budgetingMethod: Occurrences
  objectives: [{displayName: ok, target: 0.99}]
  timeWindow: [{duration: 1d, isRolling: true}]
`

const honestPolicies = `---
apiVersion: nines/v1
kind: GatePolicy
metadata: {name: frozen}
spec:
  services: [frozen]
  freezes: [{name: move, reason: the database moves, from: 2020-01-01T00:00:00Z, to: 2099-01-01T00:00:00Z}]
---
apiVersion: nines/v1
kind: GatePolicy
metadata: {name: lenient}
spec: {services: [lenient], onError: warn}
`

// recorded is four days of minutes with 100 requests each, of which 50 fail in
// bad minutes twelve hours before the end: the budget of a day is 1,440.
func recorded(bad int) string {
	var b strings.Builder
	b.WriteString("timestamp,good,total\n")
	const minutes = 4 * 24 * 60
	for m := range minutes {
		good := 100
		if from := minutes - 12*60; m >= from && m < from+bad {
			good = 50
		}
		fmt.Fprintf(&b, "%s,%d,100\n", base().Add(time.Duration(m)*time.Minute).Format(time.RFC3339), good)
	}
	return b.String()
}

func honestFiles(store, away string) map[string]string {
	files := map[string]string{"slo/fine.csv": recorded(0), "slo/worn.csv": recorded(23), "slo/spent.csv": recorded(40)}
	var docs strings.Builder
	docs.WriteString(honestPolicies)
	for _, s := range [][2]string{{"fine", "fine"}, {"worn", "worn"}, {"spent", "spent"}, {"frozen", "fine"}, {"lenient", "fine"}} {
		fmt.Fprintf(&docs, recordedDoc, s[0], s[1])
	}
	files["slo/slo.yaml"] = docs.String()
	kept, lost := "store: 'sqlite:"+store+"'", "store: 'sqlite:"+away+"'"
	var ci strings.Builder
	ci.WriteString("stages: [test, deploy, after]\ninclude:\n")
	for _, c := range []struct{ name, service, mode, store, more string }{
		{"fine", "fine", "enforce", kept, ""},
		{"worn", "worn", "enforce", kept, ""},
		{"spent", "spent", "enforce", kept, ""},
		{"advised", "spent", "advise", kept, ""},
		{"nobody", "nobody", "advise", kept, ""},
	} {
		ci.WriteString(component("slo-check", "config: slo", "job-prefix: "+c.name+"-", "service: "+c.service, "mode: "+c.mode, c.store))
	}
	var jobs strings.Builder
	for _, c := range []struct{ name, service, mode, store, input, job string }{
		{"fine", "fine", "enforce", kept, "", ""},
		{"worn", "worn", "policy", kept, "", ""},
		{"spent", "spent", "policy", kept, "", ""},
		{"frozen", "frozen", "enforce", kept, "", ""},
		{"advised", "spent", "advise", kept, "", ""},
		{"nobody", "nobody", "advise", kept, "", ""},
		{"back", "spent", "enforce", kept, "class: rollback", ""},
		{"claimed", "spent", "enforce", kept, "", "variables: {NINES_CLASS: rollback}"},
		{"unheard", "spent", "enforce", kept, "claims: false", "variables: {NINES_CLASS: rollback}"},
		{"leave", "worn", "enforce", kept, "environment: staging", "variables: {NINES_OVERRIDE: \"INC-7: it's \\\"now\\\" $(touch x)\"}"},
		{"leave2", "spent", "enforce", kept, "environment: staging", "variables: {NINES_OVERRIDE: \"INC-7: it's \\\"now\\\" $(touch x)\", NINES_OVERRIDE_FOR: 2h}"},
		{"away", "fine", "enforce", lost, "", ""},
		{"away2", "lenient", "enforce", lost, "", ""},
	} {
		inputs := []string{"config: slo", "name: " + c.name, "service: " + c.service, "mode: " + c.mode, c.store}
		if c.input != "" {
			inputs = append(inputs, c.input)
		}
		ci.WriteString(component("gate", inputs...))
		jobs.WriteString(deployJob(c.name, c.job))
	}
	files[".gitlab-ci.yml"] = ci.String() + jobs.String() + `
after:
  stage: after
  needs: [worn-slo-check]
  script:
    - '[ "$NINES_VERDICT" = warn ] && [ "$NINES_SERVICE" = worn ] && [ "$NINES_EXIT_CODE" = 5 ]'
`
	return files
}

// entry is what the test reads of an entry of the ledger.
type entry struct {
	Kind, Subject, Actor string
	Body                 json.RawMessage
}

func entries(t *testing.T, p *project, store string) (out []entry) {
	t.Helper()
	data := nines(t, p.dir, 0, "ledger", "--config", "slo", "--store", "sqlite:"+store, "-o", "json", "--limit", "100")
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return out
}

// TestHonestPipeline runs the components as a project would: what may go goes,
// what may not does not, and each says why.
func TestHonestPipeline(t *testing.T) {
	runner(t)
	t.Parallel()
	keep := t.TempDir()
	store, away := filepath.Join(keep, "nines.db"), filepath.Join(keep, "away", "nines.db")
	if err := os.Mkdir(filepath.Dir(away), 0o750); err != nil {
		t.Fatal(err)
	}
	write(t, away, "this is no database")
	p := newProject(t, honestFiles(store, away))
	got := p.run(t)
	got.want(t, map[string]string{
		"fine-slo-check": "PASS", "worn-slo-check": "WARN", "spent-slo-check": "FAIL", "advised-slo-check": "PASS", "nobody-slo-check": "WARN",
		"deploy-fine": "PASS", "deploy-worn": "PASS", "deploy-spent": "FAIL", "deploy-frozen": "FAIL", "deploy-advised": "PASS", "deploy-nobody": "PASS",
		"deploy-back": "PASS", "deploy-claimed": "PASS", "deploy-unheard": "FAIL", "deploy-leave": "PASS", "deploy-leave2": "PASS",
		"deploy-away": "FAIL", "deploy-away2": "PASS", "after": "PASS",
	})
	deployed := []string{"advised", "away2", "back", "claimed", "fine", "leave", "leave2", "nobody", "worn"}
	if d := got.deployed(t); !slices.Equal(d, deployed) {
		t.Errorf("deployed: %v, want %v", d, deployed)
	}
	if got.code != 1 {
		t.Errorf("the pipeline ended with %d, want 1", got.code)
	}
	for job, says := range map[string]string{
		"spent-slo-check": "exhausted", "deploy-spent": "exhausted", "deploy-frozen": "the database moves", "deploy-worn": "the job goes on",
		"deploy-nobody": "it only advises", "deploy-away2": "recorded when the store is back", "deploy-back": "rollback", "deploy-leave2": `INC-7: it's "now" $(touch x)`,
	} {
		if said := got.said(t, job); !strings.Contains(said, says) {
			t.Errorf("%s does not say %q:\n%s", job, says, said)
		}
	}
	artifacts(t, got)
	recordedOf(t, p, store)

	// The store is back: what was spooled is recorded, the override still holds.
	if err := os.Remove(away); err != nil {
		t.Fatal(err)
	}
	p.run(t, "deploy-away2").want(t, map[string]string{"deploy-away2": "PASS"})
	if n := len(entries(t, p, away)); n != 3 {
		t.Errorf("%d entries after the store was back, want the two spooled and one more", n)
	}
}

// artifacts looks at what jobs leave, also those whose gate held them.
func artifacts(t *testing.T, got *pipeline) {
	t.Helper()
	for job, file := range map[string]string{"spent-slo-check": "spent-slo-check", "deploy-spent": "spent", "fine-slo-check": "fine-slo-check", "deploy-fine": "fine"} {
		var report struct {
			Failures int `xml:"failures,attr"`
			Suites   []struct {
				Failures int `xml:"failures,attr"`
			} `xml:"testsuite"`
		}
		if err := xml.Unmarshal([]byte(got.artifact(t, job, file+".xml")), &report); err != nil {
			t.Errorf("%s: %v", job, err)
		}
		failures := report.Failures
		for _, s := range report.Suites {
			failures = max(failures, s.Failures)
		}
		if (failures > 0) != strings.Contains(job, "spent") {
			t.Errorf("%s: %d failures in its JUnit report", job, failures)
		}
		if !json.Valid([]byte(got.artifact(t, job, file+".json"))) {
			t.Errorf("%s: annotations are no JSON: %s", job, got.artifact(t, job, file+".json"))
		}
	}
	env := got.artifact(t, "deploy-spent", "spent.env")
	for _, line := range []string{"NINES_VERDICT=fail\n", "NINES_EXIT_CODE=3\n", "NINES_REASONS=exhausted"} {
		if !strings.Contains(env, line) {
			t.Errorf("the variables of deploy-spent lack %q:\n%s", line, env)
		}
	}
}

// recordedOf looks at the ledger: a decision for each call that could write it,
// and one override.
func recordedOf(t *testing.T, p *project, store string) {
	t.Helper()
	kinds := map[string]int{}
	for _, e := range entries(t, p, store) {
		kinds[e.Kind]++
		if e.Kind == "override" && (e.Subject != "spent" || !strings.Contains(string(e.Body), "INC-7")) {
			t.Errorf("an override of %s: %s", e.Subject, e.Body)
		}
	}
	// Of 16 calls with this store two are about a service nobody knows.
	if kinds["decision"] != 14 || kinds["override"] != 1 {
		t.Errorf("the ledger has %v, want 14 decisions and one override", kinds)
	}
}
