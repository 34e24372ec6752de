package cli_test

import (
	"bytes"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/cli/host"
)

// verbs are all of them, groups with their parts.
func verbs() []string {
	return strings.Split("status,alerts,gate,canary,promote,rollback,watch,why,replay,discover,try,init,measure,lint,expand,schema,diff,analyze,backtest,test,ledger,"+
		"freeze add,freeze end,freeze list,exclude add,exclude end,exclude list,silence add,silence end,silence list,record deployment,version,"+
		"watch,record incident,"+
		"cloudwatch,cloudwatch clock,cloudwatch fault,cloudwatch requests,cloudwatch load,"+
		"render cloudformation,render prometheus,render grafana,render terraform,"+
		"canary plan,"+
		"cost,doctor,store create,store check,store copy,store digest,"+
		"notify,"+
		"handover,delivery,"+
		"completion bash,completion zsh,completion fish,completion powershell", ",")
}

// TestEveryVerbHelps checks that each verb says how it is called, shows
// examples and names its exit codes.
func TestEveryVerbHelps(t *testing.T) {
	for _, verb := range verbs() {
		t.Run(verb, func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := run(t, &out, &errs, host.Wiring{}, append(strings.Fields(verb), "--help")...); code != 0 {
				t.Fatalf("exit %d: %s", code, errs.String())
			}
			for _, want := range []string{"\nUsage:\n  nines " + verb, "\nExamples:\n  ", "\nExit codes:\n  0  ", "\n  2  ", "\nGlobal flags:\n", "--config DIR"} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in the help:\n%s", want, out.String())
				}
			}
			for line := range strings.Lines(out.String()) {
				if len([]rune(line)) > 101 {
					t.Errorf("a line of %d characters: %s", len([]rune(line)), line)
				}
			}
		})
	}
}

// TestEveryVerbIsListed checks the list above against the program's own.
func TestEveryVerbIsListed(t *testing.T) {
	var out bytes.Buffer
	run(t, &out, &out, host.Wiring{}, "__complete", "")
	for line := range strings.Lines(out.String()) {
		verb, _, described := strings.Cut(line, "\t")
		if !described || verb == "help" {
			continue
		}
		found := false
		for _, v := range verbs() {
			found = found || v == verb || strings.HasPrefix(v, verb+" ")
		}
		if !found {
			t.Errorf("verb %q is not tested", verb)
		}
	}
}

// TestPanic checks that a defect ends with 1 and a sentence, not with a trace.
func TestPanic(t *testing.T) {
	var out, errs bytes.Buffer
	// A program without wiring is a defect: the verb calls what is not there.
	if code := run(t, &out, &errs, host.Wiring{}, "lint", "."); code != 1 {
		t.Errorf("exit %d, want 1", code)
	}
	got := errs.String()
	if !strings.HasPrefix(got, "nines: internal error: ") || !strings.Contains(got, "\nhint: this is a defect") {
		t.Errorf("stderr: %s", got)
	}
	if strings.Contains(got, "goroutine") {
		t.Errorf("a trace is shown: %s", got)
	}
}
