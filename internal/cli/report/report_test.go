package report_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cli/report"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/render"
	"gitlab.com/nines-sre/nines/internal/render/term"
)

// called is a host whose variables and streams are given.
func called(env map[string]string) (h *host.Host, out, err *bytes.Buffer) {
	out, err = &bytes.Buffer{}, &bytes.Buffer{}
	pipe := func() (int, int, bool) { return 0, 0, false }
	h = &host.Host{Process: host.Process{Out: out, Err: err, OutSize: pipe, ErrSize: pipe, Getenv: func(name string) string { return env[name] }}}
	return h, out, err
}

func rollout() *render.Rollout {
	return &render.Rollout{
		Verb: "canary", Service: "pay", Version: "8", Baseline: "7", ID: "1ng", Outcome: "held", Commit: "abc", Environment: "production",
		Decision: decision.Decision{Verdict: decision.Pass, At: time.Unix(0, 0), Reasons: []decision.Reason{{Code: "good", Text: "it is <good>"}}},
	}
}

func TestSay(t *testing.T) {
	dir := t.TempDir()
	h, out, errs := called(nil)
	flags := pflag.NewFlagSet("x", pflag.ContinueOnError)
	var f report.Flags
	f.Declare(flags)
	var args []string
	for _, format := range report.Formats() {
		args = append(args, "--report", format+"="+filepath.Join(dir, format))
	}
	if err := flags.Parse(append(args, "--report", "json=/no/such/folder/x")); err != nil {
		t.Fatal(err)
	}
	to, err := f.Open(h)
	if err != nil || to.Format() != "text" {
		t.Fatal(err, to.Format())
	}
	a := report.Rollout(rollout(), func(term.Style) string { return "PASS\n" }, map[string]string{"is": "<good>"})
	if err := to.Say(h, a); err != nil {
		t.Fatal(err)
	}
	if out.String() != "PASS\n" || !strings.Contains(errs.String(), "no such file") {
		t.Errorf("%q %q", out, errs)
	}
	for format, want := range map[string]string{
		"text": "PASS\n", "json": `{"is":"<good>"}`, "junit": `<testcase classname="nines.canary.pay" name="verdict">`,
		"dotenv":      "NINES_VERDICT=pass\nNINES_VERSION=8\nNINES_ROLLOUT=1ng\nNINES_OUTCOME=held\nNINES_BASELINE=7\nNINES_EXIT_CODE=0\n",
		"annotations": `"nines canary"`, "metrics": `nines_canary_verdict{service="pay",verdict="pass"} 1`,
	} {
		data, err := os.ReadFile(filepath.Join(dir, format))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v\n%s", format, err, data)
		}
	}
	for _, bad := range []string{"pdf=x", "junit", "junit="} {
		var f report.Flags
		flags := pflag.NewFlagSet("x", pflag.ContinueOnError)
		f.Declare(flags)
		if err := flags.Parse([]string{"--report", bad}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Open(h); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// scribe keeps the note that is written.
type scribe struct {
	forge.Forge
	got  forge.Note
	fail error
}

func (s *scribe) Note(_ context.Context, n forge.Note) (string, error) {
	s.got = n
	return "https://gitlab.example.com/note", s.fail
}

func TestNote(t *testing.T) {
	h, _, errs := called(map[string]string{"CI_MERGE_REQUEST_IID": "7", "CI_COMMIT_SHA": "def", "CI_JOB_URL": "https://gitlab.example.com/j", "CI_ENVIRONMENT_NAME": "staging"})
	r := rollout()
	report.Surround(h, r)
	if r.Environment != "production" || r.Commit != "def" || r.JobURL == "" {
		t.Errorf("%+v", r)
	}
	s := &scribe{}
	report.Note(t.Context(), h, s, r)
	if s.got.Change != 7 || s.got.Commit != "def" || s.got.Part != "canary" || !strings.Contains(s.got.Body, "is held at its share") {
		t.Errorf("%+v", s.got)
	}
	s.fail = fault.New(fault.NotFound, "note", "no merge request", "")
	report.Note(t.Context(), h, s, r)
	s.fail = fault.New(fault.Denied, "note", "not you", "")
	report.Note(t.Context(), h, s, r)
	report.Note(t.Context(), h, nil, r)
	want := "nines: the merge request's note: https://gitlab.example.com/note\nnines: no note on the merge request: note: not you\n"
	if errs.String() != want {
		t.Errorf("%q", errs)
	}
	s.got = forge.Note{}
	h.At = "2025-01-01T00:00:00Z"
	if report.Note(t.Context(), h, s, r); s.got.Body != "" {
		t.Error("a question about another time is told")
	}
}
