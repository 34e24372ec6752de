package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// project is a repository with the CI/CD components, whose pipelines run here.
type project struct {
	dir   string
	nines string // the program, as the components call it
	env   []string
}

// pipeline is what came of a run.
type pipeline struct {
	dir  string
	log  string
	code int
	jobs map[string]string // PASS, WARN or FAIL by job
}

// runner returns the programs that run pipelines; the test is skipped where
// they are not installed.
func runner(t *testing.T) (node, script string) {
	t.Helper()
	node, script = os.Getenv("NINES_NODE"), os.Getenv("NINES_GITLAB_CI_LOCAL")
	if node == "" || script == "" {
		t.Skip("NINES_NODE or NINES_GITLAB_CI_LOCAL is not set: `make test` installs gitlab-ci-local and sets them")
	}
	return node, script
}

// newProject makes a repository of files, with the components in it, on main.
func newProject(t *testing.T, files map[string]string) *project {
	t.Helper()
	runner(t)
	dir := t.TempDir()
	p := &project{dir: filepath.Join(dir, "project"), nines: filepath.Join(dir, "nines")}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	write(t, p.nines, fmt.Sprintf("#!/bin/sh\n%s=1 NO_COLOR=1 exec '%s' \"$@\"\n", asBinary, self))
	if err := os.Chmod(p.nines, 0o700); err != nil {
		t.Fatal(err)
	}
	p.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=ada", "GIT_COMMITTER_EMAIL=ada@example.com",
	}
	if err := os.CopyFS(filepath.Join(p.dir, "templates"), os.DirFS("../../templates")); err != nil {
		t.Fatal(err)
	}
	p.git(t, "init", "-q", "-b", "main")
	p.git(t, "remote", "add", "origin", "https://gitlab.example.com/shop/pay.git")
	p.commit(t, files)
	p.git(t, "update-ref", "refs/remotes/origin/main", "HEAD")
	p.git(t, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
	return p
}

// commit writes files and commits them.
func (p *project) commit(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(p.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		write(t, file, strings.ReplaceAll(text, "NINES_BINARY", p.nines))
	}
	p.git(t, "add", "-A")
	p.git(t, "commit", "-q", "--allow-empty", "-m", "a change")
}

func (p *project) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// verdicts are the lines at the end of a run that say what came of each job.
var verdicts = regexp.MustCompile(`(?m)^ (PASS|WARN|FAIL)  (\S+)`)

// run runs a pipeline, or the jobs that are named.
func (p *project) run(t *testing.T, args ...string) *pipeline {
	t.Helper()
	node, script := runner(t)
	args = append([]string{script, "--shell-executor-no-image", "--force-shell-executor", "--shell-isolation", "--no-color"}, args...)
	cmd := exec.CommandContext(t.Context(), node, args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	err := cmd.Run()
	got := &pipeline{dir: p.dir, log: out.String(), jobs: map[string]string{}}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got.code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	for _, m := range verdicts.FindAllStringSubmatch(got.log, -1) {
		if m[2] != "Avoid" { // predefined variables, a warning of the runner's
			got.jobs[m[2]] = m[1]
		}
	}
	t.Logf("%d jobs in %v", len(got.jobs), time.Since(start).Round(time.Millisecond))
	return got
}

// artifact is a file that a job left.
func (p *pipeline) artifact(t *testing.T, job, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, ".gitlab-ci-local", "artifacts", job, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

// said is what a job printed.
func (p *pipeline) said(t *testing.T, job string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, ".gitlab-ci-local", "output", job+".log"))
	if err != nil {
		t.Errorf("%s printed nothing: %v\n%s", job, err, p.log)
	}
	return string(data)
}

// want holds what came of the jobs against what should have.
func (p *pipeline) want(t *testing.T, jobs map[string]string) {
	t.Helper()
	for job, verdict := range jobs {
		if got := p.jobs[job]; got != verdict {
			t.Errorf("%s: %q, want %s\n%s", job, got, verdict, p.said(t, job))
		}
	}
	if len(p.jobs) != len(jobs) {
		t.Errorf("%d jobs ran, want %d: %v\n%s", len(p.jobs), len(jobs), p.jobs, p.log)
	}
}

// component is the lines that include one: inputs are "name: value".
func component(name string, inputs ...string) string {
	return "  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/" + name + "@$CI_COMMIT_SHA\n    inputs: {image: nines, binary: NINES_BINARY, " +
		strings.Join(inputs, ", ") + "}\n"
}

// deployJob is a job that deploys behind a gate of the given name. The script
// leaves a file, so that a deployment that must not happen is seen.
func deployJob(name string, more ...string) string {
	return fmt.Sprintf(`
deploy-%[1]s:
  extends: .%[1]s
  stage: deploy
  needs: []
  environment: production
  script:
    - echo "it is deployed"
  %s
`, name, strings.Join(more, "\n  "))
}

// shipped is what a deployment prints, not the line of the script that prints
// it.
var shipped = regexp.MustCompile(`(?m)^(> )?it is deployed$`)

// deployed are the jobs that got to their script.
func (p *pipeline) deployed(t *testing.T) []string {
	t.Helper()
	var out []string
	for job := range p.jobs {
		if strings.HasPrefix(job, "deploy-") && shipped.MatchString(p.said(t, job)) {
			out = append(out, strings.TrimPrefix(job, "deploy-"))
		}
	}
	slices.Sort(out)
	return out
}
