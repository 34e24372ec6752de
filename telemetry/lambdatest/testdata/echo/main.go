// Echo is a function for the test of lambdatest.Build.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

var version string

func main() {
	lambda.Start(func(_ context.Context, in string) (string, error) { return version + " " + in, nil })
}
