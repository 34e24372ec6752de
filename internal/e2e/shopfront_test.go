package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"gitlab.com/nines-sre/nines/internal/lambdad"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

// The function of the shop front and the alias that its callers use.
const (
	shopFunction = "payment-api"
	shopAlias    = "live"
)

// shopRollout is how it is rolled out, in minutes that a test can wait for.
const shopRollout = `---
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
  split: {dimension: version, drop: [route]}
`

// shopfront is the example's payment API as processes, one for each version,
// behind the alias of a local Lambda: each request goes to the version that the
// alias's weights draw for it. Its metric lines go to a local CloudWatch.
type shopfront struct {
	dir     string // documents, store and log
	program string
	lambda  *lambdad.Server
	control *httptest.Server // Lambda's API
	metrics *local
	door    *httptest.Server // what clients call
	served  [3]atomic.Int64  // requests by version: 1 and 2
}

// openShop starts it with version 1 on all of the traffic, and code for version 2
// that is not published yet. canary is the fault that version 2 has.
func openShop(t *testing.T, program, canary string) *shopfront {
	t.Helper()
	s := &shopfront{dir: t.TempDir(), program: program, lambda: lambdad.New(lambdad.Config{Now: time.Now, Reads: 2})}
	text, err := os.ReadFile(liveDocuments)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.dir, "payment-api.yaml"), string(text)+shopRollout)
	write(t, s.log(), "")
	s.control = httptest.NewServer(s.lambda)
	t.Cleanup(s.control.Close)
	s.metrics = startLocal(t, s.dir, "--tail", s.log(), "--from-start")
	makeFunction(t, lambdaAPI(s.control.URL), "one", "two")
	s.open(t, map[string]*url.URL{"1": s.serve(t, "1", "none"), "2": s.serve(t, "2", canary)})
	return s
}

func (s *shopfront) log() string { return filepath.Join(s.dir, "service.log") }

// lambdaAPI is a client of a local Lambda, past whatever is in front of it.
func lambdaAPI(at string) *awslambda.Client {
	return awslambda.New(awslambda.Options{
		Region: "eu-west-1", BaseEndpoint: &at, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
}

// makeFunction makes the function and its alias, which is at version 1. The last
// code lies unpublished, each before it is a version.
func makeFunction(t *testing.T, api *awslambda.Client, codes ...string) {
	t.Helper()
	ctx, name := t.Context(), awssdk.String(shopFunction)
	_, err := api.CreateFunction(ctx, &awslambda.CreateFunctionInput{
		FunctionName: name, Role: awssdk.String("arn:aws:iam::123456789012:role/payment-api"), Publish: true,
		Code: &lambdatypes.FunctionCode{ZipFile: target.Zip(t, codes[0])}, Handler: awssdk.String("bootstrap"), Runtime: "provided.al2023",
	})
	for i, code := range codes[1:] {
		for range 5 { // it takes its time with what is new
			if err == nil {
				_, err = api.GetFunctionConfiguration(ctx, &awslambda.GetFunctionConfigurationInput{FunctionName: name})
			}
		}
		if err == nil {
			_, err = api.UpdateFunctionCode(ctx, &awslambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: target.Zip(t, code), Publish: i+2 < len(codes)})
		}
	}
	if err == nil {
		_, err = api.CreateAlias(ctx, &awslambda.CreateAliasInput{FunctionName: name, Name: awssdk.String(shopAlias), FunctionVersion: awssdk.String("1")})
	}
	if err != nil {
		t.Fatal(err)
	}
}

var listens = regexp.MustCompile(`listens at (http://\S+),`)

// serve starts a version and returns its address.
func (s *shopfront) serve(t *testing.T, version, fault string) *url.URL {
	t.Helper()
	log, err := os.OpenFile(s.log(), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.CommandContext(t.Context(), s.program, "serve", "--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "VERSION="+version, "FAULT="+fault, "POWERTOOLS_TRACE_DISABLED=true", "LOG_LEVEL=ERROR")
	cmd.Stdout = log
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
		_ = cmd.Wait()                          // how it ends is not what is tested
	})
	lines := bufio.NewReader(said)
	line, err := lines.ReadString('\n')
	m := listens.FindStringSubmatch(line)
	if err != nil || m == nil {
		t.Fatalf("version %s says %q: %v", version, line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }() // so that it never waits
	at, err := url.Parse(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// open lets clients in.
func (s *shopfront) open(t *testing.T, versions map[string]*url.URL) {
	t.Helper()
	behind := map[string]*httputil.ReverseProxy{}
	for v, at := range versions {
		behind[v] = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }}
	}
	s.door = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.lambda.Route(shopFunction, shopAlias, rand.Float64())
		s.served[v[0]-'0'].Add(1)
		behind[v].ServeHTTP(w, r)
	}))
	t.Cleanup(s.door.Close)
}

// load sends payments until the returned function is called.
func (s *shopfront) load(t *testing.T, rate int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, s.program, "load", "-url", s.door.URL, "-rate", fmt.Sprint(rate))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out := make(chan []byte, 1)
	go func() {
		text, _ := cmd.Output() // it is told to stop
		out <- text
	}()
	return func() {
		cancel()
		t.Logf("the load:\n%s", <-out)
	}
}

// nines prepares a run of the program against this account.
func (s *shopfront) nines(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := inAccount(t, s.metrics.url, s.dir, args...)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_LAMBDA="+s.control.URL, "NINES_CONFIG="+s.dir, "NINES_ACTOR=ada")
	return cmd
}
