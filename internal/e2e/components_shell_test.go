package e2e_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shellScript is what a job of a component runs, with its inputs written in as
// GitLab does: the defaults, but for those that are given.
func shellScript(t *testing.T, name, job, key string, given map[string]string) string {
	t.Helper()
	c := templates(t)[name]
	keywords, _ := c.jobs[job].(map[string]any)
	lines, _ := keywords[key].([]any)
	if len(lines) == 0 {
		t.Fatalf("%s has no %s", job, key)
	}
	text, ok := lines[0].(string)
	if !ok {
		t.Fatalf("%s of %s begins with no line: %v", key, job, lines[0])
	}
	return used.ReplaceAllStringFunc(text, func(m string) string {
		id := used.FindStringSubmatch(m)[1]
		if v, ok := given[id]; ok {
			return v
		}
		switch v := c.inputs[id].Default.(type) {
		case string:
			return v
		case bool:
			return map[bool]string{true: "true", false: "false"}[v]
		}
		t.Fatalf("the input %s of %s has no default", id, name)
		return ""
	})
}

// TestComponentsInAnyShell runs the scripts in sh as a runner does, with a
// program that says how it was called and ends with a code: the small images
// have no bash.
func TestComponentsInAnyShell(t *testing.T) {
	t.Parallel()
	gate := func(mode string) string {
		return shellScript(t, "gate", ".$[[ inputs.name ]]", "before_script", map[string]string{"service": "pay", "binary": "./nines", "mode": mode, "aws-role": "arn:aws:iam::123456789012:role/r"})
	}
	check := func(mode string) string {
		return shellScript(t, "slo-check", "$[[ inputs.job-prefix ]]slo-check", "script", map[string]string{"service": "pay", "binary": "./nines", "mode": mode})
	}
	for _, c := range []shellCase{
		{"gate pass", gate("enforce"), 0, 0, true},
		{"gate warn", gate("enforce"), 5, 0, true},
		{"gate fail", gate("enforce"), 3, 3, false},
		{"gate inconclusive", gate("policy"), 4, 4, false},
		{"gate error", gate("enforce"), 1, 1, false},
		{"gate not there", gate("enforce"), 127, 127, false},
		{"gate advises", gate("advise"), 0, 0, true},
		{"gate advises, error", gate("advise"), 2, 0, true},
		{"check pass", check("enforce"), 0, 0, false},
		{"check warn", check("enforce"), 5, 5, false},
		{"check fail", check("enforce"), 3, 3, false},
		{"check advises, error", check("advise"), 2, 5, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

// shellCase is a script, the code that the program ends with in it, and what
// comes of the job: its own code, and whether its own script is reached.
type shellCase struct {
	name, script string
	code, want   int
	reached      bool
}

func (c shellCase) run(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "nines"), fmt.Sprintf("echo \"called: $* role=$AWS_ROLE_ARN key=$AWS_ACCESS_KEY_ID endpoint=$AWS_ENDPOINT_URL_STS store=$NINES_STORE\"\nexit %d\n", c.code))
	write(t, filepath.Join(dir, "job"), "set -eu\n"+strings.ReplaceAll(c.script, `"./nines" "$@"`, `sh ./nines "$@"`)+
		"\necho \"reached: role=${AWS_ROLE_ARN:-} key=$AWS_ACCESS_KEY_ID store=$NINES_STORE $#\"\n")
	cmd := exec.CommandContext(t.Context(), "sh", "job")
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=/usr/bin:/bin", "AWS_ACCESS_KEY_ID=KEY", "AWS_ENDPOINT_URL_STS=http://evil", "NINES_STORE=evil", "NINES_AWS_TOKEN=x.y.z",
		"NINES_CLASS=fix", `NINES_OVERRIDE=a "b" $(touch evil)`, "TMPDIR=" + dir,
	}
	out, err := cmd.CombinedOutput()
	said := string(out)
	if got := cmd.ProcessState.ExitCode(); got != c.want {
		t.Errorf("it ended with %d, want %d (%v)\n%s", got, c.want, err, said)
	}
	if reached := strings.Contains(said, "reached: role= key=KEY store=evil 0"); reached != c.reached {
		t.Errorf("the job's own script is reached as it should be: %v, want %v\n%s", reached, c.reached, said)
	}
	role, key := "", "KEY"
	if strings.HasPrefix(c.name, "gate") {
		role, key = "arn:aws:iam::123456789012:role/r", ""
	}
	for _, part := range []string{
		"--class fix --max-age 0 --note=true", `--override --reason a "b" $(touch evil) --report`, " role=" + role + " key=" + key + " endpoint= store=\n",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("the program was not called with %q:\n%s", part, said)
		}
	}
	for _, left := range []string{"tmp.*", "evil"} { // a token, a reason that was run
		if files, err := filepath.Glob(filepath.Join(dir, left)); err != nil || len(files) > 0 {
			t.Errorf("left behind: %v %v", files, err)
		}
	}
}
