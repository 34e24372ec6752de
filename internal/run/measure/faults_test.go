package measure_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/config"
	ledger "gitlab.com/nines-sre/nines/internal/ledger/memory"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/csv"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/sqlitedb"
	"gitlab.com/nines-sre/nines/internal/testkit/cases"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/sqlite"
)

// remote is the local CloudWatch behind real connections, and a reader of it
// that is cut off now and then.
type remote struct {
	*account
	http  *httptest.Server
	dir   string
	db    *sqlitedb.DB
	mu    sync.Mutex
	left  int // requests until the reader is cut off
	stop  context.CancelFunc
	tried int
	bad   int // runs that failed
}

// Do sends a request, or ends the run that wants it sent.
func (r *remote) Do(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	if r.left--; r.left < 0 && r.stop != nil {
		r.stop()
	}
	r.mu.Unlock()
	return r.http.Client().Do(req)
}

// cutOff ends the run after so many requests; nil: it lets it run.
func (r *remote) cutOff(after int, stop context.CancelFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left, r.stop = after, stop
}

func newRemote(t failer, dir string) *remote {
	r := &remote{account: newAccount(t, t0.Time()), dir: dir, left: 1 << 30}
	r.http = httptest.NewServer(r.server)
	r.client = cw.New(cw.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(r.http.URL), HTTPClient: r,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.RateLimiter = 2, ratelimit.None
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
	return r
}

// reopen closes the history's file and opens it again, as another process
// would.
func (r *remote) reopen(t failer, env *run.Env) {
	if r.db != nil {
		if err := r.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sqlitedb.Open(t.Context(), filepath.Join(r.dir, "nines.db"), sqlitedb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.db, env.History = db, timeline.NewHistory(sqlite.New(db))
}

func (r *remote) close(t failer) {
	r.http.Close()
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// trouble draws something to go wrong with reading.
func trouble(t *rapid.T) cloudwatchd.Fault {
	return cloudwatchd.Fault{
		Kind: rapid.SampledFrom([]cloudwatchd.FaultKind{
			cloudwatchd.Throttle, cloudwatchd.Internal, cloudwatchd.Cut, cloudwatchd.Partial, cloudwatchd.RowError, cloudwatchd.Forbidden,
			cloudwatchd.Stray, cloudwatchd.ShortPage,
		}).Draw(t, "fault"),
		Operation: "GetMetricData", Rate: rapid.Float64Range(0.2, 1).Draw(t, "rate"), Seed: rapid.Uint64().Draw(t, "seed"),
	}
}

// inject puts a fault in force.
func (r *remote) inject(t failer, f cloudwatchd.Fault) {
	if err := r.server.Inject(f); err != nil {
		t.Fatal(err)
	}
}

// troubled runs once while things go wrong.
func (r *remote) troubled(t *rapid.T, env *run.Env) {
	for range rapid.IntRange(0, 2).Draw(t, "faults") {
		r.inject(t, trouble(t))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if rapid.IntRange(0, 2).Draw(t, "cut off") == 0 {
		r.cutOff(rapid.IntRange(0, 3).Draw(t, "after requests"), cancel)
	}
	r.tried++
	if _, err := measure.Run(ctx, env, measure.Options{TailOnly: rapid.Bool().Draw(t, "tail")}); err != nil {
		r.bad++
	}
	r.cutOff(1<<30, nil)
	r.server.ClearFaults()
}

// recorded is the same objective over a file of the same events.
func recorded(t failer, dir string, like *run.Env, minutes []slo.Count) *run.Env {
	var text strings.Builder
	text.WriteString("timestamp,bad,total\n")
	for i, c := range minutes {
		fmt.Fprintf(&text, "%s,%v,%v\n", (t0 + slo.Minute(i)).Time().Format(time.RFC3339), c.Bad().Float(), c.Total.Float())
	}
	if err := os.WriteFile(filepath.Join(dir, "p.csv"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	query := func(column string) *slo.Query {
		return &slo.Query{Source: "file", Type: csv.Name, Spec: slo.Spec{"path": "p.csv", "column": column}}
	}
	catalog := *like.Catalog
	catalog.Sources = []config.DataSource{{Name: "file", Type: csv.Name, Dir: dir}}
	ind := like.Catalog.Indicators[0]
	ind.Source, ind.Definition = "file", slo.Ratio{Bad: query("bad"), Total: query("total")}
	catalog.Indicators = []config.Indicator{ind}
	env := *like
	env.Catalog = &catalog
	env.Open = func(ctx context.Context, ds config.DataSource) (metric.Source, error) {
		return csv.Open(ctx, ds.Details, ds.Dir)
	}
	return &env
}

// TestTheSameThroughFaults records events in a file and publishes them to
// CloudWatch, five minutes at a time. What reads CloudWatch is throttled, gets
// half an answer or one that breaks off, late data, short pages and stray
// points, is cut off in the middle and started anew on a file it opens again.
// In the end history, budget and verdict are those of the file.
//
// Data that are late are only seen while their minutes are unsettled, so after
// late ones each step ends with a reading that succeeds, as it must in life.
func TestTheSameThroughFaults(t *testing.T) {
	cases.Few(t, "10")
	tried, bad := 0, 0
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(root, "case") //nolint:usetesting // a case of rapid has no folder of its own
		if err != nil {
			t.Fatal(err)
		}
		steps := rapid.IntRange(3, 10).Draw(t, "steps")
		minutes := make([]slo.Count, 5*steps)
		for i := range minutes {
			total := rapid.Int64Range(0, 20).Draw(t, "total")
			good := total - min(total, max(0, rapid.Int64Range(-15, 6).Draw(t, "bad")))
			minutes[i] = slo.Count{Good: slo.Events(good), Total: slo.Events(total)}
		}
		minutes[0] = slo.Count{Good: slo.Events(1), Total: slo.Events(1)} // both begin here
		r := newRemote(t, dir)
		r.server.Clock().Freeze(t0.Time())
		env := r.env(6*slo.Hour, func(*slo.Objective) {})
		env.Catalog.Indicators[0].Since, env.Ledger = t0, ledger.New()
		r.reopen(t, env)
		defer r.close(t)
		late := 0
		for step := range steps + 4 {
			from := 5 * step
			if step >= steps { // nothing new, but what is late arrives
				r.server.Clock().Advance(5 * time.Minute)
			} else {
				if late--; rapid.IntRange(0, 3).Draw(t, "late") == 0 {
					delay := time.Duration(rapid.IntRange(1, 8).Draw(t, "by")) * time.Minute
					r.inject(t, cloudwatchd.Fault{Kind: cloudwatchd.Late, Delay: cloudwatchd.Delay(delay)})
					late = 3
				}
				r.publish(t, (t0 + slo.Minute(from)).Time(), minutes[from:from+5])
				r.server.ClearFaults()
			}
			env.Now = r.server.Clock().Now()
			for range rapid.IntRange(0, 2).Draw(t, "runs") {
				r.troubled(t, env)
				if rapid.Bool().Draw(t, "reopened") {
					r.reopen(t, env)
				}
			}
			if late > 0 || step >= steps {
				if _, err := measure.Run(t.Context(), env, measure.Options{TailOnly: step < steps}); err != nil {
					t.Fatal(err)
				}
			}
		}
		tried, bad = tried+r.tried, bad+r.bad
		compare(t, env, recorded(t, dir, r.env(6*slo.Hour, func(*slo.Objective) {}), minutes), minutes)
	})
	t.Logf("%d troubled runs, %d of them failed", tried, bad)
	if tried > 20 && bad == 0 {
		t.Error("nothing went wrong: the test looks at nothing")
	}
}

// compare holds a history and what follows from it against a file's.
func compare(t *rapid.T, got, want *run.Env, minutes []slo.Count) {
	want.Catalog.Indicators[0].Since, want.Ledger, want.Now = t0, ledger.New(), got.Now
	if _, err := measure.Run(t.Context(), want, measure.Options{}); err != nil {
		t.Fatal(err)
	}
	all := slo.Span{From: t0, To: t0 + slo.Minute(len(minutes))}
	var kept [2]map[slo.Minute]slo.Count
	var state, verdict [2]string
	for i, env := range []*run.Env{got, want} {
		views, err := env.History.Open(t.Context(), []timeline.Request{{ID: "i", Points: []slo.Span{all}, Frontier: all.To}})
		if err != nil {
			t.Fatal(err)
		}
		kept[i] = maps.Collect(views["i"].Points(all))
		entries, err := status.Read(t.Context(), env, status.Options{At: all.To.Time()})
		if err != nil || len(entries) != 1 {
			t.Fatal(entries, err)
		}
		state[i] = text(t, entries[0], entries[0])
		out, err := gate.Run(t.Context(), env, gate.Options{Service: "shop", At: all.To.Time()})
		if err != nil {
			t.Fatal(err)
		}
		reasons, err := json.Marshal(out.Decision.Reasons)
		if err != nil {
			t.Fatal(err)
		}
		verdict[i] = fmt.Sprint(out.Decision.Verdict, string(reasons))
	}
	for i, c := range minutes {
		m := t0 + slo.Minute(i)
		if kept[1][m] != c {
			t.Fatalf("minute %d: the file holds %v, its history %v", i, c, kept[1][m])
		}
		if g, ok := kept[0][m]; !ok || g != c {
			t.Fatalf("minute %d: CloudWatch's history holds %v (%v), want %v", i, g, ok, c)
		}
	}
	if state[0] != state[1] || verdict[0] != verdict[1] {
		t.Fatalf("from CloudWatch:\n%s\n%s\nfrom the file:\n%s\n%s", state[0], verdict[0], state[1], verdict[1])
	}
}
