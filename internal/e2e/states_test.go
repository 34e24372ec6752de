package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/wire"
)

// liveAccount is a local CloudWatch on real time, for the program to read.
type liveAccount struct {
	t      *testing.T
	server *cloudwatchd.Server
	url    string
	client *http.Client
}

func newLiveAccount(t *testing.T) *liveAccount {
	t.Helper()
	server, err := cloudwatchd.New(t.Context(), cloudwatchd.Config{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(server)
	t.Cleanup(func() {
		h.Close()
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &liveAccount{t: t, server: server, url: h.URL, client: h.Client()}
}

// publish puts a metric in, one datapoint a step from one instant to another.
func (a *liveAccount) publish(metric string, value float64, step time.Duration, from, to time.Time) {
	a.t.Helper()
	var lines strings.Builder
	for at := from.Truncate(step); at.Before(to); at = at.Add(step) {
		fmt.Fprintf(&lines, `{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"shop","Dimensions":[["LoadBalancer"]],"Metrics":[{"Name":"%s"}]}]},"LoadBalancer":"app/pay","%s":%v}`+"\n",
			at.UnixMilli(), metric, metric, value)
	}
	post(a.t, a.client, a.url+"/emf?region=eu-west-1", "application/x-ndjson", lines.String())
}

func (a *liveAccount) inject(faults ...cloudwatchd.Fault) {
	a.t.Helper()
	for _, f := range faults {
		if err := a.server.Inject(f); err != nil {
			a.t.Fatal(err)
		}
	}
}

// environment is what the program finds around it.
func (a *liveAccount) environment(dir string) map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL": a.url, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1", "HOME": dir,
	}
}

// balancer is an availability objective over a load balancer's counts.
func balancer(dimension, region string) string {
	query := func(metric string) string {
		return fmt.Sprintf(`{metricSource: {type: CloudWatch, spec: {region: %s, namespace: shop, metric: %s, dimensions: {LoadBalancer: %s}, stat: Sum}}}`, region, metric, dimension)
	}
	return `apiVersion: openslo/v1
kind: SLO
metadata: {name: available}
spec:
  service: pay
  budgetingMethod: Occurrences
  indicator: {metadata: {name: available}, spec: {ratioMetric: {counter: false, bad: ` + query("5XX") + `, total: ` + query("RequestCount") + `}}}
  objectives: [{target: 0.99}]
  timeWindow: [{duration: 6h, isRolling: true}]
`
}

// cpu is a time-slice objective over a value.
func cpu(slice, annotations string) string {
	return `apiVersion: openslo/v1
kind: SLO
metadata: {name: cpu, annotations: {` + annotations + `}}
spec:
  service: pay
  budgetingMethod: Timeslices
  indicator: {metadata: {name: cpu}, spec: {thresholdMetric: {metricSource: {type: CloudWatch, spec: {region: eu-west-1, namespace: shop, metric: CPUUtilization, dimensions: {LoadBalancer: app/pay}, stat: Average}}}}}
  objectives: [{target: 0.99, op: lte, value: 80, timeSliceTarget: 1, timeSliceWindow: ` + slice + `}]
  timeWindow: [{duration: 6h, isRolling: true}]
`
}

// state is a way in which measuring can go wrong, and what must come of it.
type state struct {
	document string
	publish  func(a *liveAccount, now time.Time)
	// before is measured in calm, so long ago, before the faults.
	before time.Duration
	faults []cloudwatchd.Fault
	env    map[string]string

	measure int    // exit code
	says    string // in what measure prints
	level   string
	flags   []string // exactly these
	gate    int      // exit code
	offline int      // of the gate that asks no source; 0: as gate
}

// steady is traffic without errors until now.
func steady(a *liveAccount, now time.Time) {
	a.publish("RequestCount", 100, time.Minute, now.Add(-8*time.Hour), now)
	a.publish("5XX", 0, time.Minute, now.Add(-8*time.Hour), now)
}

func cpuEvery(step time.Duration) func(a *liveAccount, now time.Time) {
	return func(a *liveAccount, now time.Time) {
		a.publish("CPUUtilization", 40, step, now.Add(-8*time.Hour), now)
	}
}

func refuseAll(code string) []cloudwatchd.Fault {
	return []cloudwatchd.Fault{{Kind: cloudwatchd.Failure, Code: code, Message: "refused", Status: http.StatusForbidden}}
}

func states() map[string]state {
	good := balancer("app/pay", "eu-west-1")
	return map[string]state{
		// The two that are well show that the others could be.
		"well": {document: good, publish: steady, level: "healthy"},
		"five-minute data in five-minute slices": {
			document: cpu("5m", "nines/period: 5m"), publish: cpuEvery(5 * time.Minute), level: "healthy",
		},
		"a load balancer that is gone": {
			document: good, level: "healthy", flags: []string{"silent"}, gate: 4,
			publish: func(a *liveAccount, now time.Time) {
				a.publish("RequestCount", 100, time.Minute, now.Add(-7*24*time.Hour-2*time.Hour), now.Add(-7*24*time.Hour+time.Hour))
				a.publish("RequestCount", 100, time.Minute, now.Add(-8*time.Hour), now.Add(-2*time.Hour))
				a.publish("5XX", 0, time.Minute, now.Add(-8*time.Hour), now.Add(-2*time.Hour))
			},
		},
		"a typo in a dimension": {
			document: balancer("app/pya", "eu-west-1"), publish: steady, says: "no such metric or dimension",
			level: "unknown", flags: []string{"insufficient_data"}, gate: 4,
		},
		"another region": {
			document: balancer("app/pay", "eu-north-1"), publish: steady, says: "no such metric or dimension",
			level: "unknown", flags: []string{"insufficient_data"}, gate: 4,
		},
		"throttled from the start": {
			document: good, publish: steady, faults: []cloudwatchd.Fault{{Kind: cloudwatchd.Throttle}}, measure: 1, says: "quota",
			level: "unknown", flags: []string{"insufficient_data"}, gate: 1, offline: 4,
		},
		"throttled for an hour": {
			document: good, publish: steady, before: time.Hour, faults: []cloudwatchd.Fault{{Kind: cloudwatchd.Throttle}}, measure: 1, says: "quota",
			level: "healthy", flags: []string{"stale"}, gate: 1, offline: 4,
		},
		"half answered": {
			document: good, publish: steady, faults: []cloudwatchd.Fault{{Kind: cloudwatchd.Partial}}, says: "PartialData",
			level: "healthy", flags: []string{"stale"}, gate: 4,
		},
		"five-minute data in slices of a minute": {
			document: cpu("1m", ""), publish: cpuEvery(5 * time.Minute), level: "healthy", flags: []string{"insufficient_data"}, gate: 4,
		},
		"five-minute data, declared, in slices of a minute": {
			document: cpu("1m", "nines/period: 5m"), publish: cpuEvery(5 * time.Minute), level: "unknown", flags: []string{"insufficient_data"}, gate: 4,
		},
		"expired credentials": {
			document: good, publish: steady, before: time.Hour, faults: refuseAll("ExpiredTokenException"), measure: 1, says: "expired",
			level: "healthy", flags: []string{"stale"}, gate: 1, offline: 4,
		},
		"a denied action": {
			document: good, publish: steady, before: time.Hour, faults: refuseAll("AccessDenied"), measure: 1, says: "allow cloudwatch:GetMetricData",
			level: "healthy", flags: []string{"stale"}, gate: 1, offline: 4,
		},
		"a wrong clock": {
			document: good, publish: steady, before: time.Hour, faults: refuseAll("RequestTimeTooSkewed"), measure: 1, says: "clock",
			level: "healthy", flags: []string{"stale"}, gate: 1, offline: 4,
		},
		"an endpoint that nobody answers": {
			document: good, publish: steady, before: time.Hour, env: map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, measure: 1, says: "AWS_ENDPOINT_URL",
			level: "healthy", flags: []string{"stale"}, gate: 1, offline: 4,
		},
		"no credentials": {
			document: good, publish: steady, before: time.Hour, measure: 1, says: "credentials",
			env:   map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
			level: "healthy", flags: []string{"stale"}, gate: 1, offline: 4,
		},
	}
}

// TestWithoutAStore asks the gate of a job that keeps nothing: it answers from
// few datapoints, says what that costs in exactness, and leaves no file.
func TestWithoutAStore(t *testing.T) {
	a := newLiveAccount(t)
	now := time.Now()
	a.publish("RequestCount", 100, time.Minute, now.Add(-12*time.Hour), now)
	a.publish("5XX", 0, time.Minute, now.Add(-12*time.Hour), now)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "slo.yaml"), strings.Replace(balancer("app/pay", "eu-west-1"), "duration: 6h", "duration: 8h", 1))
	cmd := command(t, dir, "gate", "pay", "--store", "none")
	for k, v := range a.environment(dir) {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	out, errs := run(t, cmd, 0)
	if !strings.Contains(string(out), "PASS") || !strings.Contains(string(errs), "steps of 5m") {
		t.Errorf("%s%s", out, errs)
	}
	if _, err := os.Stat(filepath.Join(dir, ".nines")); !os.IsNotExist(err) {
		t.Errorf("something is kept: %v", err)
	}
	if got := a.server.Totals(); got.MetricsRequested != 4 || got.Calls["GetMetricData"] != 2 {
		t.Errorf("asked %+v", got)
	}
}

// TestStates holds what doc/semantics.md says about measuring that goes wrong
// against the program: nothing of it passes a gate.
func TestStates(t *testing.T) {
	for name, s := range states() {
		t.Run(name, func(t *testing.T) {
			a := newLiveAccount(t)
			now := time.Now()
			s.publish(a, now)
			dir := t.TempDir()
			write(t, filepath.Join(dir, "slo.yaml"), s.document)
			env := a.environment(dir)
			if s.before > 0 {
				past(t, dir, env, now.Add(-s.before))
			}
			a.inject(s.faults...)
			maps.Copy(env, s.env)
			run := func(want int, args ...string) string {
				t.Helper()
				cmd := command(t, dir, args...)
				for k, v := range env {
					cmd.Env = append(cmd.Env, k+"="+v)
				}
				out, errs := run(t, cmd, want)
				return string(out) + string(errs)
			}
			if said := run(s.measure, "measure"); !strings.Contains(said, s.says) {
				t.Errorf("measure does not say %q:\n%s", s.says, said)
			}
			check(t, s, run(0, "status", "--quiet", "-o", "json"))
			if said := run(s.gate, "gate", "pay", "--quiet"); s.gate > 0 && strings.Contains(said, "PASS") {
				t.Errorf("the gate passes:\n%s", said)
			}
			offline := s.gate
			if s.offline > 0 {
				offline = s.offline
			}
			run(offline, "gate", "pay", "--quiet", "--offline")
		})
	}
}

func check(t *testing.T, s state, printed string) {
	t.Helper()
	var doc struct {
		Objectives []answer `json:"objectives"`
	}
	if err := json.NewDecoder(strings.NewReader(printed)).Decode(&doc); err != nil || len(doc.Objectives) != 1 {
		t.Fatalf("status: %v in %s", err, printed)
	}
	if got := doc.Objectives[0]; got.Level != s.level || !slices.Equal(got.Flags, s.flags) {
		t.Errorf("%s %v, want %s %v", got.Level, got.Flags, s.level, s.flags)
	}
}

// past measures in this process as of an instant that is over.
func past(t *testing.T, dir string, env map[string]string, at time.Time) {
	t.Helper()
	for k, v := range env {
		t.Setenv(k, v)
	}
	var out bytes.Buffer
	none := func() (int, int, bool) { return 0, 0, false }
	code := cli.Run(t.Context(), []string{"measure", "--config", dir}, host.Process{
		Out: &out, Err: &out, Now: func() time.Time { return at }, OutSize: none, ErrSize: none,
		Getenv: func(name string) string {
			if strings.HasPrefix(name, "NINES") {
				return ""
			}
			return os.Getenv(name)
		},
	}, wire.CLI())
	if code != 0 {
		t.Fatalf("measuring the past: exit %d\n%s", code, out.String())
	}
}
