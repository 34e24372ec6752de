package cloudwatch_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// TestAClockThatIsAhead asks up to three minutes before its own time, with the
// service's clock behind, right, and ahead: silence counts only where the
// service could have published, and datapoints that came count in any case.
func TestAClockThatIsAhead(t *testing.T) {
	l := start(t)
	dated := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", clock.Format(http.TimeFormat))
		l.server.ServeHTTP(w, r)
	}))
	t.Cleanup(dated.Close)
	client := cw.New(cw.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(dated.URL), Retryer: aws.NopRetryer{}, HTTPClient: awskit.Steady(dated.Client()),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	// The newest datapoint is of the service's own minute: it came early.
	for _, back := range []time.Duration{time.Hour, time.Minute} {
		_, err := client.PutMetricData(t.Context(), &cw.PutMetricDataInput{Namespace: aws.String("shop"), MetricData: []types.MetricDatum{
			{MetricName: aws.String("m"), Timestamp: aws.Time(clock.Add(-back)), Value: aws.Float64(1)},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	at := slo.MinuteOf(clock)
	for name, c := range map[string]struct {
		ahead time.Duration
		want  []slo.Span // answered for
		told  bool
	}{
		"right":  {want: []slo.Span{{From: at - 10, To: at - 3}}},
		"behind": {ahead: -4 * time.Minute, want: []slo.Span{{From: at - 10, To: at - 7}}},
		"ahead":  {ahead: 4 * time.Minute, want: []slo.Span{{From: at - 10, To: at - 3}, {From: at - 1, To: at}}, told: true},
	} {
		now := clock.Add(c.ahead)
		src := cloudwatch.New(cloudwatch.Options{
			Connect: func(context.Context, string, string, string) (cloudwatch.API, error) { return client, nil },
			Now:     func() time.Time { return now },
		})
		got, err := src.Fetch(t.Context(), metric.Request{
			Span:    slo.Span{From: at - 10, To: slo.MinuteOf(now) - 3},
			Queries: []metric.Query{{Key: "k", Spec: slo.Spec{"region": "eu-west-1", "namespace": "shop", "metric": "m", "stat": "Sum"}}},
		})
		if err != nil || len(got) != 1 || got[0].Err != nil {
			t.Fatalf("%s: %v %v", name, got, err)
		}
		if len(got[0].Answered) != len(c.want) {
			t.Fatalf("%s: answered %v, want %v", name, got[0].Answered, c.want)
		}
		for i := range c.want {
			if got[0].Answered[i] != c.want[i] {
				t.Errorf("%s: answered %v, want %v", name, got[0].Answered, c.want)
			}
		}
		if told := strings.Contains(strings.Join(got[0].Notes, "\n"), "4m0s ahead"); told != c.told {
			t.Errorf("%s: notes %q", name, got[0].Notes)
		}
	}
}
