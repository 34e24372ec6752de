// Package awscli runs the AWS CLI, a client that is not ours, against a local
// service. tools/foreign.sh installs it.
package awscli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/testkit/moto"
)

// driver runs commands of the CLI in one process, whose start takes longer than
// they do: a list of arguments a line, answered by a line.
const driver = `
import contextlib, io, json, sys
import awscli.clidriver
cli = awscli.clidriver.create_clidriver()
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.main(json.loads(line))
    except SystemExit as e:
        status = e.code or 0
    print(json.dumps({"status": status, "out": out.getvalue(), "err": err.getvalue()}), flush=True)
`

// CLI is the AWS CLI with a service it talks to.
type CLI struct {
	t   testing.TB
	url string
	in  *json.Encoder
	out *json.Decoder
}

// New returns the CLI for a service at an address. Without NINES_PYTHON the test
// is skipped.
func New(t testing.TB, url string) CLI {
	t.Helper()
	python := os.Getenv(moto.Python)
	if python == "" {
		t.Skip(moto.Python + " names no Python with the AWS CLI; `make test` sets it")
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", driver) //nolint:gosec // the test's own interpreter
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "AWS_") }),
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=x", "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // it ends with its input
		_ = cmd.Wait()
	})
	return CLI{t, url, json.NewEncoder(in), json.NewDecoder(out)}
}

// Do runs a command and returns its answer; a refusal fails the test.
func (c CLI) Do(args ...string) map[string]any {
	c.t.Helper()
	data, said, err := c.run(args)
	if err != nil {
		c.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	out := map[string]any{}
	if len(bytes.TrimSpace(data)) > 0 {
		if err := json.Unmarshal(data, &out); err != nil {
			c.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, data)
		}
	}
	return out
}

// Refused runs a command that is to be refused with an error code.
func (c CLI) Refused(code string, args ...string) {
	c.t.Helper()
	if data, said, err := c.run(args); err == nil || !strings.Contains(said, "("+code+")") {
		c.t.Errorf("aws %s: want %s, got %v\n%s%s", strings.Join(args, " "), code, err, said, data)
	}
}

func (c CLI) run(args []string) (out []byte, said string, err error) {
	var got struct {
		Status   int
		Out, Err string
	}
	err = c.in.Encode(append(slices.Clone(args), "--endpoint-url", c.url, "--region", "eu-west-1", "--output", "json"))
	if err == nil {
		err = c.out.Decode(&got)
	}
	if err == nil && got.Status != 0 {
		err = fmt.Errorf("status %d", got.Status)
	}
	return []byte(got.Out), got.Err, err
}

// At is a value inside an answer: keys and numbers of a path.
func At(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			o, _ := v.(map[string]any)
			v = o[p]
		case int:
			a, _ := v.([]any)
			if p >= len(a) {
				return nil
			}
			v = a[p]
		}
	}
	return v
}
