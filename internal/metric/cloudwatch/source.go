package cloudwatch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// API is the part of the CloudWatch client that reading needs. It must heed the
// options of a call: they keep the rate and count the attempts.
type API interface {
	GetMetricData(context.Context, *cw.GetMetricDataInput, ...func(*cw.Options)) (*cw.GetMetricDataOutput, error)
	ListMetrics(context.Context, *cw.ListMetricsInput, ...func(*cw.Options)) (*cw.ListMetricsOutput, error)
}

// Options make a Source.
type Options struct {
	// Connect returns the client for a region, an optional role and the external
	// ID that the role may ask for; "" is the SDK's own region.
	Connect func(ctx context.Context, region, role, externalID string) (API, error)
	// Settings returns the SDK's settings for a region, without a role; Examine
	// looks at credentials and rights with them. nil: it cannot.
	Settings func(ctx context.Context, region string) (aws.Config, error)
	// Now tells the time: which periods CloudWatch still keeps depends on it.
	Now func() time.Time
	// Details are the data source's connectionDetails: region, roleArn, accountId,
	// period, used where a query says nothing.
	Details slo.Spec
	// Rate is GetMetricData requests a second; ListMetrics gets half of it.
	// DatapointRate is datapoints a second of requests that begin more than three
	// hours ago; later ones get 5/11 of it, as the quotas are. 0: four fifths of
	// the default quotas (50 requests; 396,000 datapoints).
	Rate, DatapointRate float64
	// Lag is how long after its end a minute is published; 0: three minutes.
	Lag slo.Minute
	// Parallel is how many requests are under way at once; 0: 8.
	Parallel int
	Log      *slog.Logger
}

// Source reads CloudWatch. It implements metric.Source, Metered, Planner and
// Paced.
type Source struct {
	opt    Options
	limits limits

	mu      sync.Mutex
	clients map[place]API
	exists  map[string]bool // by stat.metricKey and place
	usage   metric.Usage
}

var (
	_ metric.Source  = (*Source)(nil)
	_ metric.Metered = (*Source)(nil)
)

// defaultParallel requests are enough to use up the quota: each brings 50,000
// datapoints in well under a second.
const defaultParallel = 8

// New returns a source. Nothing is asked before the first Fetch.
func New(opt Options) *Source {
	if opt.Rate <= 0 {
		opt.Rate = quotaRequests * quotaShare
	}
	if opt.DatapointRate <= 0 {
		opt.DatapointRate = quotaOld * quotaShare
	}
	if opt.Lag <= 0 {
		opt.Lag = defaultLag
	}
	if opt.Parallel <= 0 {
		opt.Parallel = defaultParallel
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Source{
		opt:     opt,
		limits:  newLimits(opt.Rate, opt.DatapointRate),
		clients: map[place]API{},
		exists:  map[string]bool{},
	}
}

// Caps implements metric.Source: minutes that are usable after 3 (or as the data
// source says) and final after 15, 455 days back. A first run reads what is kept at five minutes or
// finer: the hours it leaves out would come by the hour.
func (s *Source) Caps() metric.Caps {
	return metric.Caps{
		Period: 1, Lag: s.opt.Lag, Settle: 15, MaxAge: 10,
		History: 455 * slo.Day, Backfill: 63*slo.Day - 2*slo.Hour,
	}
}

// Pace implements metric.Paced.
func (s *Source) Pace() metric.Pace {
	return metric.Pace{Requests: s.opt.Rate, Datapoints: s.opt.DatapointRate}
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
	c, err := s.opt.Connect(ctx, p.Region, p.Role, p.ExternalID)
	if err != nil {
		return nil, explain("connect to CloudWatch", p, err)
	}
	s.clients[p] = c
	return c, nil
}

func (s *Source) count(requests, metrics, datapoints int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.usage.Requests += int64(requests)
	s.usage.Metrics += int64(metrics)
	s.usage.Datapoints += int64(datapoints)
}
