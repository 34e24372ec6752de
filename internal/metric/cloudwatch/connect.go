package cloudwatch

import (
	"cmp"
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// attempts is how often the SDK tries a request before it counts as failed,
// unless AWS_MAX_ATTEMPTS or the profile's max_attempts says otherwise. Eight
// take up to a minute and a half. The adaptive mode slows the client down when
// the service says "too fast".
const attempts = 8

// Connect returns a client with the SDK's own credentials, profile, region and
// endpoint settings (AWS_ENDPOINT_URL_CLOUDWATCH among them), in another role
// where one is named, with the external ID the role may ask for.
func Connect(ctx context.Context, region, role, externalID string) (API, error) {
	cfg, err := load(ctx, region)
	if err != nil {
		return nil, err
	}
	most := cmp.Or(cfg.RetryMaxAttempts, attempts)
	cfg.Retryer = func() aws.Retryer { return retryer(most) }
	return cw.NewFromConfig(as(cfg, role, externalID)), nil
}

// Settings are the SDK's settings for a region ("": the SDK's own), as Connect
// takes them, for somebody who does not wait long: a request is tried twice.
func Settings(ctx context.Context, region string) (aws.Config, error) {
	cfg, err := load(ctx, region)
	cfg.RetryMaxAttempts = 0
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 2, time.Second })
	}
	return cfg, err
}

// load reads the SDK's settings. How to retry is no option here: the SDK would
// not look for AWS_MAX_ATTEMPTS then.
func load(ctx context.Context, region string) (aws.Config, error) {
	// The SDK's own log lines (a connection not reused) are for its developers;
	// what failed comes back as an error.
	opts := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
	if region != "" {
		opts = append(opts, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	return awskit.Steadied(cfg), err
}

// as returns settings whose credentials are those of a role; "" changes nothing.
func as(cfg aws.Config, role, externalID string) aws.Config {
	if role != "" {
		assume := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName, o.ExternalID = "nines", optional(externalID)
		})
		cfg.Credentials = aws.NewCredentialsCache(assume)
	}
	return cfg
}

// retryer tries again what may work the next time, and slows down when the
// service says "too fast". Each client has its own. Where no answer comes at all
// it gives up early: somebody waits for the gate, and the next run asks again.
func retryer(most int) brief {
	return brief{retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
		o.StandardOptions = append(o.StandardOptions, patient(most))
	})}
}

// sends is how often a request is sent that never gets an answer (a name that is
// not found, a refused connection).
const sends = 3

type brief struct{ aws.RetryerV2 }

// RetryDelay implements aws.Retryer; an error ends the trying.
func (b brief) RetryDelay(tried int, err error) (time.Duration, error) {
	if _, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok && tried >= sends {
		return 0, err
	}
	return b.RetryerV2.RetryDelay(tried, err)
}

// patient lets a request be tried so often. The SDK's own allowance for
// repeating is not kept: it runs out where the service throttles for a while,
// and our rate bounds the attempts already.
func patient(most int) func(*retry.StandardOptions) {
	return func(o *retry.StandardOptions) { o.MaxAttempts, o.RateLimiter = most, ratelimit.None }
}

// maxLag is when a minute is final: a source that publishes later than that
// cannot be read by the minute.
const maxLag slo.Minute = 15

// Type describes the source to the program: documents name it "CloudWatch".
// Check and CheckDetails are the documents' own checkers of specs and of
// connectionDetails; now tells the time.
func Type(check, details func(slo.Spec) []metric.SpecProblem, now func() time.Time) metric.Type {
	return metric.Type{
		Name: "CloudWatch", Check: check, CheckDetails: details,
		Open: func(_ context.Context, details slo.Spec, _ string) (metric.Source, error) {
			opt := Options{Connect: Connect, Settings: Settings, Now: now, Details: details}
			for name, to := range map[string]*float64{"rate": &opt.Rate, "datapointRate": &opt.DatapointRate} {
				text, ok := details[name].(string)
				if !ok {
					continue
				}
				f, err := strconv.ParseFloat(text, 64)
				if err != nil || !(f > 0) || math.IsInf(f, 1) {
					return nil, fault.New(fault.Invalid, "open CloudWatch source", name+" "+strconv.Quote(text)+" is no rate", "write requests (or datapoints) a second, such as 40")
				}
				*to = f
			}
			if text, ok := details["lag"].(string); ok {
				m, err := slo.ParseLength(text)
				if err != nil || m < 1 || m > maxLag {
					return nil, fault.New(fault.Invalid, "open CloudWatch source", "lag "+strconv.Quote(text)+" is no lag", "write how long after its end a minute is published, from 1m to 15m")
				}
				opt.Lag = m
			}
			return New(opt), nil
		},
	}
}
