package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go/encoding/cbor"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/lambdad"
	"gitlab.com/nines-sre/nines/internal/run/lease"
)

// The versions of the function of an account: the one that serves, one that only
// somebody else would use, and the one that is rolled out.
const (
	oldVersion, otherVersion, newVersion = "1", "2", "3"
)

// accountDoc has one objective and a rollout of two short steps, whose minutes
// come from a file for each version.
const accountDoc = `apiVersion: openslo/v1
kind: SLO
metadata: {name: availability}
spec:
  service: payment-api
  budgetingMethod: Occurrences
  indicator:
    metadata: {name: payment-api-availability}
    spec:
      ratioMetric:
        counter: false
        good: {metricSource: {type: csv, spec: {path: all.csv, column: good}}}
        total: {metricSource: {type: csv, spec: {path: all.csv, column: total}}}
  objectives: [{displayName: availability, target: 0.99}]
  timeWindow: [{duration: 30d, isRolling: true}]
---
apiVersion: nines/v1
kind: Rollout
metadata: {name: payment-api}
spec:
  service: payment-api
  target: {lambda: {function: payment-api, alias: live, region: eu-west-1}}
  steps:
    - {weight: 20%, bake: 2m}
    - {weight: 50%, bake: 2m}
  unsure: extend
  extend: 6m
  early: true
  metrics:
    - name: availability
      good: {metricSource: {type: csv, spec: {path: "v${version}.csv", column: good}}}
      total: {metricSource: {type: csv, spec: {path: "v${version}.csv", column: total}}}
  watch: {duration: 20m, alarms: [red-before, fresh], rollback: auto}
`

// accountRate is how many requests a minute the alias gets.
const accountRate = 6000

// fate is what becomes of a request to Lambda.
type fate int

const (
	served    fate = iota
	lost           // the connection is dropped before anything is done
	unheard        // the connection is dropped after it was done
	throttled      // refused, because there were too many
)

// rollAccount is a Lambda whose alias's requests go by its weights, in minutes of a
// clock that the program's waiting moves. Each request to Lambda is counted, and
// may be met by trouble.
type rollAccount struct {
	t      *testing.T
	dir    string
	lambda *lambdad.Server
	door   *httptest.Server  // what the program talks to
	back   *awslambda.Client // past the door: somebody else
	alarms *httptest.Server

	// answer is what functions say; nil: the request. Set it before the program runs.
	answer func(lambdad.Invocation) lambdad.Answer

	mu           sync.Mutex
	seen         int                          // requests since the program was started
	meet         func(n int, write bool) fate // before a request is served; may be nil
	done         func(n int)                  // behind one that was served, before it is answered
	writes       int                          // of the alias, by the program, that were done
	red          []string                     // alarms
	unread       time.Time                    // until then nobody may read them
	laid         []laid                       // how the alias lay since when
	bad          map[string]float64           // share of bad requests by version
	since, until time.Time                    // when that begins and ends; zero: always
	cmd          *exec.Cmd                    // the program that runs
	dead         chan struct{}                // closed when it has ended
}

type laid struct {
	since time.Time
	act.Split
}

// openAccount has version 1 on all of the traffic and the code of version 3
// unpublished; badness is the share of its requests that fail.
func openAccount(t *testing.T, badness float64) *rollAccount {
	t.Helper()
	a := &rollAccount{t: t, dir: t.TempDir(), red: []string{"red-before"}, bad: map[string]float64{newVersion: badness}}
	setClock(t, a.clock(), time.Date(2026, 3, 2, 12, 0, 20, 0, time.UTC))
	a.lambda = lambdad.New(lambdad.Config{Now: func() time.Time { return a.now(t) }, Reads: 1, Invoke: func(in lambdad.Invocation) lambdad.Answer {
		if a.answer == nil {
			return lambdad.Answer{Payload: in.Payload}
		}
		return a.answer(in)
	}})
	a.door = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(t, w, r) }))
	t.Cleanup(a.door.Close)
	behind := httptest.NewServer(a.lambda)
	t.Cleanup(behind.Close)
	a.alarms = httptest.NewServer(http.HandlerFunc(a.describeAlarms))
	t.Cleanup(a.alarms.Close)
	a.back = lambdaAPI(behind.URL)
	write(t, filepath.Join(a.dir, "payment-api.yaml"), accountDoc)
	makeFunction(t, a.back, "one", "two", "three")
	a.lay(t)
	return a
}

func (a *rollAccount) clock() string { return filepath.Join(a.dir, "clock") }

func (a *rollAccount) now(t *testing.T) time.Time {
	b, err := os.ReadFile(a.clock())
	at, perr := time.Parse(time.RFC3339, string(b))
	if err = errors.Join(err, perr); err != nil {
		t.Error(err)
	}
	return at
}

// split is how the alias lies.
func (a *rollAccount) split() act.Split {
	version, others := a.lambda.Weights(shopFunction, shopAlias)
	s := act.Split{Stable: version}
	for v, w := range others {
		s.Canary, s.Weight = v, w
	}
	return s
}

// serve is Lambda's door.
func (a *rollAccount) serve(t *testing.T, w http.ResponseWriter, r *http.Request) {
	alias := r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/aliases/")
	a.mu.Lock()
	a.seen++
	n, meet, done, what := a.seen, a.meet, a.done, served
	a.mu.Unlock()
	if meet != nil {
		what = meet(n, alias)
	}
	switch what {
	case lost:
		panic(http.ErrAbortHandler) // net/http drops the connection, and says nothing
	case throttled:
		w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"message": "Rate exceeded", "Reason": "CallerRateLimitExceeded"}`))
		return
	case served, unheard:
	}
	answer := httptest.NewRecorder()
	a.lambda.ServeHTTP(answer, r)
	if alias && answer.Code == http.StatusOK {
		a.mu.Lock()
		a.writes++
		a.mu.Unlock()
		a.lay(t)
	}
	if done != nil {
		done(n)
	}
	if what == unheard {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // a caller that is gone has no use for it
}

// lay lets the traffic follow the alias from now on: the minutes of each version
// are written as they will be, if nobody moves it again.
func (a *rollAccount) lay(t *testing.T) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now(t)
	a.laid = append(a.laid, laid{now, a.split()})
	files := map[string]*strings.Builder{"all": {}, oldVersion: {}, otherVersion: {}, newVersion: {}}
	for _, b := range files {
		b.WriteString("timestamp,good,total\n")
	}
	begin := a.laid[0].since.Truncate(time.Minute)
	for at := begin.Add(-2 * time.Hour); at.Before(now.Add(4 * time.Hour)); at = at.Add(time.Minute) {
		is := a.laid[0].Split
		for _, l := range a.laid {
			if !l.since.After(at) {
				is = l.Split
			}
		}
		var total, bad int64
		for _, v := range []string{oldVersion, otherVersion, newVersion} {
			share := 0.0
			switch v {
			case is.Stable:
				share = 1 - is.Weight
			case is.Canary:
				share = is.Weight
			}
			n := int64(accountRate * share)
			b := int64(float64(n) * 0.001)
			if !at.Before(a.since) && (a.until.IsZero() || at.Before(a.until)) {
				b = int64(float64(n) * max(a.bad[v], 0.001))
			}
			total, bad = total+n, bad+b
			fmt.Fprintf(files[v], "%d,%d,%d\n", at.Unix(), n-b, n)
		}
		fmt.Fprintf(files["all"], "%d,%d,%d\n", at.Unix(), total-bad, total)
	}
	for v, b := range files {
		file := filepath.Join(a.dir, v+".csv")
		if v != "all" {
			file = filepath.Join(a.dir, "v"+v+".csv")
		}
		if err := errors.Join(os.WriteFile(file+".new", []byte(b.String()), 0o600), os.Rename(file+".new", file)); err != nil {
			t.Error(err)
		}
	}
}

// describeAlarms is CloudWatch, as far as it is asked for alarms.
func (a *rollAccount) describeAlarms(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/operation/DescribeAlarms") {
		http.Error(w, "only alarms are here", http.StatusNotFound)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now(a.t).Before(a.unread) {
		w.Header().Set("Content-Type", "application/cbor")
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write(cbor.Encode(cbor.Map{"__type": cbor.String("AccessDeniedException"), "message": cbor.String("not allowed")}))
		return
	}
	list := cbor.List{}
	for _, name := range []string{"red-before", "fresh"} {
		state := "OK"
		if slices.Contains(a.red, name) {
			state = "ALARM"
		}
		list = append(list, cbor.Map{"AlarmName": cbor.String(name), "StateValue": cbor.String(state)})
	}
	w.Header().Set("Content-Type", "application/cbor")
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	_, _ = w.Write(cbor.Encode(cbor.Map{"MetricAlarms": list})) // a caller that is gone has no use for it
}

// set makes trouble for the next process; nil, nil: none.
func (a *rollAccount) set(meet func(n int, write bool) fate, done func(n int)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen, a.meet, a.done = 0, meet, done
}

// ran is how a process ended; the code of one that was killed is -1.
type ran struct {
	code     int
	requests int // to Lambda
	said     string
}

// nines runs the program to its end, whatever that is.
func (a *rollAccount) nines(t *testing.T, args ...string) ran {
	t.Helper()
	cmd := inAccount(t, a.alarms.URL, a.dir, args...)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_LAMBDA="+a.door.URL, "NINES_CONFIG="+a.dir, "NINES_ACTOR=ada", "CI_JOB_URL=", clockFile+"="+a.clock(), clockRuns+"=1")
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	a.mu.Lock()
	a.cmd, a.dead, a.seen = cmd, make(chan struct{}), 0
	err := cmd.Start()
	a.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	close(a.dead)
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return ran{cmd.ProcessState.ExitCode(), a.seen, said.String()}
}

// kill ends the program at once, and returns when it is gone.
func (a *rollAccount) kill() {
	a.mu.Lock()
	cmd, dead := a.cmd, a.dead
	a.mu.Unlock()
	_ = cmd.Process.Kill() // it may be gone already
	<-dead
}

// terminate asks the program to end.
func (a *rollAccount) terminate() {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = a.cmd.Process.Signal(syscall.SIGTERM) // it is there: it has just asked
}

// entries are the rollouts' entries of the ledger, newest first, as the program
// lists them.
func (a *rollAccount) entries(t *testing.T) []lease.Body {
	t.Helper()
	var list []struct {
		Body lease.Body `json:"body"`
	}
	got := a.nines(t, "ledger", "--kind", "rollout", "--limit", "0", "-o", "json")
	if err := json.Unmarshal([]byte(got.said), &list); err != nil || got.code != 0 {
		t.Fatalf("the ledger: exit %d, %v in %s", got.code, err, got.said)
	}
	out := make([]lease.Body, len(list))
	for i := range list {
		out[i] = list[i].Body
	}
	return out
}
