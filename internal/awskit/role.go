package awskit

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// ConfigAs is [Config] with the credentials of a role; "" takes none.
func ConfigAs(ctx context.Context, region, role string) (aws.Config, error) {
	cfg, err := Config(ctx, region)
	if err != nil || role == "" {
		return cfg, err
	}
	cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), role))
	return cfg, nil
}
