package e2e_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// decode reads what a verb printed as JSON; what it noted before is left out.
func decode(t *testing.T, out string, into any) {
	t.Helper()
	i := strings.IndexByte(out, '{')
	if i < 0 {
		t.Fatalf("no JSON in\n%s", out)
	}
	if err := json.NewDecoder(strings.NewReader(out[i:])).Decode(into); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
}

type found struct {
	Services []struct {
		Name      string
		Available struct {
			State          string
			Found, Missing []string
		}
		Latency     struct{ State string }
		Metrics     int     `json:"metrics_a_reading"`
		EveryMinute float64 `json:"price_every_minute"`
		Narrower    []string
	}
	Notes    []string
	Requests int `json:"list_requests"`
}

// TestDiscover: every kind of service is found with its price, no datapoint is
// read, and what the account does not allow is a note.
func TestDiscover(t *testing.T) {
	a, dir := company(t), t.TempDir()
	var got found
	decode(t, printed(t, a.url, dir, "discover", "-o", "json"), &got)
	calls := a.called()
	if calls["GetMetricData"]+calls["GetMetricStatistics"] > 0 || calls["ListMetrics"]+calls["DescribeAlarms"]+calls["slos"] != got.Requests {
		t.Errorf("it says %d list requests; it called %v", got.Requests, calls)
	}
	var names []string
	price := map[string]float64{}
	for _, s := range got.Services {
		names = append(names, s.Name)
		price[s.Name] = s.EveryMinute
	}
	for _, want := range everything() {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not among %q", want, names)
		}
	}
	if len(names) != len(everything())+1 || slices.Contains(names, "apigateway/payment") || slices.Contains(names, "lambda/payment-api@live") {
		t.Errorf("found %q", names)
	}
	// A metric a minute is 43,800 a month, at a thousandth of a cent each.
	for name, metrics := range map[string]float64{"lambda/payment-api": 4, "sqs/jobs": 1, "apigateway/payment@prod": 2, "httpapi/a1b2c3@$default": 3} {
		if want := metrics * 0.438; math.Abs(price[name]-want) > 1e-9 {
			t.Errorf("%s costs %v a month, want %v", name, price[name], want)
		}
	}
	if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, "cloudwatch:DescribeAlarms") || !strings.Contains(notes, "application-signals:ListServiceLevelObjectives") {
		t.Errorf("notes: %s", notes)
	}
}

// TestDiscoverShows: the table is grouped by kind, names cannot steer the
// terminal, and one service says what it does not see.
func TestDiscoverShows(t *testing.T) {
	a, dir := company(t), t.TempDir()
	table := aws(t, a.url, dir, 0, "discover")
	for _, want := range []string{"LAMBDA", "SQS", "lambda/odd[2Jname", "nlb/net/edge/0123456789abcdef", "no datapoint read", "not from this", "no metric", "$1.75", "$0.38"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	detail := aws(t, a.url, dir, 0, "discover", "lambda/payment-api")
	for _, want := range []string{"Invocations Throttles Errors", "lambda/payment-api@live", "AsyncEventsDropped", "Not seen:", "4 metrics"} {
		if !strings.Contains(detail, want) {
			t.Errorf("no %q in\n%s", want, detail)
		}
	}
	if strings.Contains(detail, "SYNTHETICS") {
		t.Errorf("one service is shown with others:\n%s", detail)
	}
	if strings.ContainsAny(table+detail, "\x1b\u202e") {
		t.Error("a name steers the terminal")
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"discover", "lamda"}, 2, "did you mean lambda?"},
		{[]string{"discover", "lambda/"}, 2, "the name is empty"},
		{[]string{"discover", "lambda/paymentapi"}, 2, "did you mean lambda/payment-api"},
		{[]string{"discover", "lambda/payment-api", "sqs"}, 2, "one service is looked at alone"},
		{[]string{"discover", "lambda", "-o", "yaml"}, 2, "cannot print that format"},
		{[]string{"try", "lambda/paymentapi"}, 2, "no such metric or dimension"},
		{[]string{"try", "lambda/payment-api", "--target", "100"}, 2, "no error budget"},
		{[]string{"try", "lambda/payment-api", "--latency", "fast"}, 2, "99% < 300ms"},
		{[]string{"try", "lambda/payment-api", "--since", "3m"}, 2, "look back"},
		{[]string{"try", "sqs/jobs", "--target", "99"}, 2, "cannot be measured"},
		{[]string{"try", "csv/a.csv"}, 2, "nines analyze"},
		{[]string{"try", "lambda/payment-api", "--region", "eu-central-1"}, 2, "no such metric or dimension"},
		{[]string{"init", "lambda/payment-api", "--name", "Not A Name"}, 2, "name"},
	} {
		if said := aws(t, a.url, dir, c.code, c.args...); !strings.Contains(said, c.want) {
			t.Errorf("%v says nothing of %q:\n%s", c.args, c.want, said)
		}
	}
}

// TestNothingIsAllowed: without any right, and without credentials, it is an
// error that names what is missing; init still writes, and calls its objectives
// defaults.
func TestNothingIsAllowed(t *testing.T) {
	a, dir := company(t), t.TempDir()
	a.deny("ListMetrics")
	a.deny("GetMetricData")
	said := aws(t, a.url, dir, 1, "discover")
	if !strings.Contains(said, "allow cloudwatch:ListMetrics") {
		t.Errorf("discover:\n%s", said)
	}
	if said = aws(t, a.url, dir, 1, "try", "lambda/payment-api"); !strings.Contains(said, "allow cloudwatch:GetMetricData") {
		t.Errorf("try:\n%s", said)
	}
	said = aws(t, a.url, dir, 0, "init", "lambda/payment-api")
	for _, want := range []string{"a default, not taken from data", "could not be read", "- 99.9% available"} {
		if !strings.Contains(said, want) {
			t.Errorf("init says nothing of %q:\n%s", want, said)
		}
	}
}

type tried struct {
	Objectives []struct {
		Name, Objective, State string
		TargetFrom             string `json:"target_from"`
		Good, Total            float64
		Attained, Remaining    *float64
		Days                   []struct {
			From  time.Time
			State string
		}
	}
	Used struct{ Requests, Metrics int }
	List int `json:"list_requests"`
}

// TestTry: four weeks of a function, without a file: the numbers are those that
// went in, the worst day is the one with the bad hour, and a day without calls
// is none of its good ones. What it says it used is what was asked.
func TestTry(t *testing.T) {
	a, dir := company(t), t.TempDir()
	a.called()
	var got tried
	said := aws(t, a.url, dir, 0, "try", "lambda/payment-api", "-o", "json")
	decode(t, said, &got)
	calls := a.called()
	if calls["GetMetricData"]+calls["ListMetrics"] != got.Used.Requests+got.List {
		t.Errorf("it says %d and %d requests; it called %v", got.Used.Requests, got.List, calls)
	}
	if !strings.Contains(said, "newest 1d: ") {
		t.Errorf("the newest day is not told first:\n%s", said)
	}
	available, latency := got.Objectives[0], got.Objectives[1]
	if available.Objective != "99.9% available" || available.TargetFrom != "suggested" || available.State != "measured" || latency.Objective != "98% < 200ms" {
		t.Errorf("%+v\n%+v", available, latency)
	}
	// 100 calls a minute but for a day; errors: one each 50 minutes and 10 in each
	// minute of an hour.
	minutes := available.Total / 100
	bad := available.Total - available.Good
	if math.Abs(minutes-27*1440) > 20 || math.Abs(bad-(600+minutes/50)) > 5 {
		t.Errorf("%v minutes of calls, %v bad", minutes, bad)
	}
	if share := latency.Good / latency.Total; math.Abs(share-0.99) > 1e-9 {
		t.Errorf("within 200 ms: %v, want 0.99", share)
	}
	states := map[string]int{}
	for _, d := range available.Days {
		states[d.State]++
	}
	if states["missed"] < 1 || states["missed"] > 2 || states["no traffic"] != 1 || states["not measured"] != 0 {
		t.Errorf("days: %v", states)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("something is kept: %v %v", entries, err)
	}
	text := aws(t, a.url, dir, 0, "try", "lambda/payment-api", "--target", "99.97", "--latency", "95% < 150ms", "--since", "7d")
	for _, want := range []string{"99.97% available", "95% < 150ms", "as asked for", "nothing is kept", "WORST DAYS", "one sign a day"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestTryEverything: each kind of service can be tried; what has no data for
// most of the time says so and is nowhere green.
func TestTryEverything(t *testing.T) {
	a, dir := company(t), t.TempDir()
	for _, name := range everything() {
		var got tried
		decode(t, printed(t, a.url, dir, "try", name, "-o", "json"), &got)
		measured := 0
		for _, o := range got.Objectives {
			if o.State == "measured" {
				measured++
			}
			for _, d := range o.Days {
				if d.State == "kept" && time.Since(d.From) > 48*time.Hour && name != "lambda/payment-api" {
					t.Errorf("%s %s: %s is called kept", name, o.Name, d.From)
				}
			}
		}
		if measured == 0 {
			t.Errorf("%s: %+v", name, got.Objectives)
		}
	}
	said := aws(t, a.url, dir, 0, "try", "cloudfront/E1ABCDEF")
	if !strings.Contains(said, "there is no OriginLatency") || strings.Contains(said, "e1abcdef.latency") {
		t.Errorf("a metric that is not there:\n%s", said)
	}
}

// TestInit: what is written for each kind of service is right in the eyes of
// strict lint, from data and without; files are not replaced unasked; and what
// is measured by the file is what was tried.
func TestInit(t *testing.T) {
	a, dir := company(t), t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "lint"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i, name := range everything() {
		for j, more := range [][]string{{"--quiet"}, {"--offline", "--quiet"}, {"--region", "eu-west-1", "--account", "012345678901", "--offline", "--quiet"}} {
			file := filepath.Join(dir, "lint", string(rune('a'+i))+string(rune('a'+j))+".yaml")
			write(t, file, printed(t, a.url, dir, append([]string{"init", name}, more...)...))
			aws(t, a.url, dir, 0, "lint", "--strict", file)
			aws(t, a.url, dir, 0, "expand", file)
		}
	}
	file := filepath.Join(dir, "slo.yaml")
	aws(t, a.url, dir, 0, "init", "lambda/payment-api", "--write", file, "--name", "pay")
	before, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(before), "name: pay\n") || !strings.Contains(string(before), "AsyncEventsDropped") {
		t.Fatalf("%v\n%s", err, before)
	}
	if said := aws(t, a.url, dir, 2, "init", "sqs/jobs", "--offline", "--write", file); !strings.Contains(said, "the file exists") {
		t.Errorf("an existing file:\n%s", said)
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Errorf("it was replaced: %v", err)
	}
	if said := aws(t, a.url, dir, 1, "init", "sqs/jobs", "--offline", "--write", filepath.Join(dir, "no", "where.yaml")); !strings.Contains(said, "can be written to") {
		t.Errorf("a folder that is not there:\n%s", said)
	}
	aws(t, a.url, dir, 0, "measure", "--config", file)
	var got tried
	decode(t, printed(t, a.url, dir, "try", "lambda/payment-api", "-o", "json"), &got)
	var standing struct{ Objectives []answer }
	decode(t, printed(t, a.url, dir, "status", "--config", file, "-o", "json"), &standing)
	if len(standing.Objectives) != 2 {
		t.Errorf("%+v", standing)
	}
	for i, o := range standing.Objectives {
		try := got.Objectives[i]
		if o.SLO != try.Name || math.Abs(o.Good/o.Total-*try.Attained) > 1e-4 {
			t.Errorf("%s: status has %v of %v, try %v", o.SLO, o.Good, o.Total, *try.Attained)
		}
	}
	aws(t, a.url, dir, 0, "init", "sqs/jobs", "--offline", "--write", file, "--force")
}
