package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const alertDoc = `apiVersion: openslo/v1
kind: SLO
metadata: {name: availability}
spec:
  service: pay
  budgetingMethod: Occurrences
  indicator:
    metadata: {name: i}
    spec:
      ratioMetric:
        counter: false
        good: {metricSource: {type: csv, spec: {path: p.csv, column: good}}}
        total: {metricSource: {type: csv, spec: {path: p.csv, column: total}}}
  objectives: [{displayName: main, target: 0.999}]
  timeWindow: [{duration: 30d, isRolling: true}]
---
apiVersion: nines/v1
kind: Settings
metadata: {name: company}
spec:
  alerts: {page: ["webhook:$PAGER"]}
`

// letter is what arrives at a pager.
type letter struct {
	Title string `json:"title"`
	Key   string `json:"key"`
	Alert struct {
		Status   string `json:"status"`
		Severity string `json:"severity"`
		Incident string `json:"incident"`
		Again    bool   `json:"again"`
	} `json:"alert"`
}

// pager is a webhook that keeps what arrives. It is safe for concurrent use.
type pager struct {
	*httptest.Server
	mu     sync.Mutex
	got    []letter
	tries  int
	down   bool
	hangs  chan struct{} // gets a word for each letter that is left without an answer
	silent bool
}

func newPager(t *testing.T) *pager {
	t.Helper()
	p := &pager{hangs: make(chan struct{}, 16)}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// ServeHTTP implements http.Handler.
func (p *pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	p.mu.Lock()
	p.tries++
	down, silent := p.down, p.silent
	var l letter
	if err == nil && !down && json.Unmarshal(body, &l) == nil {
		p.got = append(p.got, l)
	}
	p.mu.Unlock()
	switch {
	case down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case silent:
		p.hangs <- struct{}{}
		<-r.Context().Done()
	}
}

// said is what arrived, in order: "firing", "resolved", and "again" behind what is
// marked as perhaps told before.
func (p *pager) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, l := range p.got {
		text := l.Alert.Status
		if l.Alert.Again {
			text += " again"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func (p *pager) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// alerting is a service whose recording grows with a clock, and a pager.
type alerting struct {
	t     *testing.T
	dir   string
	pager *pager
	begin time.Time
	rows  []string
}

func newAlerting(t *testing.T) *alerting {
	t.Helper()
	a := &alerting{t: t, dir: t.TempDir(), pager: newPager(t), begin: base()}
	write(t, filepath.Join(a.dir, "slo.yaml"), alertDoc)
	a.pass(24*60, 0)
	run(t, a.cmd("measure", "--quiet"), 0)
	return a
}

// pass lets minutes of 1000 requests pass, of which some are bad.
func (a *alerting) pass(minutes, bad int) {
	a.t.Helper()
	for range minutes {
		at := a.begin.Add(time.Duration(len(a.rows)) * time.Minute)
		a.rows = append(a.rows, fmt.Sprintf("%d,%d,1000", at.Unix(), 1000-bad))
	}
	write(a.t, filepath.Join(a.dir, "p.csv"), "timestamp,good,total\n"+strings.Join(a.rows, "\n")+"\n")
	setClock(a.t, filepath.Join(a.dir, "clock"), a.begin.Add(time.Duration(len(a.rows))*time.Minute))
}

func (a *alerting) cmd(args ...string) *exec.Cmd {
	cmd := onClock(a.t, a.dir, args...)
	cmd.Env = append(cmd.Env, "PAGER="+a.pager.URL+"/hook")
	return cmd
}

// measure measures, by a process that lives to its end.
func (a *alerting) measure() { run(a.t, a.cmd("measure", "--quiet"), 0) }

// TestAlertKilledWhileTelling kills the program, by a signal it cannot catch,
// when an alert has fired and the pager was reached but has not answered: what
// fired is not lost, and what may have arrived is told again, marked as such.
func TestAlertKilledWhileTelling(t *testing.T) {
	for _, arrived := range []bool{false, true} {
		a := newAlerting(t)
		a.pager.set(func() { a.pager.silent, a.pager.down = true, false })
		a.pass(3, 500)
		cmd := a.cmd("measure", "--quiet")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-a.pager.hangs
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		want := "firing, firing again, resolved"
		if !arrived { // it was lost on the way to whoever reads it
			a.pager.set(func() { a.pager.got = nil })
			want = "firing again, resolved"
		}
		a.pager.set(func() { a.pager.silent = false })
		before := a.pager.said()
		a.pass(1, 500)
		a.measure() // whoever sends it may still be at it
		if got := a.pager.said(); got != before {
			t.Errorf("told within the lease: %q", got)
		}
		a.pass(2, 500)
		a.measure()
		a.pass(29, 0)
		a.measure()
		a.pass(30, 0)
		a.measure()
		a.pass(29, 0)
		a.measure()
		if got := a.pager.said(); got != want {
			t.Errorf("arrived %v: the pager got %q, want %q", arrived, got, want)
		}
		a.oneIncident()
	}
}

// TestAlertKilledBeforeTelling kills the program when it has reached the pager's
// machine and nobody has read a word there.
func TestAlertKilledBeforeTelling(t *testing.T) {
	a := newAlerting(t)
	deaf, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = deaf.Close() }()
	a.pass(3, 500)
	cmd := a.cmd("measure", "--quiet")
	cmd.Env = append(cmd.Env, "PAGER=http://"+deaf.Addr().String()+"/hook")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := deaf.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	_ = conn.Close()
	for range 2 {
		a.pass(3, 500)
		a.measure()
	}
	if got := a.pager.said(); got != "firing again" {
		t.Errorf("the pager got %q", got)
	}
	a.oneIncident()
}

// TestAlertKilledAnywhere kills the program at random points while an incident
// begins, goes on and ends; what is told twice is marked as such.
func TestAlertKilledAnywhere(t *testing.T) {
	a := newAlerting(t)
	start := time.Now()
	a.measure()
	took := time.Since(start)
	for round := range kills() {
		bad := 0
		if round < 4 {
			bad = 500
		}
		a.pass(3, bad)
		cmd := a.cmd("measure", "--quiet")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(took + took/4))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	for range 6 {
		a.pass(20, 0)
		a.measure()
	}
	left := strings.Join(strings.Fields(strings.NewReplacer("firing again", "", "resolved again", "", ",", "").Replace(a.pager.said())), " ")
	first := strings.Split(a.pager.said(), ", ")
	if n := strings.Count(a.pager.said(), "firing"); n < 1 || !strings.HasPrefix(first[0], "firing") || !strings.HasPrefix(first[len(first)-1], "resolved") {
		t.Errorf("the pager got %q", a.pager.said())
	}
	if strings.Count(left, "firing") > 1 || strings.Count(left, "resolved") > 1 {
		t.Errorf("told twice and not marked: %q", a.pager.said())
	}
	a.oneIncident()
	t.Logf("killed %d times, the pager got %q", kills(), a.pager.said())
}

// oneIncident holds that all that arrived is of one incident.
func (a *alerting) oneIncident() {
	a.t.Helper()
	for _, l := range a.pager.got {
		if l.Alert.Incident != a.pager.got[0].Alert.Incident || l.Alert.Severity != "page" {
			a.t.Errorf("%+v beside %+v", l, a.pager.got[0])
		}
	}
}

// TestAlertTargetDown holds that a pager that is down for an hour gets each thing
// once, in order, when it is back.
func TestAlertTargetDown(t *testing.T) {
	a := newAlerting(t)
	a.pager.set(func() { a.pager.down = true })
	for minute := 0; minute < 60; minute += 4 {
		bad := 0
		if minute < 8 {
			bad = 500
		}
		a.pass(4, bad)
		a.measure()
	}
	if got := a.pager.said(); got != "" {
		t.Fatalf("a pager that is down took %q", got)
	}
	a.pager.set(func() { a.pager.down = false })
	for range 12 {
		a.pass(5, 0)
		a.measure()
	}
	if got := a.pager.said(); got != "firing, resolved" {
		t.Errorf("the pager got %q", got)
	}
	a.oneIncident()
	t.Logf("%d tries for two letters", a.pager.tries)
}

// TestAlertTwoWatchers lets two programs watch one store, round after round: each
// thing is told once.
func TestAlertTwoWatchers(t *testing.T) {
	a := newAlerting(t)
	for round := range 10 {
		bad := 0
		if round < 2 {
			bad = 500
		}
		a.pass(8, bad)
		var watchers []*exec.Cmd
		var outs []*bufio.Reader
		for range 2 {
			cmd := a.cmd("measure", "--watch", "-o", "json")
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			watchers, outs = append(watchers, cmd), append(outs, bufio.NewReader(out))
		}
		for i := range watchers {
			if _, err := outs[i].ReadString('\n'); err != nil {
				t.Fatalf("round %d, watcher %d: %v", round, i, err)
			}
			if err := watchers[i].Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
		for i, cmd := range watchers {
			if err := cmd.Wait(); err != nil {
				t.Errorf("round %d, watcher %d: %v", round, i, err)
			}
		}
	}
	if got := a.pager.said(); got != "firing, resolved" {
		t.Errorf("the pager got %q", got)
	}
	a.oneIncident()
}
