// Package cloudwatch publishes metrics with PutMetricData, a thousand at a time.
package cloudwatch

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/publish"
)

// Limits of a request. (CloudWatch API reference, PutMetricData: 1,000 metrics
// and 1 MB; the rest is room for how they are encoded.)
const (
	maxMetrics = 1000
	maxBytes   = 900_000
)

// API is the part of the CloudWatch client that publishing needs.
type API interface {
	PutMetricData(context.Context, *cw.PutMetricDataInput, ...func(*cw.Options)) (*cw.PutMetricDataOutput, error)
}

// Sink implements publish.Sink.
type Sink struct {
	namespace string
	connect   func(context.Context) (API, error)

	mu  sync.Mutex
	api API
}

var _ publish.Sink = (*Sink)(nil)

// New returns a sink for a namespace in a region; "" is the SDK's own.
func New(namespace, region string) *Sink {
	return With(namespace, func(ctx context.Context) (API, error) {
		cfg, err := awskit.Config(ctx, region)
		if err != nil {
			return nil, err
		}
		return cw.NewFromConfig(cfg), nil
	})
}

// With is New with a client of the caller's.
func With(namespace string, connect func(context.Context) (API, error)) *Sink {
	return &Sink{namespace: namespace, connect: connect}
}

func (s *Sink) client(ctx context.Context) (API, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.api == nil {
		api, err := s.connect(ctx)
		if err != nil {
			return nil, err
		}
		s.api = api
	}
	return s.api, nil
}

// Publish implements publish.Sink.
func (s *Sink) Publish(ctx context.Context, samples []publish.Sample) (publish.Receipt, error) {
	var r publish.Receipt
	if len(samples) == 0 {
		return r, nil
	}
	api, err := s.client(ctx)
	if err != nil {
		return r, err
	}
	batch, size := []types.MetricDatum(nil), 0
	send := func() error {
		if len(batch) == 0 {
			return nil
		}
		r.Requests++
		_, err := api.PutMetricData(ctx, &cw.PutMetricDataInput{Namespace: &s.namespace, MetricData: batch})
		if err != nil {
			return awskit.Explain("publish metrics in "+s.namespace, "cloudwatch:PutMetricData", err)
		}
		r.Published += len(batch)
		batch, size = nil, 0
		return nil
	}
	for _, sample := range samples {
		if why := publish.Check(sample); why != "" {
			r.Dropped = append(r.Dropped, why)
			continue
		}
		d, bytes := datum(sample)
		if len(batch) == maxMetrics || size+bytes > maxBytes {
			if err := send(); err != nil {
				return r, err
			}
		}
		batch, size = append(batch, d), size+bytes
	}
	return r, send()
}

// datum is a sample in the SDK's words, and about how many bytes it takes.
func datum(s publish.Sample) (types.MetricDatum, int) {
	unit := s.Unit
	if unit == "" {
		unit = publish.Plain
	}
	d := types.MetricDatum{
		MetricName: aws.String(s.Name), Value: aws.Float64(s.Value), Unit: types.StandardUnit(unit), Timestamp: aws.Time(s.At),
	}
	size := 80 + len(s.Name) // the names of the fields, the value and the time
	for _, dim := range s.Dimensions {
		value := publish.Clean(dim.Value)
		d.Dimensions = append(d.Dimensions, types.Dimension{Name: aws.String(dim.Name), Value: &value})
		size += 16 + len(dim.Name) + len(value)
	}
	return d, size
}
