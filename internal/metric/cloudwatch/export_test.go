package cloudwatch

import "github.com/aws/aws-sdk-go-v2/aws"

// Retryer is what Connect gives its clients.
func Retryer() aws.Retryer { return retryer(attempts) }
