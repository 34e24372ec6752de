package cloudwatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationsignals"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
)

// directory looks around in a local CloudWatch; signals is the address of an
// Application Signals, or "".
func (l *local) directory(signals string) *cloudwatch.Directory {
	return cloudwatch.NewDirectory(cloudwatch.DirectoryOptions{
		Place: metric.Place{Region: "eu-west-1"}, Rate: 10_000,
		Connect: func(_ context.Context, region, _ string) (cloudwatch.Lookers, error) {
			return cloudwatch.Lookers{Metrics: l.client(region), Signals: signalsClient(signals)}, nil
		},
	})
}

func signalsClient(url string) *applicationsignals.Client {
	return applicationsignals.New(applicationsignals.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(url), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
}

// publish gives a region metrics of functions.
func (l *local) publish(region string, functions ...string) {
	l.t.Helper()
	data := make([]store.Datum, 0, len(functions))
	for _, f := range functions {
		m := store.NewMetric("AWS/Lambda", "Errors", []store.Dimension{{Name: "FunctionName", Value: f}})
		data = append(data, store.Datum{Metric: m, Unit: "Count", At: clock.Unix() - 3600, Set: stat.Single(1, 1)})
	}
	if err := l.server.Load(l.t.Context(), store.Place{Account: cloudwatchd.DefaultAccount, Region: region}, data); err != nil {
		l.t.Fatal(err)
	}
}

func functions() metric.Listing {
	return metric.Listing{Namespace: "AWS/Lambda", Metric: "Errors", Dimensions: map[string]string{"FunctionName": ""}}
}

// TestDirectoryListsEveryPage: thousands of functions are a handful of requests,
// each listed once.
func TestDirectoryListsEveryPage(t *testing.T) {
	l := start(t)
	var names []string
	for i := range 2300 {
		names = append(names, fmt.Sprintf("f%04d", i))
	}
	l.publish("eu-west-1", names...)
	l.publish("us-east-1", "elsewhere")
	d := l.directory("")
	got, err := d.List(t.Context(), functions())
	if err != nil || got.More {
		t.Fatal(got.More, err)
	}
	var found []string
	for _, n := range got.Names {
		found = append(found, n.Dimensions["FunctionName"])
	}
	slices.Sort(found)
	if !slices.Equal(found, names) {
		t.Errorf("%d functions found of %d", len(found), len(names))
	}
	if d.Requests() != 5 {
		t.Errorf("%d requests, want 5 pages of 500", d.Requests())
	}
	one := functions()
	one.Dimensions = map[string]string{"FunctionName": "f0007"}
	if got, err = d.List(t.Context(), one); err != nil || len(got.Names) != 1 {
		t.Errorf("one function: %+v, %v", got, err)
	}
	one.Region = "us-east-1"
	one.Dimensions = map[string]string{"FunctionName": ""}
	if got, err = d.List(t.Context(), one); err != nil || len(got.Names) != 1 || got.Names[0].Dimensions["FunctionName"] != "elsewhere" {
		t.Errorf("another region: %+v, %v", got, err)
	}
}

// TestDirectoryRecent: what had no datapoint in three hours is old.
func TestDirectoryRecent(t *testing.T) {
	l := start(t)
	m := store.NewMetric("AWS/Lambda", "Errors", []store.Dimension{{Name: "FunctionName", Value: "old"}})
	if err := l.server.Load(t.Context(), store.Place{Account: cloudwatchd.DefaultAccount, Region: "eu-west-1"},
		[]store.Datum{{Metric: m, Unit: "Count", At: clock.Unix() - 5*86400, Set: stat.Single(1, 1)}}); err != nil {
		t.Fatal(err)
	}
	l.publish("eu-west-1", "new")
	d := l.directory("")
	all := functions()
	if got, err := d.List(t.Context(), all); err != nil || len(got.Names) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	all.Recent = true
	if got, err := d.List(t.Context(), all); err != nil || len(got.Names) != 1 {
		t.Errorf("recent: %+v, %v", got, err)
	}
}

// endless answers each page with a further one.
type endless struct{ same bool }

func (e endless) ListMetrics(_ context.Context, in *cw.ListMetricsInput, _ ...func(*cw.Options)) (*cw.ListMetricsOutput, error) {
	token := "again"
	if !e.same {
		token = aws.ToString(in.NextToken) + "x"
	}
	return &cw.ListMetricsOutput{NextToken: &token}, nil
}

func (endless) DescribeAlarms(context.Context, *cw.DescribeAlarmsInput, ...func(*cw.Options)) (*cw.DescribeAlarmsOutput, error) {
	return nil, errors.New("not asked")
}

// TestDirectoryEnds: a service that pages for ever is given up, and one that
// repeats a page is an error.
func TestDirectoryEnds(t *testing.T) {
	for _, same := range []bool{false, true} {
		d := cloudwatch.NewDirectory(cloudwatch.DirectoryOptions{Rate: 1e6, Connect: func(context.Context, string, string) (cloudwatch.Lookers, error) {
			return cloudwatch.Lookers{Metrics: endless{same}}, nil
		}})
		got, err := d.List(t.Context(), functions())
		if same != (err != nil) || !same && !got.More {
			t.Errorf("same page %v: %+v, %v", same, got, err)
		}
	}
}

// TestDirectorySaysWhichPermission: what is refused or not there names the
// action, and what cannot be understood names the service.
func TestDirectorySaysWhichPermission(t *testing.T) {
	l := start(t)
	ask := func(d *cloudwatch.Directory) map[string]error {
		_, list := d.List(t.Context(), functions())
		_, alarms := d.Alarms(t.Context())
		_, slos := d.Objectives(t.Context())
		return map[string]error{"cloudwatch:ListMetrics": list, "cloudwatch:DescribeAlarms": alarms, "application-signals:ListServiceLevelObjectives": slos}
	}
	denied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"__type":"AccessDeniedException","message":"User is not authorized"}`)
	}))
	t.Cleanup(denied.Close)
	none := ask(l.directory(l.http.URL))
	delete(none, "cloudwatch:ListMetrics") // the local CloudWatch has that one
	for action, err := range none {
		if fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.HintOf(err), action) {
			t.Errorf("an endpoint without it: %s: %v (%s), hint %q", action, err, fault.KindOf(err), fault.HintOf(err))
		}
	}
	_, err := l.directory(denied.URL).Objectives(t.Context())
	if fault.KindOf(err) != fault.Denied || !strings.Contains(fault.HintOf(err), "allow application-signals:ListServiceLevelObjectives") {
		t.Errorf("denied: %v, hint %q", err, fault.HintOf(err))
	}
}

// TestDirectoryObjectives reads Application Signals' answers in its own shapes,
// page by page.
func TestDirectoryObjectives(t *testing.T) {
	var asked []map[string]any
	signals := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/slos" {
			http.NotFound(w, r)
			return
		}
		in := map[string]any{"query": r.URL.RawQuery}
		_ = json.NewDecoder(r.Body).Decode(&in) // an empty body is a question too
		asked = append(asked, in)
		w.Header().Set("Content-Type", "application/json")
		if !strings.Contains(r.URL.RawQuery, "NextToken=two") {
			_, _ = io.WriteString(w, `{"SloSummaries":[{"Arn":"arn:aws:application-signals:eu-west-1:1:slo/pay","Name":"pay","CreatedTime":1735689600,
				"KeyAttributes":{"Type":"Service","Name":"payment-api","Environment":"lambda:default"},"OperationName":"POST /pay"}],"NextToken":"two"}`)
			return
		}
		_, _ = io.WriteString(w, `{"SloSummaries":[{"Arn":"arn:2","Name":"odd"}]}`)
	}))
	t.Cleanup(signals.Close)
	d := start(t).directory(signals.URL)
	got, err := d.Objectives(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []metric.Managed{{Name: "pay", ID: "arn:aws:application-signals:eu-west-1:1:slo/pay", Service: "payment-api", Operation: "POST /pay"}, {Name: "odd", ID: "arn:2"}}
	if !slices.Equal(got, want) || len(asked) != 2 || d.Requests() != 2 {
		t.Errorf("%+v after %v", got, asked)
	}
}
