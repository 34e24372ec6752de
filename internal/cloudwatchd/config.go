package cloudwatchd

import (
	"context"
	"log/slog"
	"time"
)

// Defaults for a caller that signs with nothing we can read.
const (
	DefaultAccount = "000000000000"
	DefaultRegion  = "us-east-1"
)

// Config says how a server is built. Clock is required.
type Config struct {
	// Clock is the real time. The server's own clock follows it until it is set.
	Clock func() time.Time
	// Path is the SQLite file that keeps the data; "" keeps them in memory.
	Path string
	// Account is the account of callers whose access key is not a number of
	// twelve digits; such a key names its account itself. "" is DefaultAccount.
	Account string
	// Region is that of callers whose signature names none. "" is DefaultRegion.
	Region string
	// Linked are the accounts whose metrics callers may read by naming them
	// (CloudWatch cross-account observability).
	Linked []string
	// Quota throttles callers as AWS does; zero values do not.
	Quota Quota
	// InsightsWindow is how far back Metrics Insights queries reach; 0 is three
	// hours. (AWS's newest service model says two weeks.)
	InsightsWindow time.Duration
	// ReserveAWS refuses to publish into namespaces that begin with AWS/, as AWS
	// does. By default they are open: that is how services are imitated.
	ReserveAWS bool
	// Log is told of requests that failed inside the server; nil is silent.
	Log *slog.Logger
	// Sleep waits for injected latency; nil uses a timer.
	Sleep func(ctx context.Context, d time.Duration)
}

// Quota is how much a caller may ask in a second of real time.
type Quota struct {
	// GetMetricData calls a second. AWS: 50.
	Calls int
	// Datapoints a second in answers of GetMetricData. AWS: 180,000 for requests
	// that begin within the last three hours, 396,000 for older ones.
	RecentDatapoints, OldDatapoints int
}

// AWSQuota is the default quota of an account.
func AWSQuota() Quota {
	return Quota{Calls: 50, RecentDatapoints: 180_000, OldDatapoints: 396_000}
}

func (c Config) withDefaults() Config {
	if c.Account == "" {
		c.Account = DefaultAccount
	}
	if c.Region == "" {
		c.Region = DefaultRegion
	}
	if c.InsightsWindow == 0 {
		c.InsightsWindow = 3 * time.Hour
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	return c
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
