package oracle_test

import (
	"bytes"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/telemetry/internal/oracle"
)

// TestPowertoolsRunsEveryCase holds the cases to be calls that the official
// library takes, and its lines to what they were chosen for: records with the
// Lambda keys, and metric lines that the schema takes.
func TestPowertoolsRunsEveryCase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		cases []oracle.Case
		line  func(testing.TB, []byte)
	}{
		{"logger", oracle.LoggerCases(t), record},
		{"metrics", oracle.MetricsCases(t), func(tb testing.TB, line []byte) { tb.Helper(); oracle.EMF(tb, line) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for i, p := range oracle.Powertools(t, c.cases...) {
				if p.Name != c.cases[i].Name || p.Threw != "" {
					t.Errorf("%q answered as %q and threw %q", c.cases[i].Name, p.Name, p.Threw)
				}
				t.Logf("%s\n%s\nsaid: %q", p.Name, bytes.Join(p.Records, []byte("\n")), p.Said)
				for _, line := range p.Records {
					c.line(t, line)
				}
			}
		})
	}
}

// record holds a line to the keys that every record has.
func record(tb testing.TB, line []byte) {
	tb.Helper()
	var keys []string
	for _, f := range oracle.Fields(tb, line) {
		keys = append(keys, f.Key)
	}
	all := " " + strings.Join(keys, " ") + " "
	for _, key := range []string{"level", "timestamp", "service", "sampling_rate"} {
		if !strings.Contains(all, " "+key+" ") {
			tb.Errorf("a record without %s: %s", key, line)
		}
	}
}

// TestPowertoolsDefects holds the cases that only defects need: what JSON cannot
// spell, and the sampling of many loggers.
func TestPowertoolsDefects(t *testing.T) {
	t.Parallel()
	got := oracle.Powertools(t,
		oracle.Case{Name: "nan", Utility: "metrics", Options: oracle.Options{Namespace: "Shop"}, Steps: []oracle.Step{
			{Do: "metric", Name: "Ratio", Unit: "None", Value: []byte(`{"number":"NaN"}`)}, {Do: "publish"},
		}},
		oracle.Case{Name: "sampled", Utility: "sampling", Loggers: 500, Rate: 1},
		oracle.Case{Name: "unknown step", Steps: []oracle.Step{{Do: "nothing"}}},
	)
	if len(got[0].Records) != 1 || !bytes.Contains(got[0].Records[0], []byte(`"Ratio":null`)) {
		t.Errorf("NaN is printed as %s", got[0].Records)
	}
	if got[1].Sampled != 500 {
		t.Errorf("a rate of 1 sampled %d of 500", got[1].Sampled)
	}
	if got[2].Threw == "" {
		t.Error("an unknown step did not throw")
	}
}

// TestPowertoolsSegments holds the segment check to documents that X-Ray's own SDK
// writes.
func TestPowertoolsSegments(t *testing.T) {
	t.Parallel()
	env := map[string]string{"AWS_EXECUTION_ENV": "AWS_Lambda_nodejs20.x", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}
	cases := []oracle.Case{
		{Name: "good", Utility: "tracer", Env: env, Options: oracle.Options{ServiceName: "checkout"}, Steps: []oracle.Step{
			{Do: "cold"},
			{Do: "service"},
			{Do: "annotation", Name: "route", Value: []byte(`"/pay"`)},
			{Do: "annotation", Name: "n", Value: []byte(`1.5`)},
			{Do: "metadata", Name: "order", Value: []byte(`{"id":"o-123"}`)},
			{Do: "response", Name: "handler", Value: []byte(`{"status":200}`)},
		}},
		{Name: "bad", Utility: "tracer", Env: env, Steps: []oracle.Step{
			{Do: "cold"}, {Do: "service"}, {Do: "error", Error: &oracle.Failure{Name: "Declined", Message: "card declined"}},
		}},
	}
	for _, p := range oracle.Powertools(t, cases...) {
		if p.Threw != "" || len(p.Records) != 1 {
			t.Fatalf("%+v", p)
		}
		t.Logf("%s", p.Records[0])
		oracle.Segment(t, p.Records[0])
		if !bytes.Contains(p.Records[0], []byte(`"ColdStart":true`)) {
			t.Errorf("nothing about the cold start: %s", p.Records[0])
		}
	}
}
