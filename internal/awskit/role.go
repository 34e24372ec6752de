package awskit

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// attempts is how often a call is tried. What changes traffic must get through
// where many others are throttled: others give up after three.
const attempts = 8

// ConfigAs is Config with a role that is taken first; "": none. Its calls are
// tried more often than the SDK's own, and never held back because earlier ones
// failed.
func ConfigAs(ctx context.Context, region, role string) (aws.Config, error) {
	cfg, err := Config(ctx, region)
	if err != nil {
		return cfg, err
	}
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff, o.RateLimiter = attempts, 10*time.Second, ratelimit.None
		})
	}
	if role != "" {
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "nines"
		}))
	}
	return cfg, nil
}

// ExplainAs is Explain for a service that has error codes of its own: kinds says
// what they mean. A code that is not in it is explained as all services' are.
func ExplainAs(op, action string, err error, kinds map[string]fault.Kind) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Explain(op, action, err)
	}
	if kind, known := kinds[api.ErrorCode()]; known {
		return &fault.Error{Op: op, Kind: kind, Err: errors.New(api.ErrorCode() + ": " + api.ErrorMessage())}
	}
	return Explain(op, action, err)
}

// Code is the error code of a service's answer; "": it is none.
func Code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}
