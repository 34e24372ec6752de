package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/dynamodbd/dynamodbtest"
	"gitlab.com/nines-sre/nines/internal/metric"
	shells "gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	runstatus "gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/wire"
	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// shopDoc is an SLO over counts of a service.
const shopDoc = `apiVersion: openslo/v1
kind: SLO
metadata: {name: requests}
spec:
  service: %[1]s
  indicator:
    metadata: {name: %[1]s-requests}
    spec:
      ratioMetric:
        counter: false
        bad: {metricSource: {type: CloudWatch, spec: {region: eu-west-1, namespace: shop, metric: Errors, dimensions: {Service: %[1]s}, stat: Sum}}}
        total: {metricSource: {type: CloudWatch, spec: {region: eu-west-1, namespace: shop, metric: Requests, dimensions: {Service: %[1]s}, stat: Sum}}}
  budgetingMethod: Occurrences
  objectives: [{displayName: served, target: 0.99}]
  timeWindow: [{duration: 1d, isRolling: true}]
---
`

const publishDoc = `apiVersion: nines/v1
kind: Settings
metadata: {name: defaults}
spec: {publish: {to: cloudwatch, metrics: [BudgetRemaining, BurnRate1h, SLI]}}
`

// lambdaAccount is an AWS account with a day of three services in its CloudWatch.
type lambdaAccount struct {
	url      string
	server   *cloudwatchd.Server
	day      time.Time // its midnight: the last whole day but one
	services []string
}

func newLambdaAccount(t testing.TB) *lambdaAccount {
	t.Helper()
	a := emptyLambdaAccount(t)
	a.services = []string{"pay", "shop", "ship"}
	random := rand.New(rand.NewPCG(1, 2))
	a.traffic(t, a.day, int(slo.Day), func() int { return random.IntN(50) * (50 + random.IntN(100)) / 25 })
	return a
}

// emptyLambdaAccount is an account without services.
func emptyLambdaAccount(t testing.TB) *lambdaAccount {
	t.Helper()
	a := &lambdaAccount{day: time.Now().UTC().Truncate(24 * time.Hour).Add(-24 * time.Hour)}
	var err error
	if a.server, err = cloudwatchd.New(t.Context(), cloudwatchd.Config{Clock: time.Now}); err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(a.server)
	t.Cleanup(func() {
		h.Close()
		if err := a.server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	a.url = h.URL
	return a
}

// traffic publishes some minutes of each service: requests as a function says,
// none for 0, and now and then an error among them.
func (a *lambdaAccount) traffic(t testing.TB, from time.Time, minutes int, requests func() int) {
	t.Helper()
	random := rand.New(rand.NewPCG(5, 6))
	var lines strings.Builder
	for m := range minutes {
		for _, s := range a.services {
			total := requests()
			if total == 0 {
				continue
			}
			fmt.Fprintf(&lines, `{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"shop","Dimensions":[["Service"]],"Metrics":[{"Name":"Requests"},{"Name":"Errors"}]}]},"Service":"%s","Requests":%d,"Errors":%d}`+"\n",
				from.Add(time.Duration(m)*time.Minute).UnixMilli(), s, total, min(total, random.IntN(2)*random.IntN(4)))
		}
	}
	post(t, http.DefaultClient, a.url+"/emf?region=eu-west-1", "application/x-ndjson", lines.String())
}

// documents writes the services' documents into a folder.
func (a *lambdaAccount) documents(t testing.TB, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, s := range a.services {
		write(t, filepath.Join(dir, s+".yaml"), fmt.Sprintf(shopDoc, s))
	}
	write(t, filepath.Join(dir, "settings.yaml"), publishDoc)
	return dir
}

func (a *lambdaAccount) environ() []string {
	return []string{
		"AWS_ENDPOINT_URL_CLOUDWATCH=" + a.url, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret",
		"AWS_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}
}

// functions run the program as Lambda does: as many execution environments as
// are asked for, over the same store and documents.
type functions struct {
	log lockedLog
	all []*lambdatest.Environment
}

type lockedLog struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// bootstrap is the program as the function's binary: the test executable, or
// with NINES_FULL the one that a release builds.
func bootstrap(t testing.TB) func() *exec.Cmd {
	t.Helper()
	file, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("NINES_FULL") != "" {
		file = filepath.Join(t.TempDir(), "bootstrap")
		build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", file, "../../cmd/nines")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
	}
	return func() *exec.Cmd { return exec.CommandContext(context.WithoutCancel(t.Context()), file) }
}

func deploy(t testing.TB, n int, env ...string) *functions {
	t.Helper()
	f := &functions{}
	command := bootstrap(t)
	for range n {
		e := lambdatest.Start(lambdatest.Function{
			Command: command, Name: "nines", Timeout: time.Minute, InitTimeout: time.Minute, Output: &f.log,
			Env: append([]string{asBinary + "=1"}, env...),
		})
		t.Cleanup(e.Close)
		f.all = append(f.all, e)
	}
	return f
}

// history is what is kept of the indicators from a minute on, in words.
func history(t *testing.T, env *shells.Env, from slo.Minute) string {
	t.Helper()
	var b strings.Builder
	for _, ind := range env.Catalog.Indicators {
		id := timeline.ID(ind.ID)
		metas, err := env.History.Meta(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		answered := metas[id].Answered
		if len(answered) == 0 {
			t.Fatalf("%s was never measured", id)
		}
		life := slo.Span{From: from, To: answered[len(answered)-1].To}
		fmt.Fprintf(&b, "%s %v\n", id, metric.Clip(answered, life))
		views, err := env.History.Open(t.Context(), []timeline.Request{{ID: id, Points: []slo.Span{life}, Frontier: life.To}})
		if err != nil {
			t.Fatal(err)
		}
		for m, c := range views[id].Points(life) {
			fmt.Fprintf(&b, "%d %v/%v\n", m, c.Good, c.Total)
		}
	}
	return b.String()
}

// open opens documents and a store in this process, as a laptop does.
func open(t *testing.T, a *lambdaAccount, dir, store string, now time.Time) *shells.Env {
	t.Helper()
	for _, v := range a.environ() {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	types := wire.Types()
	catalog, problems, err := config.Load(t.Context(), []string{dir}, config.Options{Types: types})
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	stores, err := wire.OpenStore(t.Context(), store, host.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stores.Close(); err != nil {
			t.Error(err)
		}
	})
	return &shells.Env{
		Catalog: catalog, History: timeline.NewHistory(stores.Timeline), Ledger: stores.Ledger, Now: now,
		Open: func(ctx context.Context, ds config.DataSource) (metric.Source, error) {
			return types[ds.Type].Open(ctx, ds.Details, ds.Dir)
		},
	}
}

// TestLambdaDay measures a day with a function whose processes are killed, whose
// events come twice and overlap: afterwards the history is what a laptop makes
// of the day in one go. The ordinary test takes an hour of it.
func TestLambdaDay(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		lambdaDay(t, "sqlite:"+filepath.Join(t.TempDir(), "nines.db"))
	})
	t.Run("table", func(t *testing.T) {
		s := dynamodbtest.Start(t, time.Now)
		lambdaDay(t, table(t, s, t.TempDir()))
	})
}

func lambdaDay(t *testing.T, store string) {
	a := newLambdaAccount(t)
	root := t.TempDir()
	slos := a.documents(t, filepath.Join(root, "slo"))
	f := deploy(t, 2, append(a.environ(), "NINES_CONFIG="+slos, "NINES_STORE="+store)...)
	ticks := 12
	if os.Getenv("NINES_FULL") != "" {
		ticks = 288
	}
	at, count := a.day.Add(24*time.Hour-time.Duration(ticks)*5*time.Minute), map[string]int{}
	random := rand.New(rand.NewPCG(3, 4))
	usual := time.Second
	for i := range ticks + 1 {
		a.server.Clock().Freeze(at)
		in := lambdatest.Invocation{Payload: fmt.Appendf(nil, `{"do":"measure","at":%q}`, at.Format(time.RFC3339)), RequestID: fmt.Sprintf("tick-%d", i)}
		what := []string{"once", "twice", "overlapping", "killed"}[random.IntN(4)]
		if i == 0 || i == ticks {
			what = "once"
		}
		count[what]++
		switch what {
		case "once":
			usual = f.invoke(t, 0, in).Duration
		case "twice":
			f.invoke(t, 0, in)
			f.invoke(t, random.IntN(2), in)
		case "overlapping":
			var both sync.WaitGroup
			both.Go(func() { f.invoke(t, 0, in) })
			both.Go(func() { f.invoke(t, 1, in) })
			both.Wait()
		case "killed":
			dead := make(chan struct{})
			timer := time.AfterFunc(time.Duration(random.Int64N(int64(usual))), func() {
				f.all[0].Kill()
				close(dead)
			})
			res, err := f.all[0].Invoke(t.Context(), in)
			if !timer.Stop() {
				<-dead // it must not meet the next invocation
			}
			if err != nil || !res.Exited && !res.OK() {
				t.Fatalf("killed: %+v, %v", res, err)
			}
			if res.Exited {
				count["killed in the middle"]++
			}
		}
		at = at.Add(5 * time.Minute)
	}
	at = at.Add(-5 * time.Minute)
	t.Logf("%d ticks: %v", ticks+1, count)

	laptop := open(t, a, slos, "sqlite:"+filepath.Join(root, "laptop.db"), at)
	if _, err := measure.Run(t.Context(), laptop, measure.Options{}); err != nil {
		t.Fatal(err)
	}
	function := open(t, a, slos, store, at)
	// The function began earlier, so that its history reaches back further.
	metas, err := laptop.History.Meta(t.Context(), timeline.ID(laptop.Catalog.Indicators[0].ID))
	if err != nil {
		t.Fatal(err)
	}
	from := metas[timeline.ID(laptop.Catalog.Indicators[0].ID)].Birth
	want, got := history(t, laptop, from), history(t, function, from)
	if got != want {
		t.Errorf("histories differ: the laptop's has %d lines, the function's %d", strings.Count(want, "\n"), strings.Count(got, "\n"))
		w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
		for i := range min(len(w), len(g)) {
			if w[i] != g[i] {
				t.Fatalf("the first difference: %q is %q", w[i], g[i])
			}
		}
	}
	f.published(t, laptop)
}

// invoke is an invocation that must go well.
func (f *functions) invoke(t *testing.T, which int, in lambdatest.Invocation) lambdatest.Result {
	t.Helper()
	res, err := f.all[which].Invoke(t.Context(), in)
	var answer struct {
		OK bool `json:"ok"`
	}
	if err == nil && res.OK() {
		err = json.Unmarshal(res.Payload, &answer)
	}
	// Writers that get into each other's way are told to come back: Lambda does.
	if res.Error != nil && res.Error.Type == "Nines.Conflict" {
		return f.invoke(t, which, in)
	}
	if err != nil || !res.OK() || !answer.OK {
		t.Errorf("%s: %s %v (timed out %t, ended %t), %v\n%s", in.Payload, res.Payload, res.Error, res.TimedOut, res.Exited, err, f.log.String())
	}
	return res
}

// published compares the numbers that the function gave away last with how the
// objectives stand.
func (f *functions) published(t *testing.T, env *shells.Env) {
	t.Helper()
	entries, err := runstatus.Read(t.Context(), env, runstatus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]map[string]any{}
	for line := range strings.Lines(f.log.String()) {
		var l map[string]any
		if json.Unmarshal([]byte(line), &l) == nil && l["_aws"] != nil {
			if service, ok := l["Service"].(string); ok {
				last[service] = l
			}
		}
	}
	for _, e := range entries {
		got := last[e.Objective.Service]
		if got == nil || got["BudgetRemaining"] != *e.Status.Budget.Remaining*100 || got["SLI"] != *e.Status.SLI*100 {
			t.Errorf("%s was published as %v; it has %v %% left", e.Objective.Service, got, *e.Status.Budget.Remaining*100)
		}
	}
}
