// Package observe is what the payment API tells about itself.
package observe

import (
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/web"
)

type Observer struct {
	mu      sync.Mutex
	w       *json.Encoder
	version string
	now     func() time.Time
}

func New(w io.Writer, version string, now func() time.Time) *Observer {
	return &Observer{w: json.NewEncoder(w), version: version, now: now}
}

func (o *Observer) Done(_ context.Context, d web.Done) {
	failed := 0
	if d.Status >= 500 {
		failed = 1
	}
	type m map[string]any
	line := m{"_aws": m{"Timestamp": o.now().UnixMilli(), "CloudWatchMetrics": []m{{"Namespace": "PaymentAPI", "Dimensions": [][]string{{"service", "route"}, {"service", "version"}},
		"Metrics": []m{{"Name": "Requests", "Unit": "Count"}, {"Name": "Errors", "Unit": "Count"}, {"Name": "Latency", "Unit": "Milliseconds"}}}}},
		"service": "payment-api", "route": d.Route, "version": o.version, "Requests": 1, "Errors": failed, "Latency": float64(d.Took.Microseconds()) / 1000}
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.w.Encode(line)
}
