package cloudwatch

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// attempts is how often the SDK tries a request before it counts as failed. The
// adaptive mode slows the client down when the service says "too fast".
const attempts = 8

// Connect returns a client with the SDK's own credentials, profile, region and
// endpoint settings (AWS_ENDPOINT_URL_CLOUDWATCH among them), in another role
// where one is named.
func Connect(ctx context.Context, region, role string) (API, error) {
	opts := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer {
			return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
				o.StandardOptions = append(o.StandardOptions, func(s *retry.StandardOptions) { s.MaxAttempts = attempts })
			})
		}),
	}
	if region != "" {
		opts = append(opts, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return nil, err
	}
	if role != "" {
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), role))
	}
	return cw.NewFromConfig(cfg), nil
}

// Type describes the source to the program: documents name it "CloudWatch".
// Check is the documents' own checker of specs; now tells the time.
func Type(check func(slo.Spec) []metric.SpecProblem, now func() time.Time, log *slog.Logger) metric.Type {
	return metric.Type{
		Name:  "CloudWatch",
		Check: check,
		Open: func(_ context.Context, details slo.Spec, _ string) (metric.Source, error) {
			opt := Options{Connect: Connect, Now: now, Details: details, Log: log}
			for name, to := range map[string]*float64{"rate": &opt.Rate, "datapointRate": &opt.DatapointRate} {
				text, ok := details[name].(string)
				if !ok {
					continue
				}
				f, err := strconv.ParseFloat(text, 64)
				if err != nil || f <= 0 {
					return nil, fault.New(fault.Invalid, "open CloudWatch source", name+" "+strconv.Quote(text)+" is no rate", "write requests (or datapoints) a second, such as 40")
				}
				*to = f
			}
			return New(opt), nil
		},
	}
}
