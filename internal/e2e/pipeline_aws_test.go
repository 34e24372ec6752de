package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
)

// account is AWS as a job sees it: CloudWatch, a token service that hands out
// the key ROLE, and a runner's own credentials with the key RUNNER.
type account struct {
	*httptest.Server
	mu    sync.Mutex
	keys  map[string]string // access key that CloudWatch was asked with, by the first part of the path
	roles []url.Values      // what the token service was asked
}

var accessKey = regexp.MustCompile(`Credential=([^/]+)/`)

const (
	keyTimes   = "2099-01-01T00:00:00Z"
	assumedXML = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>` +
		`<Credentials><AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>` + keyTimes + `</Expiration></Credentials>` +
		`</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`
	runnerJSON = `{"AccessKeyId":"RUNNER","SecretAccessKey":"s","Token":"t","Expiration":"` + keyTimes + `"}`
)

// newAccount starts one whose service pay answered each of its requests of the
// last 26 hours in so many milliseconds, half of them in ms and half in 100.
func newAccount(t *testing.T, ms int) *account {
	t.Helper()
	cloudwatch, err := cloudwatchd.New(t.Context(), cloudwatchd.Config{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	a := &account{keys: map[string]string{}}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, cloudwatch) }))
	t.Cleanup(func() {
		a.Close()
		if err := cloudwatch.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	var lines strings.Builder
	const minutes = 26 * 60
	start := time.Now().UTC().Truncate(time.Minute).Add(-minutes * time.Minute)
	for m := range minutes {
		fmt.Fprintf(&lines, `{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"shop","Dimensions":[["Service"]],"Metrics":[{"Name":"Latency","Unit":"Milliseconds"}]}]},"Service":"pay","Latency":[%d,100]}`+"\n",
			start.Add(time.Duration(m)*time.Minute).UnixMilli(), ms)
	}
	post(t, a.Client(), a.URL+"/emf?region=eu-west-1", "application/x-ndjson", lines.String())
	return a
}

func (a *account) serve(w http.ResponseWriter, r *http.Request, cloudwatch http.Handler) {
	if r.URL.Path == "/runner" {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, runnerJSON)
		return
	}
	// What the path begins with names the job: its endpoint has it.
	job := ""
	if r.URL.Path != "/emf" && !strings.HasPrefix(r.URL.Path, "/service/") {
		job, r.URL.Path, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		r.URL.Path = "/" + r.URL.Path
	}
	const most = 32 << 20
	body, err := io.ReadAll(io.LimitReader(r.Body, most))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if bytes.Contains(body, []byte("Action=AssumeRoleWithWebIdentity")) {
		form, _ := url.ParseQuery(string(body))
		a.mu.Lock()
		a.roles = append(a.roles, form)
		a.mu.Unlock()
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, assumedXML)
		return
	}
	if m := accessKey.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		a.mu.Lock()
		a.keys[job] = m[1]
		a.mu.Unlock()
	}
	cloudwatch.ServeHTTP(w, r)
}

// TestWhoseRightsReadCloudWatch runs the gate with a role by the job's token,
// with the runner's own rights and with variables, all of which are there.
func TestWhoseRightsReadCloudWatch(t *testing.T) {
	runner(t)
	t.Parallel()
	const role = "arn:aws:iam::123456789012:role/nines-reads"
	var ci strings.Builder
	ci.WriteString("stages: [test, deploy]\ninclude:\n")
	aws := newAccount(t, 120)
	for _, c := range [][2]string{
		{"token", "aws-role: '" + role + "'"}, {"runner", ""}, {"forced", "aws-credentials: variables"}, {"nothing", "aws-credentials: id-token"},
	} {
		inputs := []string{"config: slo", "service: pay", "mode: enforce", "store: none", "aws-endpoint: '" + aws.URL + "/" + c[0] + "'", "job-prefix: " + c[0] + "-"}
		if c[1] != "" {
			inputs = append(inputs, c[1])
		}
		ci.WriteString(component("slo-check", inputs...))
	}
	ci.WriteString("token-slo-check: {variables: {AWS_PROFILE: evil, AWS_CONFIG_FILE: /nowhere, AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:9'}}\n")
	p := newProject(t, map[string]string{".gitlab-ci.yml": ci.String(), "slo/slo.yaml": fmt.Sprintf(cloudwatchDoc, "Latency")})
	tmp := t.TempDir()
	p.env = append(p.env, "TMPDIR="+tmp, "AWS_EC2_METADATA_DISABLED=true", "AWS_CONTAINER_CREDENTIALS_FULL_URI="+aws.URL+"/runner")
	got := p.run(t,
		"--variable", "AWS_ACCESS_KEY_ID=VARIABLE", "--variable", "AWS_SECRET_ACCESS_KEY=s", "--variable", "NINES_AWS_TOKEN=the.job.token",
		"--variable", "AWS_ENDPOINT_URL=http://127.0.0.1:9", "--variable", "AWS_ENDPOINT_URL_CLOUDWATCH=http://127.0.0.1:9")
	got.want(t, map[string]string{"token-slo-check": "PASS", "runner-slo-check": "PASS", "forced-slo-check": "PASS", "nothing-slo-check": "FAIL"})
	want := map[string]string{"token": "ROLE", "runner": "RUNNER", "forced": "VARIABLE"}
	if !maps.Equal(aws.keys, want) {
		t.Errorf("CloudWatch was asked with the keys %v, want %v", aws.keys, want)
	}
	if len(aws.roles) == 0 {
		t.Fatal("nobody asked the token service")
	}
	form := aws.roles[0]
	if form.Get("RoleArn") != role || form.Get("WebIdentityToken") != "the.job.token" || !strings.HasPrefix(form.Get("RoleSessionName"), "nines-") {
		t.Errorf("the token service was asked %v", form)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("a token was left behind: %v %v", left, err)
	}
}
