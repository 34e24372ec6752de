// Command logs is the bare function with structured logs and metrics, and no traces.
package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"

	"gitlab.com/nines-sre/nines/telemetry/log"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

type event struct {
	ID string `json:"id"`
}

func main() {
	logger := slog.New(log.New())
	registry := metrics.New()
	orders := registry.MustMetric("Orders", metrics.Count)
	lambda.Start(func(ctx context.Context, e event) (event, error) {
		defer registry.Flush(ctx)
		orders.Add(ctx, 1)
		logger.InfoContext(ctx, "taken", slog.String("id", e.ID))
		return e, nil
	})
}
