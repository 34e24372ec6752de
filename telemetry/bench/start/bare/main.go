// Command bare is a function without any telemetry: what the others are compared
// with.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	ID string `json:"id"`
}

func handle(_ context.Context, e event) (event, error) { return e, nil }

func main() { lambda.Start(handle) }
