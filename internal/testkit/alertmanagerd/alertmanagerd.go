// Package alertmanagerd runs a real Alertmanager for a test.
package alertmanagerd

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"
)

// Program names the binary; tools/alertmanager.sh builds it.
const Program = "NINES_ALERTMANAGER"

// Start runs one that routes everything to a webhook, ends with the test, and
// returns its address. Without NINES_ALERTMANAGER the test is skipped.
func Start(t testing.TB, webhook string) (url string) {
	t.Helper()
	program := os.Getenv(Program)
	if program == "" {
		t.Skip(Program + " names no Alertmanager; `make test-full` builds one and sets it")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	const mine = 0o600
	text := "route: {receiver: r, group_wait: 10ms, group_interval: 100ms, group_by: ['...']}\n" +
		"receivers: [{name: r, webhook_configs: [{url: '" + webhook + "', send_resolved: true}]}]\n"
	if err := os.WriteFile(config, []byte(text), mine); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))                    // until the cleanup
	cmd := exec.CommandContext(ctx, program, "--config.file="+config, "--storage.path="+dir, //nolint:gosec // the test's own program
		"--web.listen-address=127.0.0.1:0", "--cluster.listen-address=")
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	said := make(chan string, 1)
	ended.Go(func() { _ = w.CloseWithError(cmd.Wait()) })
	ended.Go(func() {
		listening := regexp.MustCompile(`127\.0\.0\.1:[1-9][0-9]*`)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			if at := listening.FindString(lines.Text()); at != "" {
				said <- at
				break
			}
		}
		_, _ = io.Copy(io.Discard, r)
	})
	t.Cleanup(func() { cancel(); ended.Wait() })
	const startsIn = 30 * time.Second
	select {
	case at := <-said:
		return "http://" + at
	case <-time.After(startsIn):
		t.Fatal("Alertmanager does not listen")
	}
	return ""
}
