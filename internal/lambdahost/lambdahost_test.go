package lambdahost_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/lambdahost"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/memory"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/wire"
)

// whole is how many minutes the windows and their look-backs reach back to.
const whole = 28*int64(slo.Day) + 60

// now is when the tests' clock stands.
var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const document = `apiVersion: openslo/v1
kind: DataSource
metadata: {name: live}
spec: {type: memory, connectionDetails: {}}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: availability}
spec:
  service: pay
  indicator:
    metadata: {name: requests}
    spec:
      ratioMetric:
        counter: false
        good: {metricSource: {metricSourceRef: live, type: memory, spec: {series: good}}}
        total: {metricSource: {metricSourceRef: live, type: memory, spec: {series: total}}}
  budgetingMethod: Occurrences
  objectives: [{displayName: available, target: 0.99}]
  timeWindow: [{duration: 1d, isRolling: true}]
---
apiVersion: nines/v1
kind: Settings
metadata: {name: defaults}
spec: {publish: {to: cloudwatch, metrics: [BudgetRemaining, SLI, BurnRate1h]}}
`

// trouble is a source that fails as it is told, or blocks until the caller has
// given up.
type trouble struct {
	metric.Source
	err   error
	block bool
	panic bool
}

func (s *trouble) Fetch(ctx context.Context, req metric.Request) ([]metric.Series, error) {
	switch {
	case s.panic:
		panic("a defect")
	case s.block:
		<-ctx.Done()
		return nil, ctx.Err()
	case s.err != nil:
		return nil, s.err
	}
	return s.Source.Fetch(ctx, req)
}

// world is a function with a live source in memory and a store in a file.
type world struct {
	t   *testing.T
	src *trouble
	log bytes.Buffer
	env map[string]string
	now time.Time
	// clock tells the time in place of now where it is set.
	clock func() time.Time
	wire  lambdahost.Wiring
	// handle is what lambda.Start gets.
	handle func(context.Context, json.RawMessage) (*lambdahost.Answer, error)
}

func start(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, now: now, env: map[string]string{
		"LAMBDA_TASK_ROOT": dir, "NINES_STORE": "sqlite:" + filepath.Join(dir, "nines.db"), "AWS_LAMBDA_FUNCTION_NAME": "nines",
	}}
	w.write(document)
	mem := memory.New(metric.Caps{Period: 1, Lag: 3, Settle: 15, MaxAge: 10})
	first := slo.MinuteOf(now) - slo.Day
	for _, name := range []string{"good", "total"} {
		values := make([]slo.Amount, slo.Day+slo.Hour)
		for i := range values {
			values[i] = slo.Events(100)
		}
		if name == "good" {
			values[600] = slo.Events(28)
		}
		mem.Line(name, first, 1, values...)
	}
	w.src = &trouble{Source: mem}
	w.wire = wire.Lambda()
	w.wire.Version = "1.2.3"
	w.wire.Types = func() map[string]metric.Type {
		return map[string]metric.Type{"memory": {
			Name: "memory", Check: func(slo.Spec) []metric.SpecProblem { return nil },
			Open: func(context.Context, slo.Spec, string) (metric.Source, error) { return w.src, nil },
		}}
	}
	w.fresh()
	return w
}

// fresh is a cold start.
func (w *world) fresh() {
	fn := lambdahost.New(w.wire, lambdahost.Process{
		Getenv: func(name string) string { return w.env[name] }, Now: w.time, Out: &w.log,
	})
	var ok bool
	if w.handle, ok = fn.Handler().(func(context.Context, json.RawMessage) (*lambdahost.Answer, error)); !ok {
		w.t.Fatalf("the handler is %T", fn.Handler())
	}
}

func (w *world) time() time.Time {
	if w.clock != nil {
		return w.clock()
	}
	return w.now
}

// write puts the documents in the package of the function.
func (w *world) write(text string) {
	w.t.Helper()
	file := filepath.Join(w.env["LAMBDA_TASK_ROOT"], "slo", "slo.yaml")
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) call(event string) (*lambdahost.Answer, error) {
	ctx := lambdacontext.NewContext(w.t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "id-1"})
	return w.handle(ctx, json.RawMessage(event))
}

func (w *world) must(event string) *lambdahost.Answer {
	w.t.Helper()
	a, err := w.call(event)
	if err != nil || !a.OK {
		w.t.Fatalf("%s: %+v, %v\n%s", event, a, err, w.log.String())
	}
	return a
}

// lines are the log lines with a message, or the metric lines for "".
func (w *world) lines(message string) (out []map[string]any) {
	w.t.Helper()
	for line := range strings.Lines(w.log.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			w.t.Fatalf("%v in %q", err, line)
		}
		if l["message"] == message || message == "" && l["_aws"] != nil {
			out = append(out, l)
		}
	}
	return out
}

func TestMeasure(t *testing.T) {
	w := start(t)
	a := w.must(``)
	if m := a.Measure; a.Do != "measure" || m.Filled != whole || m.Objectives != 1 || m.Unfinished || !m.Frontier.Equal(now.Add(-3*time.Minute)) {
		t.Errorf("%+v", a.Measure)
	}
	wide := w.lines("invocation")
	if len(wide) != 1 {
		t.Fatalf("the log says %v", wide)
	}
	for key, want := range map[string]any{
		"level": "INFO", "service": "nines", "version": "1.2.3", "function_name": "nines", "function_request_id": "id-1", "outcome": "ok",
		"do": "measure", "exit_code": 0.0, "objectives": 1.0, "filled": float64(whole), "failed": 0.0, "unfinished": false,
	} {
		if wide[0][key] != want {
			t.Errorf("%s is %v, want %v", key, wide[0][key], want)
		}
	}
	for _, key := range []string{"timestamp", "cold_start", "duration_ms", "at", "frontier", "requests", "metrics", "usd"} {
		if wide[0][key] == nil {
			t.Errorf("the invocation's record has no %s: %v", key, wide[0])
		}
	}
	metrics := w.lines("")
	if len(metrics) != 2 || metrics[0]["BudgetRemaining"] == nil || metrics[0]["SLI"] == nil || metrics[0]["BurnRate1h"] != 0.0 ||
		metrics[0]["Objective"] != "available" || metrics[1]["MeasuredFrontierAge"] != 180.0 || metrics[1]["Deployment"] != "nines" {
		t.Errorf("metrics are %v", metrics)
	}
	// The same event again changes nothing; a minute later there is one minute more.
	if m := w.must(`{"do":"measure"}`).Measure; m.Filled != 0 || m.Replaced != 0 {
		t.Errorf("again: %+v", m)
	}
	w.now = now.Add(time.Minute)
	if m := w.must(`null`).Measure; m.Filled != 1 {
		t.Errorf("a minute later: %+v", m)
	}
	if wide := w.lines("invocation"); len(wide) != 3 || wide[2]["cold_start"] != false || wide[2]["filled"] != 1.0 {
		t.Errorf("the log says %v", wide)
	}
}

// TestAdaptive: what does not burn is due every five minutes, whenever the
// schedule calls; a fresh process reads it all.
func TestAdaptive(t *testing.T) {
	w := start(t)
	var due []int
	for i := range 11 {
		w.now = now.Add(time.Duration(i) * time.Minute)
		due = append(due, w.must(`{"adaptive":true}`).Measure.Objectives)
	}
	if got, want := sum(due), 3; got != want || due[0] != 1 || due[5] != 1 || due[10] != 1 {
		t.Errorf("due were %v", due)
	}
	w.fresh()
	if got := w.must(`{"adaptive":true}`).Measure.Objectives; got != 1 {
		t.Errorf("%d objectives are due in a fresh process", got)
	}
	// Age is told by each call, due or not, and grows in between.
	if got := len(w.lines("")); got < 12 {
		t.Errorf("%d metric lines", got)
	}
}

func sum(all []int) (n int) {
	for _, v := range all {
		n += v
	}
	return n
}

func TestAsk(t *testing.T) {
	w := start(t)
	w.must(`{}`)
	a := w.must(`{"do":"status","select":["pay"]}`)
	if len(a.Status.Objectives) != 1 || *a.Status.Objectives[0].Total != 143_700 || *a.Status.Objectives[0].Good != 143_628 {
		t.Errorf("%+v", a.Status)
	}
	g := w.must(`{"do":"gate","service":"pay","environment":"production","version":"1.2"}`)
	if g.Gate.Verdict.String() != "pass" || g.ExitCode != 0 || g.Gate.ID == "" {
		t.Errorf("%+v", g.Gate)
	}
	// Asked about a time before anything was measured, nothing can be known.
	if old := w.must(`{"do":"gate","service":"pay","at":"2026-02-01T00:00:00Z"}`); old.ExitCode != 4 {
		t.Errorf("%+v", old.Gate)
	}
}

// TestGateWithoutStore: the policy's onError answers.
func TestGateWithoutStore(t *testing.T) {
	w := start(t)
	w.env["NINES_STORE"] = "sqlite:" + filepath.Join(w.env["LAMBDA_TASK_ROOT"], "slo", "slo.yaml", "nines.db")
	a, err := w.call(`{"do":"gate","service":"pay"}`)
	if err != nil || a.ExitCode == 0 || a.Gate == nil || a.Gate.Verdict.String() == "pass" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestRefused(t *testing.T) {
	w := start(t)
	for event, says := range map[string]string{
		`{"do":"mesure"}`:                  "there is no mesure",
		`{"dryrun":true}`:                  "dryrun",
		`{"do":"gate"}`:                    "service is missing",
		`{"do":"status","adaptive":true}`:  "no field adaptive",
		`{"do":"measure","service":"pay"}`: "no field service",
		`{"select":["shop"]}`:              "shop",
		`{"at":"2026-03-02T12:05:00Z"}`:    "ahead of the clock",
		`{"at":"noon"}`:                    "noon",
		`{"since":"ages"}`:                 "ages",
		`[1]`:                              "read the event",
		`{} {}`:                            "behind the event",
		`{"version":"0","detail-type":"Scheduled Event"}`: "envelope",
		`{"do":"gate","service":"shop"}`:                  "shop",
	} {
		a, err := w.call(event)
		if err != nil || a.OK || a.Error == nil || a.ExitCode != 2 || !strings.Contains(a.Error.Message+a.Error.Hint, says) {
			t.Errorf("%s: %+v %+v, %v", event, a, a.Error, err)
		}
	}
	w.write("apiVersion: openslo/v1\nkind: SLO\n")
	if a, err := w.call(`{}`); err != nil || a.OK || !strings.Contains(a.Error.Message, "slo.yaml:1:1") {
		t.Errorf("broken documents: %+v, %v", a, err)
	}
	w.write(document)
	w.must(`{}`) // mended: it goes on in the same process
	w.env["NINES_STORE"] = "memory:"
	w.fresh()
	if a, err := w.call(`{}`); err != nil || a.OK || !strings.Contains(a.Error.Message, "keeps nothing") {
		t.Errorf("a store in memory: %+v, %v", a, err)
	}
}

// TestRetries: what time may mend is the function's error; what a person has to
// mend is an answer.
func TestRetries(t *testing.T) {
	for kind := fault.Internal; kind <= fault.Canceled; kind++ {
		w := start(t)
		w.src.err = fault.New(kind, "ask", "no", "do something")
		a, err := w.call(`{}`)
		again := kind.Retry() || kind == fault.Internal || kind == fault.Canceled
		if (err != nil) != again {
			t.Errorf("%v: %+v, %v", kind, a, err)
			continue
		}
		w.said(kind, again)
		if !again {
			if a.OK || a.Error.Kind != kind.String() || len(a.Measure.Failed) != 1 {
				t.Errorf("%v: %+v", kind, a)
			}
			continue
		}
		var said messages.InvokeResponse_Error
		if !errors.As(err, &said) || !strings.HasPrefix(said.Type, "Nines.") || strings.Contains(said.Type, " ") {
			t.Errorf("%v: %#v", kind, err)
		}
		w.src.err = nil
		w.must(`{}`)
	}
}

// said holds the log against one failed invocation.
func (w *world) said(kind fault.Kind, again bool) {
	w.t.Helper()
	wide, not := w.lines("invocation"), w.lines("not measured")
	if len(wide) != 1 || len(not) != 1 || not[0]["level"] != "WARN" || not[0]["function_request_id"] != "id-1" {
		w.t.Fatalf("%v: the log says\n%s", kind, w.log.String())
	}
	got := wide[0]
	if !again { // an answer: Lambda sees no error
		if got["level"] != "INFO" || got["outcome"] != "ok" || got["failed"] != 1.0 || got["kind"] != kind.String() || got["try_again"] != false {
			w.t.Errorf("%v: %v", kind, got)
		}
		return
	}
	name, _ := got["error_type"].(string)
	if got["level"] != "ERROR" || got["outcome"] == "ok" || got["kind"] != kind.String() || got["hint"] != "do something" || got["try_again"] != true ||
		!strings.HasPrefix(name, "Nines.") || len(w.lines("failed")) != 1 {
		w.t.Errorf("%v: %v", kind, got)
	}
}

// TestPanic: a defect is an error with its stack in the log, and the process goes
// on.
func TestPanic(t *testing.T) {
	w := start(t)
	w.src.panic = true
	if a, err := w.call(`{}`); err == nil || !strings.Contains(err.Error(), "a defect") {
		t.Errorf("%+v, %v", a, err)
	}
	l := w.lines("panic")
	if len(l) != 1 {
		t.Fatalf("the log says %v", l)
	}
	if stack, ok := l[0]["stack"].(string); !ok || !strings.Contains(stack, "lambdahost") {
		t.Errorf("the log says %v", l)
	}
	w.src.panic = false
	w.must(`{}`)
}

// TestTimeRunsOut: measuring stops before the deadline, which is no failure; the
// next invocation goes on.
func TestTimeRunsOut(t *testing.T) {
	w := start(t)
	w.src.block = true
	w.now = time.Now()
	ctx, cancel := context.WithDeadline(t.Context(), w.now.Add(3*time.Second))
	defer cancel()
	a, err := w.handle(ctx, json.RawMessage(`{}`))
	if err != nil || !a.OK || !a.Measure.Unfinished || ctx.Err() != nil {
		t.Fatalf("%+v, %v", a, err)
	}
	if len(w.lines("")) != 0 {
		t.Errorf("nothing is measured, but %v is published", w.lines(""))
	}
	w.src.block, w.now = false, now
	if m := w.must(`{}`).Measure; m.Filled != whole {
		t.Errorf("afterwards: %+v", m)
	}
}

// TestChangedDocuments: the next invocation measures by them.
func TestChangedDocuments(t *testing.T) {
	w := start(t)
	w.must(`{}`)
	w.write(strings.Replace(document, "target: 0.99}", "target: 0.5}", 1))
	if a := w.must(`{"do":"status"}`); a.Status.Objectives[0].Target != "50%" && a.Status.Objectives[0].Target != "0.5" {
		t.Errorf("the target is %s", a.Status.Objectives[0].Target)
	}
	if m := w.must(`{"adaptive":true}`).Measure; m.Objectives != 1 {
		t.Errorf("%+v", m)
	}
}

// TestDocumentsFromElsewhere reads them from an address.
func TestDocumentsFromElsewhere(t *testing.T) {
	w := start(t)
	w.env["NINES_CONFIG"] = "mem://docs"
	w.wire.Documents = map[string]config.Opener{"mem": func(context.Context, string) (config.Source, error) { return docs{}, nil }}
	w.fresh()
	w.must(`{}`)
}

type docs struct{}

func (docs) List(context.Context) ([]config.Item, error) {
	return []config.Item{{Name: "mem://docs/slo.yaml", Version: "1"}}, nil
}

func (docs) Read(context.Context, config.Item) ([]byte, error) { return []byte(document), nil }
