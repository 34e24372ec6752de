package cloudwatch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"golang.org/x/time/rate"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// API is the part of the CloudWatch client that reading needs.
type API interface {
	GetMetricData(context.Context, *cw.GetMetricDataInput, ...func(*cw.Options)) (*cw.GetMetricDataOutput, error)
	ListMetrics(context.Context, *cw.ListMetricsInput, ...func(*cw.Options)) (*cw.ListMetricsOutput, error)
}

// Options make a Source.
type Options struct {
	// Connect returns the client for a region and an optional role; "" is the
	// SDK's own region.
	Connect func(ctx context.Context, region, role string) (API, error)
	// Now tells the time: which periods CloudWatch still keeps depends on it.
	Now func() time.Time
	// Details are the data source's connectionDetails: region, roleArn, accountId,
	// period, used where a query says nothing.
	Details slo.Spec
	// Rate is requests a second, DatapointRate datapoints a second; 0: four
	// fifths of the default quotas (50 requests; 180,000 datapoints).
	Rate, DatapointRate float64
	// Parallel is how many requests are under way at once; 0: 8.
	Parallel int
	Log      *slog.Logger
}

// Source reads CloudWatch. It implements metric.Source and metric.Metered.
type Source struct {
	opt    Options
	calls  *rate.Limiter
	points *rate.Limiter

	mu      sync.Mutex
	clients map[place]API
	exists  map[string]bool // by stat.metricKey and place
	usage   metric.Usage
}

var (
	_ metric.Source  = (*Source)(nil)
	_ metric.Metered = (*Source)(nil)
)

// Default quotas of an account and region (user guide, "CloudWatch service
// quotas"), and the share of them that Nines takes.
const (
	quotaRequests   = 50
	quotaDatapoints = 180_000
	quotaShare      = 0.8
	defaultParallel = 8
)

// New returns a source. Nothing is asked before the first Fetch.
func New(opt Options) *Source {
	if opt.Rate <= 0 {
		opt.Rate = quotaRequests * quotaShare
	}
	if opt.DatapointRate <= 0 {
		opt.DatapointRate = quotaDatapoints * quotaShare
	}
	if opt.Parallel <= 0 {
		opt.Parallel = defaultParallel
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Source{
		opt:     opt,
		calls:   rate.NewLimiter(rate.Limit(opt.Rate), 1),
		points:  rate.NewLimiter(rate.Limit(opt.DatapointRate), maxDatapoints),
		clients: map[place]API{},
		exists:  map[string]bool{},
	}
}

// Caps implements metric.Source: minutes that are usable after 3 and final
// after 15, 455 days back.
func (*Source) Caps() metric.Caps {
	return metric.Caps{Period: 1, Lag: 3, Settle: 15, MaxAge: 10, History: 455 * slo.Day}
}

// Usage implements metric.Metered.
func (s *Source) Usage() metric.Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.usage
}

func (s *Source) client(ctx context.Context, p place) (API, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[p]; c != nil {
		return c, nil
	}
	c, err := s.opt.Connect(ctx, p.Region, p.Role)
	if err != nil {
		return nil, explain("connect to CloudWatch", p, err)
	}
	s.clients[p] = c
	return c, nil
}

// wait holds a request back until the rates allow it.
func (s *Source) wait(ctx context.Context, datapoints int) error {
	if err := s.calls.Wait(ctx); err != nil {
		return err
	}
	return s.points.WaitN(ctx, min(datapoints, maxDatapoints))
}

func (s *Source) count(requests, metrics, datapoints int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.usage.Requests += int64(requests)
	s.usage.Metrics += int64(metrics)
	s.usage.Datapoints += int64(datapoints)
}
