package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/cli"
	"gitlab.com/nines-sre/nines/internal/lambdahost"
	"gitlab.com/nines-sre/nines/internal/wire"
)

// asBinary makes the test executable behave as the program: so the code under
// test is the code the test cache knows of, race detector included.
const asBinary = "NINES_E2E_BINARY"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(asBinary) != "" && os.Getenv(lambdahost.RuntimeAPI) != "":
		lambdahost.Main(wire.Lambda())
		return
	case os.Getenv(asBinary) != "":
		if file := os.Getenv(clockFile); file != "" {
			os.Exit(clocked(file))
		}
		os.Exit(cli.Main(os.Args[1:], wire.CLI()))
	}
	os.Exit(m.Run())
}

// command prepares a run of the program in dir.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), asBinary+"=1", "NO_COLOR=1", "NINES_CONFIG=", "NINES_STORE=")
	return cmd
}

// nines runs the program and returns what it printed; it fails the test on
// another exit code than want.
func nines(t *testing.T, dir string, want int, args ...string) []byte {
	t.Helper()
	out, _ := run(t, command(t, dir, args...), want)
	return out
}

// run runs a prepared program and returns what it printed on each stream.
func run(t *testing.T, cmd *exec.Cmd, want int) (out, errs []byte) {
	t.Helper()
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if code != want {
		t.Fatalf("nines %v: exit %d, want %d\n%s%s", cmd.Args[1:], code, want, o.Bytes(), e.Bytes())
	}
	return o.Bytes(), e.Bytes()
}

// answer is one objective of `nines status -o json`.
type answer struct {
	Service   string   `json:"service"`
	SLO       string   `json:"slo"`
	Objective string   `json:"objective"`
	Good      float64  `json:"good"`
	Total     float64  `json:"total"`
	SLI       *float64 `json:"sli"`
	Budget    struct {
		Allowed   float64  `json:"allowed"`
		Spent     float64  `json:"spent"`
		Remaining *float64 `json:"remaining"`
	} `json:"budget"`
	Burn       map[string]*float64 `json:"burn"`
	Exhausts   map[string]*float64 `json:"exhausts_in_seconds"`
	Coverage   map[string]float64  `json:"coverage"`
	Level      string              `json:"level"`
	Flags      []string            `json:"flags"`
	Conditions []struct {
		Name  string `json:"name"`
		Truth string `json:"truth"`
	} `json:"conditions"`
}

func status(t *testing.T, dir string, args ...string) []answer {
	t.Helper()
	var doc struct {
		Objectives []answer `json:"objectives"`
	}
	out := nines(t, dir, 0, append([]string{"status", "-o", "json"}, args...)...)
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatalf("status: %v in %s", err, out)
	}
	return doc.Objectives
}

// objective is the only objective at an instant.
func objective(t *testing.T, dir, at string) answer {
	t.Helper()
	got := status(t, dir, "--offline", "--at", at)
	if len(got) != 1 {
		t.Fatalf("%d objectives, want 1", len(got))
	}
	return got[0]
}

// post sends a text to a server of the test's, which must take it.
func post(t testing.TB, client *http.Client, url, kind, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	res, err := client.Do(req)
	if err != nil || res.StatusCode/100 != 2 {
		t.Fatalf("post to %s: %v %v", url, res, err)
	}
	_ = res.Body.Close()
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
