package cloudwatch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awscloudwatch "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/run/cloudwatch"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// serve runs one on a free port; stop ends it and returns its error.
func serve(t *testing.T, opt cloudwatch.Options) (c cloudwatch.Control, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan cloudwatch.Running, 1), make(chan error, 1)
	if opt.Listen == "" {
		opt.Listen = "127.0.0.1:0"
	}
	opt.Server.Clock = func() time.Time { return noon }
	opt.Ready = func(r cloudwatch.Running) error { ready <- r; return nil }
	go func() { ended <- cloudwatch.Serve(ctx, opt) }()
	client := &http.Client{Transport: &http.Transport{}}
	stop = func() error {
		cancel()
		client.CloseIdleConnections()
		return <-ended
	}
	select {
	case r := <-ready:
		return cloudwatch.Control{URL: r.URL, Client: client}, stop
	case err := <-ended:
		t.Fatal(err)
	}
	return c, stop
}

// points reads a statistic of Shop's metric by Unix time.
func points(t *testing.T, c cloudwatch.Control, metric, stat string, dims ...types.Dimension) map[int64]float64 {
	t.Helper()
	client := awscloudwatch.New(awscloudwatch.Options{Region: "us-east-1", BaseEndpoint: &c.URL, HTTPClient: c.Client, Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
	out, err := client.GetMetricData(t.Context(), &awscloudwatch.GetMetricDataInput{
		StartTime: aws.Time(noon.Add(-24 * time.Hour)), EndTime: &noon,
		MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("q"), MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String("Shop"), MetricName: &metric, Dimensions: dims}, Period: aws.Int32(60), Stat: &stat,
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[int64]float64{}
	for i, at := range out.MetricDataResults[0].Timestamps {
		got[at.Unix()] = out.MetricDataResults[0].Values[i]
	}
	return got
}

func line(v int) string {
	return fmt.Sprintf(`{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"Shop","Dimensions":[[]],"Metrics":[{"Name":"Latency"}]}]},"Latency":%d}`+"\n", noon.Add(-time.Minute).UnixMilli(), v)
}

// What was read from standard input, which never ends, and all that was written
// to followed files is there after a stop.
func TestStopLosesNothing(t *testing.T) {
	dir := t.TempDir()
	data, log := filepath.Join(dir, "cw.db"), filepath.Join(dir, "service.log")
	r, w := io.Pipe()
	defer w.Close()
	c, stop := serve(t, cloudwatch.Options{Server: cloudwatchd.Config{Path: data}, Lines: r, Tail: []string{log}, FromStart: true})
	const n = 200
	for i := range n {
		if _, err := io.WriteString(w, line(i)); err != nil {
			t.Fatal(err)
		}
	}
	for r, err := c.EMFTotals(t.Context()); r.Lines < n; r, err = c.EMFTotals(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(log, []byte(strings.Repeat(line(1000), n)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	c, stop = serve(t, cloudwatch.Options{Server: cloudwatchd.Config{Path: data}})
	if got := points(t, c, "Latency", "SampleCount")[noon.Add(-time.Minute).Unix()]; got != 2*n {
		t.Errorf("%v samples are left of %d", got, 2*n)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// Reading that fails ends it, with the reason.
func TestFailingInput(t *testing.T) {
	for name, opt := range map[string]cloudwatch.Options{
		"a followed folder": {Tail: []string{t.TempDir()}, FromStart: true},
		"a broken stream":   {Lines: io.MultiReader(strings.NewReader(line(1)), broken{})},
	} {
		t.Run(name, func(t *testing.T) {
			opt.Listen, opt.Server.Clock = "127.0.0.1:0", func() time.Time { return noon }
			opt.Ready = func(cloudwatch.Running) error { return nil }
			if err := cloudwatch.Serve(t.Context(), opt); fault.KindOf(err) != fault.Unavailable {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestListen(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		listen string
		want   fault.Kind
	}{
		{taken.Addr().String(), fault.Unavailable},
		{"0.0.0.0:0", fault.Invalid},
		{":0", fault.Invalid},
		{"[::]:0", fault.Invalid},
		{"192.0.2.1:0", fault.Invalid},
		{"example.com:0", fault.Invalid},
		{"127.0.0.1", fault.Invalid},
		{"", fault.Invalid},
	} {
		err := cloudwatch.Serve(t.Context(), cloudwatch.Options{Listen: c.listen, Server: cloudwatchd.Config{Clock: func() time.Time { return noon }}})
		if err == nil || fault.KindOf(err) != c.want {
			t.Errorf("%q: %v, want %v", c.listen, err, c.want)
		}
	}
	for _, listen := range []string{"localhost:0", "127.0.0.2:0"} {
		_, stop := serve(t, cloudwatch.Options{Listen: listen})
		if err := stop(); err != nil {
			t.Errorf("%s: %v", listen, err)
		}
	}
}

func TestControl(t *testing.T) {
	ctx := t.Context()
	c, stop := serve(t, cloudwatch.Options{At: noon.Add(-time.Hour), Frozen: true})
	at := func(want time.Time, frozen bool) func(cloudwatchd.ClockState, error) {
		return func(s cloudwatchd.ClockState, err error) {
			t.Helper()
			if err != nil || !s.Now.Equal(want) || s.Frozen != frozen {
				t.Errorf("%+v, %v; want %v, frozen %v", s, err, want, frozen)
			}
		}
	}
	at(noon.Add(-time.Hour), true)(c.Clock(ctx))
	at(noon.Add(-55*time.Minute), true)(c.AdvanceClock(ctx, 5*time.Minute))
	at(noon.Add(time.Hour), false)(c.SetClock(ctx, noon.Add(time.Hour), false))
	at(noon, false)(c.ReleaseClock(ctx))
	all, err := c.Inject(ctx, cloudwatchd.Fault{Kind: cloudwatchd.Late, Metric: "Latency", Delay: cloudwatchd.Delay(time.Minute)})
	if err != nil || len(all) != 1 || all[0].Delay.Duration() != time.Minute {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := c.Inject(ctx, cloudwatchd.Fault{Kind: "fire"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an unknown fault: %v", err)
	}
	if err := c.ClearFaults(ctx); err != nil {
		t.Error(err)
	}
	if all, err := c.Faults(ctx); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	points(t, c, "Latency", "Sum")
	for _, want := range []int{1, 0} {
		if totals, err := c.Totals(ctx, true); err != nil || totals.Calls["GetMetricData"] != want {
			t.Errorf("%+v, %v; want %d calls", totals, err, want)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := c.Clock(ctx); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("nobody listens: %v", err)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	if _, err := (cloudwatch.Control{URL: other.URL, Client: other.Client()}).Clock(ctx); fault.KindOf(err) != fault.Unsupported {
		t.Errorf("another server: %v", err)
	}
}

func TestLoad(t *testing.T) {
	c, stop := serve(t, cloudwatch.Options{})
	file := "timestamp,good,total\n2014-04-10 00:04:00,7,10\n2014-04-10T00:05:30Z,,NaN\n1397088420,0,5\n"
	got, err := c.Load(t.Context(), strings.NewReader(file), cloudwatch.LoadOptions{
		Name: "r.csv", Namespace: "Shop", Dimensions: map[string]string{"Service": "pay"}, Metrics: map[string]string{"total": "Requests"}, End: noon,
	})
	if err != nil || got.Rows != 3 || got.Data != 2 || got.Skipped != 1 || !got.To.Equal(noon.Add(-time.Minute)) {
		t.Fatalf("%+v, %v", got, err)
	}
	have := points(t, c, "Requests", "Sum", types.Dimension{Name: aws.String("Service"), Value: aws.String("pay")})
	if len(have) != 2 || have[noon.Add(-4*time.Minute).Unix()] != 10 || have[noon.Add(-time.Minute).Unix()] != 5 {
		t.Errorf("%v", have)
	}
	for text, says := range map[string]string{
		"":                                    "header",
		"timestamp,a\n":                       "no rows",
		"timestamp\n2014-04-10 00:04":         "no rows",
		"timestamp,a\nyesterday,1\n":          "r.csv:2: \"yesterday\" is not a time",
		"timestamp,a\n2014-04-10 00:04,x\n":   "\"x\" is not a number",
		"timestamp,a\n2014-04-10 00:04,Inf\n": "not a number",
		"timestamp,a\n2014-04-10 00:04\n":     "wrong number of fields",
		"timestamp,Service\n1397088420,1\n":   "name of a metric and of a dimension",
	} {
		_, err := c.Load(t.Context(), strings.NewReader(text), cloudwatch.LoadOptions{Name: "r.csv", Namespace: "Shop", Dimensions: map[string]string{"Service": "pay"}})
		if fault.KindOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
	if _, err := c.Load(t.Context(), strings.NewReader(file), cloudwatch.LoadOptions{Metrics: map[string]string{"bad": "Bad"}}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a column that is not there: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
