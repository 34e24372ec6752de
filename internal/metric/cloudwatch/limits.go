package cloudwatch

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Default quotas of an account and region, and the share of them that Nines
// takes: others read the same account. (User guide, "CloudWatch service
// quotas"; AWS re:Post for the two rates of datapoints.)
const (
	quotaRequests = 50      // GetMetricData requests a second
	quotaLists    = 25      // ListMetrics requests a second
	quotaOld      = 396_000 // datapoints a second of requests that begin earlier
	quotaRecent   = 180_000 // datapoints a second of requests that begin in the last three hours
	quotaShare    = 0.8
	recentReach   = 3 * slo.Hour
)

// limits are the rates a source keeps to, every attempt counted.
type limits struct {
	requests, lists *limit
	recent, old     *limit // datapoints
}

func newLimits(requests, datapoints float64) limits {
	recent := datapoints * quotaRecent / quotaOld
	return limits{
		requests: newLimit(requests), lists: newLimit(requests * quotaLists / quotaRequests),
		recent: newLimit(recent), old: newLimit(datapoints),
	}
}

// limit is one rate. Who waits holds the turn: two who took their pieces
// alternately would be let go at the same moment.
type limit struct {
	*rate.Limiter
	turn chan struct{}
}

func newLimit(perSecond float64) *limit {
	return &limit{rate.NewLimiter(rate.Limit(perSecond), burst(perSecond)), make(chan struct{}, 1)}
}

// burst is an eighth of a second's worth: with it and the share of the quota
// that is taken by default, no second sees more than nine tenths of the quota.
func burst(perSecond float64) int { return max(1, int(perSecond/8)) }

// spend holds back until n units fit. More than the burst are taken piece by
// piece, so a large request waits for its own size and not for more.
func (l *limit) spend(ctx context.Context, n int) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.turn }()
	for n > 0 {
		part := min(n, l.Burst())
		if err := l.WaitN(ctx, part); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return context.DeadlineExceeded // it would come too late, so nothing was waited for
		}
		n -= part
	}
	return nil
}

// data holds a GetMetricData request back until its rates allow it.
func (l *limits) data(ctx context.Context, c *cut, datapoints int, now slo.Minute) error {
	if err := l.requests.spend(ctx, 1); err != nil {
		return err
	}
	if now-c.span.From <= recentReach {
		return l.recent.spend(ctx, datapoints)
	}
	return l.old.spend(ctx, datapoints)
}

// eachAttempt calls before in front of every attempt of a request, the first
// and those the SDK makes again.
func eachAttempt(before func(context.Context) error) func(*cloudwatch.Options) {
	step := middleware.FinalizeMiddlewareFunc("NinesRate", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (out middleware.FinalizeOutput, meta middleware.Metadata, err error) {
		if err := before(ctx); err != nil {
			return out, meta, err
		}
		return next.HandleFinalize(ctx, in)
	})
	return func(o *cloudwatch.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
			return s.Finalize.Insert(step, "Retry", middleware.After)
		})
	}
}
