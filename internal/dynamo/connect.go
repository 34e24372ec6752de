package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"gitlab.com/nines-sre/nines/internal/awskit"
)

// Options say where a table is and how it is used.
type Options struct {
	// Region, Role and Endpoint override the SDK's own settings where they are
	// not empty. Role is the ARN of a role to take on.
	Region, Role, Endpoint string
	// ReadOnly refuses every write.
	ReadOnly bool
	// Keep is how long settled history is kept behind the end of its month;
	// 0: for good.
	Keep time.Duration
	// Now tells the time, for what expires.
	Now func() time.Time
	// Meter, if set, is told what each answered request has cost.
	Meter func(op string, units float64)
	// Schema and Migrations stand for another version of this program. Zero: this
	// one's.
	Schema     int
	Migrations []Migration
	// Client, Attempts and Backoff stand for the network in tests. Zero: the SDK's
	// client, 8 attempts, and pauses that grow to 5 s.
	Client   aws.HTTPClient
	Attempts int
	Backoff  retry.BackoffDelayer
}

// attempts is how often a request is tried before it counts as failed.
const attempts = 8

// connect returns a client with the SDK's own credentials, profile, region and
// endpoint settings (AWS_ENDPOINT_URL_DYNAMODB among them).
func connect(ctx context.Context, opt Options) (*dynamodb.Client, error) {
	load := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts = opt.Attempts
				o.MaxBackoff = 5 * time.Second
				// A store must not give up because others were throttled before.
				o.RateLimiter = ratelimit.None
				if opt.Backoff != nil {
					o.Backoff = opt.Backoff
				}
			})
		}),
	}
	if opt.Region != "" {
		load = append(load, config.WithRegion(opt.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, err
	}
	cfg = awskit.Steadied(cfg)
	if opt.Role != "" {
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), opt.Role))
	}
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		if opt.Endpoint != "" {
			o.BaseEndpoint = aws.String(opt.Endpoint)
		}
		if opt.Client != nil {
			o.HTTPClient = opt.Client
		}
	}), nil
}
