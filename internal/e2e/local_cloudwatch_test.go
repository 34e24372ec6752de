package e2e_test

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gitlab.com/nines-sre/nines/internal/testkit/moto"
)

// local is a `nines cloudwatch` that runs.
type local struct {
	url string
	cmd *exec.Cmd
}

// startLocal runs one on a free port, with its data in dir.
func startLocal(t *testing.T, dir string, more ...string) *local {
	t.Helper()
	cmd := command(t, dir, append([]string{"cloudwatch", "--listen", "127.0.0.1:0", "--region", "eu-west-1", "--data", "cloudwatch.db", "-o", "json"}, more...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l := &local{cmd: cmd}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			l.end(t, syscall.SIGKILL)
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("it says %q: %v", line, err)
	}
	var said struct {
		URL string            `json:"url"`
		Env map[string]string `json:"env"`
	}
	if err := json.Unmarshal(line, &said); err != nil || said.URL == "" || said.Env["AWS_ENDPOINT_URL_CLOUDWATCH"] != said.URL || said.Env["AWS_REGION"] != "eu-west-1" {
		t.Fatalf("it says %s: %v", line, err)
	}
	l.url = said.URL
	return l
}

// end sends a signal, waits, and returns the exit code; -1 for one that was
// killed.
func (l *local) end(t *testing.T, sig os.Signal) int {
	t.Helper()
	if err := l.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	_ = l.cmd.Wait() // the code says how it ended
	return l.cmd.ProcessState.ExitCode()
}

// sdk is a client of the SDK for Go: it speaks CBOR.
func (l *local) sdk() *cloudwatch.Client {
	return cloudwatch.New(cloudwatch.Options{
		Region: "eu-west-1", BaseEndpoint: &l.url, Retryer: awssdk.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
}

// Every datum that was acknowledged is there after a kill in the middle of
// publishing, and after a stop that was asked for, which ends with 0.
func TestLocalCloudWatchKeepsWhatItAcknowledged(t *testing.T) {
	dir := t.TempDir()
	at := time.Now().Add(-10 * time.Minute).Truncate(time.Minute)
	var acknowledged, begun atomic.Int64
	for round, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL, syscall.SIGINT} {
		l := startLocal(t, dir)
		client := l.sdk()
		if got := samples(t, client, at); got < acknowledged.Load() || got > begun.Load() {
			t.Fatalf("round %d: %d samples are there, %d were acknowledged and %d begun", round, got, acknowledged.Load(), begun.Load())
		}
		var writers sync.WaitGroup
		enough := make(chan struct{})
		var once sync.Once
		before := acknowledged.Load()
		for range 4 {
			writers.Go(func() {
				for {
					begun.Add(1)
					_, err := client.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: awssdk.String("shop"), MetricData: []types.MetricDatum{
						{MetricName: awssdk.String("Latency"), Timestamp: &at, Value: awssdk.Float64(1)},
					}})
					if err != nil {
						return // it was killed
					}
					if acknowledged.Add(1)-before >= 50 {
						once.Do(func() { close(enough) })
					}
				}
			})
		}
		<-enough
		want := 0
		if sig == syscall.SIGKILL {
			want = -1
		}
		if code := l.end(t, sig); code != want {
			t.Errorf("%v: exit %d, want %d", sig, code, want)
		}
		writers.Wait()
	}
	l := startLocal(t, dir)
	got := samples(t, l.sdk(), at)
	t.Logf("%d acknowledged, %d begun, %d kept", acknowledged.Load(), begun.Load(), got)
	if got < acknowledged.Load() || got > begun.Load() {
		t.Errorf("%d samples are there, %d were acknowledged and %d begun", got, acknowledged.Load(), begun.Load())
	}
}

// samples counts the samples of a minute.
func samples(t *testing.T, client *cloudwatch.Client, at time.Time) int64 {
	t.Helper()
	out, err := client.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{StartTime: &at, EndTime: awssdk.Time(at.Add(time.Minute)), MetricDataQueries: []types.MetricDataQuery{{
		Id:         awssdk.String("n"),
		MetricStat: &types.MetricStat{Metric: &types.Metric{Namespace: awssdk.String("shop"), MetricName: awssdk.String("Latency")}, Period: awssdk.Int32(60), Stat: awssdk.String("SampleCount")},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.MetricDataResults[0].Values) == 0 {
		return 0
	}
	return int64(out.MetricDataResults[0].Values[0])
}

const elbCloudWatchDoc = `apiVersion: openslo/v1
kind: SLO
metadata: {name: requests}
spec:
  service: elb
  indicator:
    metadata: {name: requests}
    spec:
      ratioMetric:
        counter: false
        good: {metricSource: {type: CloudWatch, spec: {region: eu-west-1, expression: requests / 2, queries: {requests: {namespace: AWS/ELB, metric: RequestCount, dimensions: {LoadBalancerName: "8c0756"}, stat: Sum}}}}}
        total: {metricSource: {type: CloudWatch, spec: {region: eu-west-1, namespace: AWS/ELB, metric: RequestCount, dimensions: {LoadBalancerName: "8c0756"}, stat: Sum}}}
  budgetingMethod: Occurrences
  objectives: [{displayName: ok, target: 0.4}]
  timeWindow: [{duration: 15d, isRolling: true}]
---
{apiVersion: openslo/v1, kind: Service, metadata: {name: elb}, spec: {}}
`

// The real load balancer's requests, shifted to the present, written by the AWS
// CLI, kept over a kill and measured by the program, are those of the file. It
// is older than CloudWatch takes in its first rows, so the clock is set back for
// the first half of it.
func TestRealLoadBalancerThroughTheCLI(t *testing.T) {
	python := os.Getenv(moto.Python)
	if python == "" {
		t.Skip(moto.Python + " names no Python with the AWS CLI; `make test` sets it")
	}
	file, err := os.Open(elbFile)
	if err != nil {
		t.Skipf("the real series is not here: %v", err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	data, sum := shifted(t, rows[1:], time.Now().UTC().Truncate(time.Minute).Add(-10*time.Minute))

	dir := t.TempDir()
	write(t, filepath.Join(dir, "slo.yaml"), elbCloudWatchDoc)
	l := startLocal(t, dir)
	half := len(data) / 2
	nines(t, dir, 0, "cloudwatch", "clock", data[half-1].Timestamp, "--endpoint", l.url)
	cliPuts(t, python, l.url, dir, data[:half])
	l.end(t, syscall.SIGKILL)
	l = startLocal(t, dir)
	cliPuts(t, python, l.url, dir, data[half:])

	t.Log(aws(t, l.url, dir, 0, "measure"))
	got := objective(t, dir, time.Now().UTC().Format(time.RFC3339))
	if got.Total != sum || got.Good != sum/2 {
		t.Errorf("measured %v of %v, the file has %v", got.Good, got.Total, sum)
	}
	t.Logf("%d rows, %v requests in the file, %v measured", len(data), sum, got.Total)
}

// cliDatum is an entry of the CLI's --metric-data.
type cliDatum struct {
	MetricName string
	Dimensions []map[string]string
	Timestamp  string
	Value      float64
	Unit       string
}

// shifted are a series' rows as data, the last at an instant, and the plain sum
// of all of them.
func shifted(t *testing.T, rows [][]string, last time.Time) (data []cliDatum, sum float64) {
	t.Helper()
	at := func(row []string) time.Time {
		v, err := time.Parse(time.DateTime, row[0])
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	shift := last.Sub(at(rows[len(rows)-1]))
	for _, row := range rows {
		v, err := strconv.ParseFloat(strings.TrimSpace(row[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += v
		data = append(data, cliDatum{"RequestCount", []map[string]string{{"Name": "LoadBalancerName", "Value": "8c0756"}}, at(row).Add(shift).Format(time.RFC3339), v, "Count"})
	}
	return data, sum
}

// cliPuts publishes data with the AWS CLI, as many at once as CloudWatch takes.
func cliPuts(t *testing.T, python, url, dir string, data []cliDatum) {
	t.Helper()
	for batch := range slices.Chunk(data, 1000) {
		raw, err := json.Marshal(batch)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, "batch.json")
		write(t, name, string(raw))
		cmd := exec.CommandContext(t.Context(), python, "-m", "awscli", "cloudwatch", "put-metric-data", "--namespace", "AWS/ELB", "--metric-data", "file://"+name)
		cmd.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "AWS_") }),
			"AWS_ENDPOINT_URL_CLOUDWATCH="+url, "AWS_DEFAULT_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
			"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatal(fmt.Errorf("%w\n%s", err, out))
		}
	}
}
