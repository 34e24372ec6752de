package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// program builds the service and returns how to run it by a verb.
func program(t *testing.T) func(env []string, args ...string) *exec.Cmd {
	t.Helper()
	file := lambdatest.Build(t, ".")().Path
	return func(env []string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), file, args...)
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
		return cmd
	}
}

var listens = regexp.MustCompile(`payment-api (\S+) listens at (\S+), card network (\S+), admin (\S+)`)

// server is a `payment-api serve` that runs.
type server struct {
	cmd                 *exec.Cmd
	out                 *bytes.Buffer
	version, api, admin string
}

func start(t *testing.T, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{cmd: cmd, out: &bytes.Buffer{}}
	cmd.Stdout = s.out
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill() // the test has failed already
			_ = cmd.Wait()
		}
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	m := listens.FindStringSubmatch(line)
	if err != nil || m == nil {
		t.Fatalf("it says %q: %v", line, err)
	}
	s.version, s.api, s.admin = m[1], m[2], m[4]
	return s
}

// stop interrupts it and returns the lines that it has written.
func (s *server) stop(t *testing.T) []string {
	t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	return strings.Split(strings.TrimSpace(s.out.String()), "\n")
}

func ask(t *testing.T, method, url, body string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(all)
}

// The server takes payments, misbehaves when told to while it runs, and what it
// writes until it is interrupted adds up to what it was asked.
func TestServe(t *testing.T) {
	run := program(t)
	s := start(t, run([]string{"VERSION=3.0.0", "FAULT=errors:1"}, "serve", "-addr", "127.0.0.1:0"))
	if s.version != "3.0.0" {
		t.Errorf("it is version %s", s.version)
	}
	if status, text := ask(t, "GET", s.api+"/health", ""); status != 200 || !strings.Contains(text, "3.0.0") {
		t.Errorf("health: %d %s", status, text)
	}
	if status, text := ask(t, "POST", s.api+"/process", body); status != 500 {
		t.Errorf("with errors: %d %s", status, text)
	}
	if status, _ := ask(t, "GET", s.api+"/fault", ""); status != 404 {
		t.Errorf("the admin endpoint is where clients are: %d", status)
	}
	if status, text := ask(t, "DELETE", s.admin+"/fault", ""); status != 200 || !strings.Contains(text, "none") {
		t.Errorf("no more fault: %d %s", status, text)
	}
	if status, text := ask(t, "POST", s.api+"/process", body); status != 201 && status != 402 {
		t.Errorf("without errors: %d %s", status, text)
	}
	out, err := run(nil, "load", "-url", s.api, "-rate", "400", "-duration", "250ms", "-o", "json").Output()
	var report struct {
		Sent   int            `json:"sent"`
		Lost   int            `json:"no_answer"`
		Status map[string]int `json:"status"`
	}
	if err := errors.Join(err, json.Unmarshal(out, &report)); err != nil || report.Sent == 0 || report.Lost != 0 {
		t.Errorf("%v: %s", err, out)
	}
	requests, failed := sum(t, s.stop(t))
	if want := report.Sent + 2; requests != want || failed < 1 || failed > 1+report.Status["503"] {
		t.Errorf("%d requests and %d errors are told, %d were made", requests, failed, want)
	}
}

// sum adds up the metric lines.
func sum(t *testing.T, lines []string) (requests, failed int) {
	t.Helper()
	for i, l := range lines {
		if l == "" {
			t.Logf("blank line %d of %d: before %.300s | after %.300s", i, len(lines), lines[max(i-1, 0)], lines[min(i+1, len(lines)-1)])
		}
		var m struct {
			AWS              json.RawMessage `json:"_aws"`
			Requests, Errors json.RawMessage
		}
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			t.Errorf("%v: %s", err, l)
		}
		if m.AWS != nil {
			requests, failed = requests+total(t, m.Requests), failed+total(t, m.Errors)
		}
	}
	return requests, failed
}

// total is a value, or the sum of several.
func total(t *testing.T, raw json.RawMessage) (sum int) {
	t.Helper()
	var one int
	if json.Unmarshal(raw, &one) == nil {
		return one
	}
	var many []int
	if err := json.Unmarshal(raw, &many); err != nil {
		t.Errorf("%v: %s", err, raw)
	}
	for _, n := range many {
		sum += n
	}
	return sum
}

// A load that is interrupted waits for what is under way and reports all of it.
func TestLoadIsInterrupted(t *testing.T) {
	var once sync.Once
	arrived, release := make(chan struct{}), make(chan struct{})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		once.Do(func() { close(arrived) })
		<-release
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(api.Close)
	load := program(t)(nil, "load", "-url", api.URL, "-rate", "200")
	var out bytes.Buffer
	load.Stdout, load.Stderr = &out, os.Stderr
	if err := load.Start(); err != nil {
		t.Fatal(err)
	}
	<-arrived
	if err := load.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	close(release)
	if err := load.Wait(); err != nil || !strings.Contains(out.String(), "payments in") || !strings.Contains(out.String(), "  201 ") || strings.Contains(out.String(), "no answer") {
		t.Errorf("%v: %s", err, out.String())
	}
}

// What cannot be is refused, with a reason, and the code says whose fault it is.
func TestRefusals(t *testing.T) {
	run := program(t)
	for _, tc := range []struct {
		args []string
		code int
		said string
	}{
		{nil, 2, "payment-api serve"},
		{[]string{"help"}, 0, ""},
		{[]string{"fly"}, 2, "payment-api serve"},
		{[]string{"serve", "-prot", "80"}, 2, "not defined"},
		{[]string{"serve", "now"}, 2, "flags only"},
		{[]string{"serve", "-addr", "127.0.0.1:0", "-fault", "chaos"}, 1, "is no fault"},
		{[]string{"serve", "-addr", "127.0.0.1:0", "-admin", "0.0.0.0:0"}, 1, "this machine only"},
		{[]string{"serve", "-addr", "127.0.0.1:0", "-card-network", "cards"}, 1, "no address of a card network"},
		{[]string{"serve", "-addr", "300.0.0.1:0"}, 1, "listen on"},
		{[]string{"load", "-rate", "0"}, 1, "a rate of 0"},
		{[]string{"load", "-shape", "week"}, 1, "is no shape"},
		{[]string{"simulate", "-to", "noon"}, 1, "is no time"},
		{[]string{"simulate", "-for", "-1h"}, 1, "before it begins"},
		{[]string{"simulate", "-fault", "chaos"}, 1, "is no fault"},
		{[]string{"live", "-fault", "chaos"}, 1, "is no fault"},
		{[]string{"live", "-nines", "/does/not/exist", "-config", t.TempDir()}, 1, "start the local CloudWatch"},
	} {
		cmd := run(nil, tc.args...)
		var said bytes.Buffer
		cmd.Stderr = &said
		err := cmd.Run()
		code := 0
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != tc.code || !strings.Contains(said.String(), tc.said) {
			t.Errorf("%v: exit %d, want %d: %s", tc.args, code, tc.code, said.String())
		}
	}
}
