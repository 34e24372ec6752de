// Command all is the bare function with everything in one line: logs, metrics,
// traces and the record of each invocation.
package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"

	"gitlab.com/nines-sre/nines/telemetry"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

type event struct {
	ID string `json:"id"`
}

func main() {
	tel := telemetry.New()
	orders := tel.Metrics.MustMetric("Orders", metrics.Count)
	lambda.Start(tel.Wrap(func(ctx context.Context, e event) (event, error) {
		orders.Add(ctx, 1)
		tel.Log.InfoContext(ctx, "taken", slog.String("id", e.ID))
		return e, nil
	}))
}
