package emf_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/publish"
	"gitlab.com/nines-sre/nines/internal/publish/emf"
	"gitlab.com/nines-sre/nines/internal/publish/publishtest"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// place is a log that CloudWatch makes metrics of.
func place(t *testing.T) publishtest.Place {
	server, err := cloudwatchd.New(t.Context(), cloudwatchd.Config{Clock: func() time.Time { return noon.Add(time.Minute) }})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(server)
	t.Cleanup(func() {
		h.Close()
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	client := cw.New(cw.Options{
		Region: "eu-west-1", BaseEndpoint: &h.URL, HTTPClient: h.Client(), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	var log bytes.Buffer
	return publishtest.Place{Sink: emf.New(&log, "Nines"), At: noon, Value: func(t *testing.T, s publish.Sample) (float64, bool) {
		t.Helper()
		res, err := h.Client().Post(h.URL+"/emf?region=eu-west-1", "application/x-ndjson", bytes.NewReader(log.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		var report cloudwatchd.EMFReport
		if err := errors.Join(json.NewDecoder(res.Body).Decode(&report), res.Body.Close()); err != nil || report.Bad > 0 {
			t.Errorf("lines: %+v, %v", report, err)
		}
		m := types.Metric{Namespace: aws.String("Nines"), MetricName: &s.Name}
		for _, d := range s.Dimensions {
			m.Dimensions = append(m.Dimensions, types.Dimension{Name: &d.Name, Value: aws.String(publish.Clean(d.Value))})
		}
		out, err := client.GetMetricData(t.Context(), &cw.GetMetricDataInput{
			StartTime: &s.At, EndTime: aws.Time(s.At.Add(time.Minute)),
			MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("v"), MetricStat: &types.MetricStat{Metric: &m, Period: aws.Int32(60), Stat: aws.String("Average")}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.MetricDataResults[0].Values) == 0 {
			return 0, false
		}
		return out.MetricDataResults[0].Values[0], true
	}}
}

func TestSuite(t *testing.T) { publishtest.Run(t, place) }

// TestLines: what belongs together shares a line, a line declares a hundred
// metrics at most, and nothing is said twice.
func TestLines(t *testing.T) {
	var log bytes.Buffer
	var all []publish.Sample
	for i := range 150 {
		all = append(all, publish.Sample{Name: fmt.Sprintf("m%d", i), Value: float64(i), At: noon, Dimensions: []publish.Dimension{{Name: "Service", Value: "<pay>"}}})
	}
	all = append(all, all[0], publish.Sample{Name: "m0", Value: 1, At: noon.Add(time.Minute)})
	r, err := emf.New(&log, "Nines").Publish(t.Context(), all)
	if err != nil || r.Published != 152 && r.Published != 151 {
		t.Fatalf("%+v, %v", r, err)
	}
	lines := bytes.Split(bytes.TrimSpace(log.Bytes()), []byte("\n"))
	if len(lines) != 3 || !bytes.Contains(lines[0], []byte(`"Service":"<pay>"`)) {
		t.Errorf("%d lines, the first %s", len(lines), lines[0])
	}
}

// full is a log that takes a number of lines.
type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

func TestFullLog(t *testing.T) {
	one := publish.Sample{Name: "m", Value: 1, At: noon}
	two := one
	two.At = noon.Add(time.Minute)
	r, err := emf.New(&full{1}, "Nines").Publish(t.Context(), []publish.Sample{one, two})
	if fault.KindOf(err) != fault.Unavailable || r.Published != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}
