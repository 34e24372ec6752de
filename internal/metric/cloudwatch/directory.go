package cloudwatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationsignals"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	"golang.org/x/time/rate"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
)

// Lister is the part of the CloudWatch client that looking around needs.
type Lister interface {
	ListMetrics(context.Context, *cw.ListMetricsInput, ...func(*cw.Options)) (*cw.ListMetricsOutput, error)
	DescribeAlarms(context.Context, *cw.DescribeAlarmsInput, ...func(*cw.Options)) (*cw.DescribeAlarmsOutput, error)
}

// Signals is the part of the Application Signals client that looking around
// needs.
type Signals interface {
	ListServiceLevelObjectives(context.Context, *applicationsignals.ListServiceLevelObjectivesInput, ...func(*applicationsignals.Options)) (*applicationsignals.ListServiceLevelObjectivesOutput, error)
}

// Lookers are the clients of one region and role.
type Lookers struct {
	Metrics Lister
	Signals Signals
}

// DirectoryOptions make a Directory.
type DirectoryOptions struct {
	// Connect returns the clients for a region and an optional role.
	Connect func(ctx context.Context, region, role string) (Lookers, error)
	Place   metric.Place
	// Rate is requests a second; 0: four fifths of the quota of 25 (user guide,
	// "CloudWatch service quotas": ListMetrics).
	Rate float64
}

// ConnectDirectory returns the clients for looking around. Somebody waits for
// the answer, so they give up early.
func ConnectDirectory(ctx context.Context, region, role string) (Lookers, error) {
	cfg, err := Settings(ctx, region)
	if err != nil {
		return Lookers{}, err
	}
	cfg = as(cfg, role, "")
	return Lookers{Metrics: cw.NewFromConfig(cfg), Signals: applicationsignals.NewFromConfig(cfg)}, nil
}

const (
	quotaListings = 25
	// maxPages bounds one listing: 50,000 metrics are more than anybody reads.
	maxPages = 100
)

// Directory lists what CloudWatch and Application Signals have. It implements
// metric.Directory.
type Directory struct {
	opt   DirectoryOptions
	calls *rate.Limiter

	mu       sync.Mutex
	lookers  map[string]Lookers // by region
	requests int64
}

var _ metric.Directory = (*Directory)(nil)

// NewDirectory returns a directory. Nothing is asked before the first listing.
func NewDirectory(opt DirectoryOptions) *Directory {
	if opt.Rate <= 0 {
		opt.Rate = quotaListings * quotaShare
	}
	return &Directory{opt: opt, calls: rate.NewLimiter(rate.Limit(opt.Rate), 1), lookers: map[string]Lookers{}}
}

// Requests implements metric.Directory.
func (d *Directory) Requests() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.requests
}

// looker returns the clients of a region; "" is the place's.
func (d *Directory) looker(ctx context.Context, region string) (Lookers, place, error) {
	if region == "" {
		region = d.opt.Place.Region
	}
	at := place{Region: region, Role: d.opt.Place.Role}
	d.mu.Lock()
	defer d.mu.Unlock()
	if l, ok := d.lookers[region]; ok {
		return l, at, nil
	}
	l, err := d.opt.Connect(ctx, region, at.Role)
	if err != nil {
		return Lookers{}, at, explain("connect to CloudWatch", at, err)
	}
	d.lookers[region] = l
	return l, at, nil
}

// turn waits for the rate and counts the request.
func (d *Directory) turn(ctx context.Context) error {
	if err := d.calls.Wait(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	d.requests++
	d.mu.Unlock()
	return nil
}

// pages calls ask until it returns no further token, at most maxPages times;
// it says whether there would have been more.
func (d *Directory) pages(ctx context.Context, ask func(token *string) (next *string, err error)) (more bool, err error) {
	var token *string
	for range maxPages {
		if err := d.turn(ctx); err != nil {
			return false, err
		}
		next, err := ask(token)
		if err != nil {
			return false, err
		}
		if aws.ToString(next) == "" {
			return false, nil
		}
		if token != nil && *token == *next {
			return false, errors.New("the service repeats the same page")
		}
		token = next
	}
	return true, nil
}

// List implements metric.Directory.
func (d *Directory) List(ctx context.Context, l metric.Listing) (metric.Found, error) {
	const op = "ListMetrics"
	clients, at, err := d.looker(ctx, l.Region)
	if err != nil {
		return metric.Found{}, err
	}
	var out metric.Found
	in := listing(l, d.opt.Place.Account)
	out.More, err = d.pages(ctx, func(token *string) (*string, error) {
		in.NextToken = token
		page, err := clients.Metrics.ListMetrics(ctx, in)
		if err != nil {
			return nil, explain(op, at, err)
		}
		for i := range page.Metrics {
			out.Names = append(out.Names, nameOf(&page.Metrics[i]))
		}
		return page.NextToken, nil
	})
	return out, failed(op, at, err)
}

func listing(l metric.Listing, account string) *cw.ListMetricsInput {
	in := &cw.ListMetricsInput{Namespace: optional(l.Namespace), MetricName: optional(l.Metric)}
	for name, value := range l.Dimensions {
		in.Dimensions = append(in.Dimensions, types.DimensionFilter{Name: aws.String(name), Value: optional(value)})
	}
	if account != "" {
		in.IncludeLinkedAccounts, in.OwningAccount = aws.Bool(true), aws.String(account)
	}
	if l.Recent {
		in.RecentlyActive = types.RecentlyActivePt3h
	}
	return in
}

func nameOf(m *types.Metric) metric.Name {
	n := metric.Name{Namespace: aws.ToString(m.Namespace), Metric: aws.ToString(m.MetricName), Dimensions: map[string]string{}}
	for _, dim := range m.Dimensions {
		n.Dimensions[aws.ToString(dim.Name)] = aws.ToString(dim.Value)
	}
	return n
}

// Alarms implements metric.Directory.
func (d *Directory) Alarms(ctx context.Context) ([]metric.Alarm, error) {
	const op = "DescribeAlarms"
	clients, at, err := d.looker(ctx, "")
	if err != nil {
		return nil, err
	}
	var out []metric.Alarm
	in := &cw.DescribeAlarmsInput{
		MaxRecords: aws.Int32(100), AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
	}
	_, err = d.pages(ctx, func(token *string) (*string, error) {
		in.NextToken = token
		page, err := clients.Metrics.DescribeAlarms(ctx, in)
		if err != nil {
			return nil, explain(op, at, err)
		}
		for i := range page.MetricAlarms {
			out = append(out, alarmOf(&page.MetricAlarms[i]))
		}
		for i := range page.CompositeAlarms {
			a := &page.CompositeAlarms[i]
			out = append(out, metric.Alarm{
				Name: aws.ToString(a.AlarmName), State: string(a.StateValue), Since: changed(a.StateTransitionedTimestamp, a.StateUpdatedTimestamp), Composite: true,
			})
		}
		return page.NextToken, nil
	})
	return out, failed(op, at, err)
}

// changed is when an alarm's state changed last. The time of its last update, which
// may be later, has to do where the service does not say.
func changed(transitioned, updated *time.Time) time.Time {
	if transitioned == nil {
		transitioned = updated
	}
	if transitioned == nil {
		return time.Time{}
	}
	return *transitioned
}

func alarmOf(a *types.MetricAlarm) metric.Alarm {
	out := metric.Alarm{Name: aws.ToString(a.AlarmName), State: string(a.StateValue), Since: changed(a.StateTransitionedTimestamp, a.StateUpdatedTimestamp)}
	if a.MetricName != nil {
		out.Metrics = append(out.Metrics, nameOf(&types.Metric{Namespace: a.Namespace, MetricName: a.MetricName, Dimensions: a.Dimensions}))
	}
	for _, q := range a.Metrics {
		if q.MetricStat != nil && q.MetricStat.Metric != nil {
			out.Metrics = append(out.Metrics, nameOf(q.MetricStat.Metric))
		}
	}
	return out
}

// Objectives implements metric.Directory.
func (d *Directory) Objectives(ctx context.Context) ([]metric.Managed, error) {
	const op = "ListServiceLevelObjectives"
	clients, at, err := d.looker(ctx, "")
	if err != nil {
		return nil, err
	}
	var out []metric.Managed
	in := &applicationsignals.ListServiceLevelObjectivesInput{MaxResults: aws.Int32(50)}
	if account := d.opt.Place.Account; account != "" {
		in.IncludeLinkedAccounts, in.SloOwnerAwsAccountId = true, aws.String(account)
	}
	_, err = d.pages(ctx, func(token *string) (*string, error) {
		in.NextToken = token
		page, err := clients.Signals.ListServiceLevelObjectives(ctx, in)
		if err != nil {
			return nil, foreign(op, at, err)
		}
		for i := range page.SloSummaries {
			s := &page.SloSummaries[i]
			out = append(out, metric.Managed{
				Name: aws.ToString(s.Name), ID: aws.ToString(s.Arn),
				Service: s.KeyAttributes["Name"], Operation: aws.ToString(s.OperationName),
			})
		}
		return page.NextToken, nil
	})
	return out, failed(op, at, err)
}

// foreign explains an answer that is not the service's own: an endpoint that
// speaks for CloudWatch need not speak for Application Signals.
func foreign(op string, at place, err error) error {
	if _, ok := errors.AsType[*smithy.DeserializationError](err); !ok {
		return explain(op, at, err)
	}
	return fault.New(fault.Unavailable, op+" in "+at.name(), "the endpoint's answer is none of this service's",
		"check AWS_ENDPOINT_URL: it does not speak for "+blame(op, at, err).action)
}

// failed is explain for what may be no error.
func failed(op string, at place, err error) error {
	if err == nil {
		return nil
	}
	return explain(op, at, err)
}
