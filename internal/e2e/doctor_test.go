package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/testkit/moto"
)

// patient is an objective over a latency metric of eu-west-1.
const patient = `apiVersion: openslo/v1
kind: SLO
metadata: {name: speed}
spec:
  service: pay
  indicator:
    metadata: {name: speed}
    spec:
      ratioMetric:
        counter: false
        good: {metricSource: {type: CloudWatch, spec: {region: eu-west-1, namespace: shop, metric: Latency, dimensions: {Service: pay}, stat: "TC(:300)"}}}
        total: {metricSource: {type: CloudWatch, spec: {region: eu-west-1, namespace: shop, metric: Latency, dimensions: {Service: pay}, stat: SampleCount}}}
  budgetingMethod: Occurrences
  objectives: [{displayName: within 300 ms, target: 0.9}]
  timeWindow: [{duration: 1d, isRolling: true}]
`

// ward is a local CloudWatch with metrics in several states of health.
type ward struct {
	server *cloudwatchd.Server
	url    string
	client *http.Client
	date   func() time.Time // of answers
}

func admit(t *testing.T) *ward {
	t.Helper()
	server, err := cloudwatchd.New(t.Context(), cloudwatchd.Config{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	w := &ward{server: server, date: time.Now}
	h := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		out.Header().Set("Date", w.date().UTC().Format(http.TimeFormat))
		server.ServeHTTP(out, r)
	}))
	w.url, w.client = h.URL, h.Client()
	t.Cleanup(func() {
		h.Close()
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	w.publish(t, "Latency", "Milliseconds", time.Minute, 0, 120)
	w.publish(t, "Slow", "Milliseconds", 5*time.Minute, 0, 120)
	w.publish(t, "Stopped", "Milliseconds", time.Minute, 70*time.Minute, 120)
	w.publish(t, "Seconds", "Seconds", time.Minute, 0, 0.12)
	return w
}

// publish puts two hours of a metric of the service pay.
func (w *ward) publish(t *testing.T, name, unit string, every, until time.Duration, value float64) {
	t.Helper()
	w.put(t, series{namespace: "shop", dimension: "Service", value: "pay", name: name, unit: unit}, every, until, value)
}

// series is one metric of a namespace, by one dimension.
type series struct{ namespace, dimension, value, name, unit string }

// put puts two hours of a metric, in embedded metric format.
func (w *ward) put(t *testing.T, s series, every, until time.Duration, value float64) {
	t.Helper()
	var lines strings.Builder
	end := time.Now().UTC().Truncate(5 * time.Minute).Add(-until)
	for at := end.Add(-2 * time.Hour); !at.After(end); at = at.Add(every) {
		fmt.Fprintf(&lines, `{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":%q,"Dimensions":[[%q]],"Metrics":[{"Name":%q,"Unit":%q}]}]},%q:%q,%q:%v}`+"\n",
			at.UnixMilli(), s.namespace, s.dimension, s.name, s.unit, s.dimension, s.value, s.name, value)
	}
	post(t, w.client, w.url+"/emf?region=eu-west-1", "application/x-ndjson", lines.String())
}

// visit is a run of the program with a ward in AWS's place; env adds to the
// environment or, with "NAME=", takes from it.
func (w *ward) visit(t *testing.T, doc string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "slo.yaml"), doc)
	cmd := command(t, dir, args...)
	cmd.Env = slices.DeleteFunc(cmd.Env, func(s string) bool { return strings.HasPrefix(s, "AWS_") })
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+w.url, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret",
		"AWS_EC2_METADATA_DISABLED=true", "HOME="+dir, "LC_ALL=C")
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// TestDoctorNamesWhatIsWrong: each trouble is named right, with what to do about
// it, by the program as a user runs it.
func TestDoctorNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	refuse := func(op, code string) *cloudwatchd.Fault {
		return &cloudwatchd.Fault{Kind: cloudwatchd.Failure, Operation: op, Code: code, Message: "no", Status: 403}
	}
	swap := func(old, put string) func(string) string {
		return func(s string) string { return strings.ReplaceAll(s, old, put) }
	}
	for name, c := range map[string]struct {
		change func(string) string
		env    []string
		fault  *cloudwatchd.Fault
		date   time.Duration
		exit   int
		want   []string
	}{
		"well": {exit: 0, want: []string{
			"ok       documents: 1 file, 1 objective", "ok       store sqlite:", "warn     endpoint: ENDPOINT OVERRIDE: CloudWatch and STS are asked at http://127.0.0.1:",
			"ok       credentials: found in the environment", "ok       cloudwatch:GetMetricData eu-west-1: allowed", "ok       cloudwatch:ListMetrics eu-west-1: allowed",
			"ok       clock: within", "ok       metric pay.speed total, pay.speed good: shop Latency {Service=pay}: its newest datapoint is", `"cloudwatch:GetMetricData"`, "0 failures",
		}},
		"no credentials": {env: []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="}, exit: 1, want: []string{"fail     credentials: ", "no AWS credentials are found: set AWS_PROFILE"}},
		"no profile":     {env: []string{"AWS_PROFILE=prod"}, exit: 1, want: []string{"fail     settings", `AWS_PROFILE names the profile "prod", which is in none`}},
		"no region":      {change: swap("region: eu-west-1, ", ""), exit: 1, want: []string{"fail     region the default region: no region is set", "AWS_REGION"}},
		"expired":        {fault: refuse("", "ExpiredToken"), exit: 1, want: []string{"fail     identity eu-west-1: ExpiredToken: no", "the credentials have expired: sign in again"}},
		"expired later":  {fault: refuse("ListMetrics", "ExpiredTokenException"), exit: 1, want: []string{"fail     credentials eu-west-1: ExpiredTokenException: no", "sign in again"}},
		"skewed later":   {fault: refuse("ListMetrics", "RequestTimeTooSkewed"), exit: 1, want: []string{"fail     clock eu-west-1: RequestTimeTooSkewed"}},
		"bad key":        {fault: refuse("", "UnrecognizedClientException"), exit: 1, want: []string{"the credentials are not valid in eu-west-1"}},
		"may not read":   {fault: refuse("GetMetricData", "AccessDenied"), exit: 1, want: []string{"fail     cloudwatch:GetMetricData eu-west-1: AccessDenied", "allow cloudwatch:GetMetricData", "ok       cloudwatch:ListMetrics"}},
		"may not list":   {fault: refuse("ListMetrics", "AccessDenied"), exit: 1, want: []string{"fail     cloudwatch:ListMetrics eu-west-1: AccessDenied", "allow cloudwatch:ListMetrics", "ok       cloudwatch:GetMetricData"}},
		"throttled":      {fault: &cloudwatchd.Fault{Kind: cloudwatchd.Throttle, Operation: "GetMetricData"}, exit: 0, want: []string{"warn     cloudwatch:GetMetricData eu-west-1: Throttling", "lower the data source's rate"}},
		"wrong region":   {change: swap("eu-west-1", "eu-central-1"), exit: 1, want: []string{"no such metric in eu-central-1", "nothing publishes there at all: is it the right region?"}},
		"nobody there":   {env: []string{"AWS_ENDPOINT_URL=http://127.0.0.1:1"}, exit: 1, want: []string{"fail     identity", "nothing listens at 127.0.0.1:1: check AWS_ENDPOINT_URL"}},
		"two minutes":    {date: 2 * time.Minute, exit: 0, want: []string{"warn     clock: this machine's clock is ", " behind the service's"}},
		"ten minutes":    {date: -10 * time.Minute, exit: 1, want: []string{"fail     clock: this machine's clock is ", " ahead of the service's", "set the clock"}},
		"skewed":         {fault: refuse("", "RequestTimeTooSkewed"), exit: 1, want: []string{"fail     identity eu-west-1: RequestTimeTooSkewed", "this machine's clock is wrong: set it"}},
		"dimension":      {change: swap("Service: pay", "Service: pax"), exit: 1, want: []string{"fail     metric pay.speed total, pay.speed good: shop Latency {Service=pax}: no such metric", `no Service is called "pax"; did you mean "pay"?`}},
		"dimension name": {change: swap("Service: pay", "Servis: pay"), exit: 1, want: []string{"Latency is published by {Service}, not by {Servis}"}},
		"metric":         {change: swap("metric: Latency", "metric: Latancy"), exit: 1, want: []string{`shop has no metric Latancy; did you mean "Latency"?`}},
		"namespace":      {change: swap("namespace: shop", "namespace: shap"), exit: 1, want: []string{`there is no namespace shap in eu-west-1; did you mean "shop"?`}},
		"stopped":        {change: swap("metric: Latency", "metric: Stopped"), exit: 0, want: []string{"warn     metric", "it has stopped: its newest datapoint is 1h1", "unmeasured or silent, never good"}},
		"five minutes":   {change: swap("metric: Latency", "metric: Slow"), exit: 0, want: []string{"warn     metric", "it is published every 5 min, and asked for every 1", "write period: 5m"}},
		"milliseconds":   {change: swap("metric: Latency", "metric: Seconds"), exit: 0, want: []string{"warn     metric", "the bound 300 is far from the average of the last three hours, 0.12"}},
		"unit":           {change: swap("metric: Latency", "metric: Latency, unit: Seconds"), exit: 1, want: []string{"it is published, but not in the unit Seconds"}},
		"document":       {change: swap("stat: SampleCount", "stat: Samples"), exit: 1, want: []string{"fail     documents: ", "is not a statistic of CloudWatch", "ok       store"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := admit(t)
			doc := patient
			if c.change != nil {
				doc = c.change(doc)
			}
			if c.fault != nil {
				if err := w.server.Inject(*c.fault); err != nil {
					t.Fatal(err)
				}
			}
			w.date = func() time.Time { return time.Now().Add(c.date) }
			out, errs := run(t, w.visit(t, doc, c.env, "doctor"), c.exit)
			t.Logf("%s%s", out, errs)
			for _, want := range c.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("it does not say %q", want)
				}
			}
		})
	}
}

// TestDoctorKnowsWho asks moto's STS whose the credentials are, and for a role.
func TestDoctorKnowsWho(t *testing.T) {
	sts := moto.Start(t)
	w := admit(t)
	doc := strings.ReplaceAll(patient, "region: eu-west-1,", `region: eu-west-1, roleArn: "arn:aws:iam::123456789012:role/reader",`)
	out, _ := run(t, w.visit(t, doc, []string{"AWS_ENDPOINT_URL_STS=" + sts}, "doctor"), 0)
	t.Logf("%s", out)
	for _, want := range []string{
		"ok       identity: account 123456789012, arn:aws:", "ok       sts:AssumeRole arn:aws:iam::123456789012:role/reader: the role can be taken",
		"ok       cloudwatch:GetMetricData eu-west-1 as arn:aws:iam::123456789012:role/reader: allowed", "The least policy for arn:aws:iam::123456789012:role/reader:",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q", want)
		}
	}
}

// refusal is how STS refuses a role, as AWS documents the shape of its errors.
const refusal = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code>` +
	`<Message>User: arn:aws:iam::123456789012:user/ci is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/reader</Message></Error><RequestId>1</RequestId></ErrorResponse>`

// TestDoctorNamesTheRole: a role that may not be taken is named, with the action.
func TestDoctorNamesTheRole(t *testing.T) {
	w := admit(t)
	sts := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		out.Header().Set("Content-Type", "text/xml")
		if err := r.ParseForm(); err == nil && r.Form.Get("Action") == "AssumeRole" {
			out.WriteHeader(http.StatusForbidden)
			_, _ = out.Write([]byte(refusal))
			return
		}
		_, _ = out.Write([]byte(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ci</Arn>` +
			`<UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`))
	}))
	t.Cleanup(sts.Close)
	doc := strings.ReplaceAll(patient, "region: eu-west-1,", `region: eu-west-1, roleArn: "arn:aws:iam::123456789012:role/reader",`)
	out, _ := run(t, w.visit(t, doc, []string{"AWS_ENDPOINT_URL_STS=" + sts.URL}, "doctor"), 1)
	for _, want := range []string{
		"ok       identity: account 123456789012, arn:aws:iam::123456789012:user/ci", "fail     sts:AssumeRole arn:aws:iam::123456789012:role/reader: AccessDenied",
		"allow sts:AssumeRole on arn:aws:iam::123456789012:role/reader, and let that role's trust policy name who asks",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	said, errs := run(t, w.visit(t, doc, []string{"AWS_ENDPOINT_URL_STS=" + sts.URL}, "measure"), 1)
	if !strings.Contains(string(said)+string(errs), "allow sts:AssumeRole on arn:aws:iam::123456789012:role/reader") {
		t.Errorf("measure does not name the role:\n%s%s", said, errs)
	}
}

// TestPolicyAllowsEveryCall: everything that measuring, looking and discovering
// asked is allowed by the policy that was printed, and nothing is that was not.
func TestPolicyAllowsEveryCall(t *testing.T) {
	w := admit(t)
	for _, args := range [][]string{{"measure"}, {"status"}, {"doctor", "--discover"}} {
		cmd := w.visit(t, patient, nil, args...)
		if out, err := cmd.Output(); err != nil && args[0] != "doctor" { // the local CloudWatch has no alarms to describe
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	// A typo makes the lookups that names are guessed with.
	run(t, w.visit(t, strings.ReplaceAll(patient, "Latency", "Latancy"), nil, "doctor"), 1)
	var policy struct {
		Statement []struct{ Action, Resource []string }
	}
	out, _ := run(t, w.visit(t, patient, []string{"AWS_ENDPOINT_URL=", "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="}, "doctor", "--policy", "--discover"), 0)
	if err := json.Unmarshal(out, &policy); err != nil {
		t.Fatal(err)
	}
	unused := map[string]bool{}
	for _, s := range policy.Statement {
		for _, a := range s.Action {
			unused[a] = true
		}
	}
	allowed := len(unused)
	for _, r := range w.server.Requests() {
		action := "cloudwatch:" + r.Operation
		if r.Operation == "GetCallerIdentity" || r.Operation == "" {
			continue // of STS, and needs no right
		}
		found := false
		for _, s := range policy.Statement {
			found = found || slices.Contains(s.Action, action)
		}
		if !found {
			t.Errorf("%s was asked and is not allowed", action)
		}
		delete(unused, action)
	}
	// What Application Signals has is asked by nines discover alone.
	delete(unused, "application-signals:ListServiceLevelObjectives")
	if allowed != 4 || len(unused) > 0 {
		t.Errorf("%d actions are allowed, of which nobody used %v", allowed, unused)
	}
}
