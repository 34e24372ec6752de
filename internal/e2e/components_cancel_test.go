package e2e_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// restoring is a program that shifts traffic, and puts it back when it is told to
// end. It says when it has begun, and waits for a line that never comes.
const restoring = `#!/bin/sh
trap 'trap "" TERM; echo "restored"; exit 4' TERM
exec 3<>"$1.fifo"
echo "shifted, with a token in $AWS_WEB_IDENTITY_TOKEN_FILE"
while :; do read -r line <&3 || :; done
`

// TestCancelledJobRestores sends the signal of a cancelled job to the shell of
// each component alone, as a container's runtime does: the program hears of it, is
// waited for, and its token is gone.
func TestCancelledJobRestores(t *testing.T) {
	t.Parallel()
	given := map[string]string{"service": "pay", "binary": "./nines", "aws-role": "arn:aws:iam::123456789012:role/r", "mode": "advise"}
	for _, shell := range []string{"dash", "bash", "sh"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("there is no %s", shell)
			continue
		}
		for _, verb := range []string{"canary", "promote", "watch", "rollback"} {
			t.Run(shell+" "+verb, func(t *testing.T) {
				t.Parallel()
				script := shellScript(t, verb, "$[[ inputs.job-prefix ]]"+verb, "script", given)
				cancelled(t, path, verb, script)
			})
		}
	}
}

func cancelled(t *testing.T, shell, verb, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, verb+".fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A gate before it answers at once.
	write(t, filepath.Join(dir, "nines"), strings.Replace(restoring, "\n", "\n[ \"$1\" != gate ] || exit 0\n", 1))
	if err := os.Chmod(filepath.Join(dir, "nines"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "job"), "set -eu\n"+script)
	cmd := exec.CommandContext(t.Context(), shell, "job")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "NINES_AWS_TOKEN=x.y.z", "TMPDIR=" + dir, "CI_JOB_NAME=" + verb}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	told := false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fmt.Fprintln(&said, lines.Text())
		if !told && strings.HasPrefix(lines.Text(), "shifted, with a token in "+dir) {
			told = true
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // its code is looked at below
	const inconclusive = 4
	if code := cmd.ProcessState.ExitCode(); code != inconclusive || !strings.HasSuffix(said.String(), "\nrestored\n") {
		t.Errorf("it ended with %d and said:\n%s", code, said.String())
	}
	if left, err := filepath.Glob(filepath.Join(dir, "tmp.*")); err != nil || len(left) > 0 {
		t.Errorf("a token was left behind: %v %v", left, err)
	}
}

// TestNobodyIsLeftBehind has the program hang on: a second signal changes nothing,
// and the job does not end before it does.
func TestNobodyIsLeftBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "go"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "nines"), "#!/bin/sh\ntrap 'echo told' TERM\necho begun\nexec 3<>go\nwhile ! read -r line <&3; do :; done\necho \"$line\"\nexit 3\n")
	if err := os.Chmod(filepath.Join(dir, "nines"), 0o700); err != nil {
		t.Fatal(err)
	}
	script := shellScript(t, "canary", "$[[ inputs.job-prefix ]]canary", "script", map[string]string{"service": "pay", "binary": "./nines", "inconclusive": "warn"})
	write(t, filepath.Join(dir, "job"), "set -eu\n"+script)
	cmd := exec.CommandContext(t.Context(), "sh", "job")
	cmd.Dir, cmd.Env, cmd.Stderr = dir, []string{"PATH=/usr/bin:/bin", "TMPDIR=" + dir}, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		said = append(said, lines.Text())
		switch len(said) {
		case 1, 2: // begun, told
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		case 3: // told again
			write(t, filepath.Join(dir, "go"), "restored\n")
		}
	}
	_ = cmd.Wait()
	const failed = 3
	if got := strings.Join(said, " "); cmd.ProcessState.ExitCode() != failed || got != "begun told told restored" {
		t.Errorf("it ended with %d and said %s", cmd.ProcessState.ExitCode(), got)
	}
}
