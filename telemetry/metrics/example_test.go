package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

// at makes the examples' output the same each day.
func at() time.Time { return time.UnixMilli(1_795_417_241_955) }

func registry(opts ...metrics.Option) *metrics.Registry {
	return metrics.New(append([]metrics.Option{
		metrics.WithNamespace("PaymentAPI"), metrics.WithService("payment-service"),
		metrics.WithWriter(os.Stdout), metrics.WithClock(at), metrics.WithEnvironment(func(string) string { return "" }),
	}, opts...)...)
}

func Example() {
	m := metrics.New(
		metrics.WithNamespace("PaymentAPI"), // or POWERTOOLS_METRICS_NAMESPACE
		metrics.WithService("payment-service"),
		metrics.WithWriter(os.Stdout), // where it goes anyway
		metrics.WithClock(at),
	)
	orders := m.MustMetric("Orders", metrics.Count)
	latency := m.MustMetric("Latency", metrics.Milliseconds, metrics.HighResolution())

	ctx := context.Background() // the handler's
	orders.Add(ctx, 1)
	latency.Add(ctx, 12.5)
	latency.Add(ctx, 13.5)
	m.Metadata(ctx, "order_id", "o-123")
	m.Flush(ctx) // telemetry.Wrap does it
	// Output:
	// {"_aws":{"Timestamp":1795417241955,"CloudWatchMetrics":[{"Namespace":"PaymentAPI","Dimensions":[["service"]],"Metrics":[{"Name":"Orders","Unit":"Count"},{"Name":"Latency","Unit":"Milliseconds","StorageResolution":1}]}]},"service":"payment-service","Orders":1,"Latency":[12.5,13.5],"order_id":"o-123"}
}

func ExampleRegistry_Metric() {
	m := registry()
	_, err := m.Metric("Latency", "milliseconds")
	fmt.Println(err)
	_, err = m.Metric("service", metrics.Count)
	fmt.Println(err)
	// Output:
	// metrics: the unit "milliseconds" of metric "Latency" is written "Milliseconds"
	// metrics: "service" is a dimension already, and a document has one member of a name; choose another for the metric
}

// Values of one metric that have different dimensions never share a document.
func ExampleRegistry_Dimensions() {
	m := registry(metrics.WithDimension("environment", "prod"))
	orders := m.MustMetric("Orders", metrics.Count)
	route, err := m.Dimensions("route")
	if err != nil {
		fmt.Println(err)
	}
	ctx := context.Background()
	orders.With(route.Of("/buy")).Add(ctx, 1)
	orders.With(route.Of("/sell")).Add(ctx, 2)
	orders.With(route.Of("/buy")).Add(ctx, 3)
	m.Flush(ctx)
	// Output:
	// {"_aws":{"Timestamp":1795417241955,"CloudWatchMetrics":[{"Namespace":"PaymentAPI","Dimensions":[["service","environment","route"]],"Metrics":[{"Name":"Orders","Unit":"Count"}]}]},"service":"payment-service","environment":"prod","route":"/buy","Orders":[1,3]}
	// {"_aws":{"Timestamp":1795417241955,"CloudWatchMetrics":[{"Namespace":"PaymentAPI","Dimensions":[["service","environment","route"]],"Metrics":[{"Name":"Orders","Unit":"Count"}]}]},"service":"payment-service","environment":"prod","route":"/sell","Orders":2}
}

func ExampleDimensionSet_Values() {
	m := registry()
	_, err := m.MustDimensions("tenant").Values("")
	fmt.Println(err)
	// Output:
	// metrics: the value "" of dimension "tenant" is empty; give it a name
}

// CloudWatch keeps each value three times: for all services, for the service, and
// for its route.
func ExampleRegistry_Sets() {
	m := registry()
	orders := m.MustMetric("Orders", metrics.Count)
	nothing, err := m.DimensionsOnly()
	if err != nil {
		fmt.Println(err)
	}
	all, err := m.Sets(nothing.Of(), metrics.Dimensions{}, m.MustDimensions("route").Of("/buy"))
	if err != nil {
		fmt.Println(err)
	}
	orders.With(all).Add(context.Background(), 1)
	m.Flush(context.Background())
	// Output:
	// {"_aws":{"Timestamp":1795417241955,"CloudWatchMetrics":[{"Namespace":"PaymentAPI","Dimensions":[[],["service"],["service","route"]],"Metrics":[{"Name":"Orders","Unit":"Count"}]}]},"service":"payment-service","route":"/buy","Orders":1}
}

// What CloudWatch would not take is counted, and costs nothing else.
func ExampleRegistry_Flush() {
	m := registry()
	ratio := m.MustMetric("Ratio", metrics.None)
	ctx := context.Background()
	ratio.Add(ctx, math.NaN())
	ratio.Add(ctx, 0.5)
	for _, d := range m.Flush(ctx) {
		fmt.Println(d.Reason, d.Count, d.First)
	}
	// Output:
	// {"_aws":{"Timestamp":1795417241955,"CloudWatchMetrics":[{"Namespace":"PaymentAPI","Dimensions":[["service"]],"Metrics":[{"Name":"Ratio","Unit":"None"}]}]},"service":"payment-service","Ratio":0.5}
	// not_a_number 1 Ratio
}

func ExampleRegistry_Metadata() {
	m := registry()
	m.MustMetric("Failures", metrics.Count).Add(context.Background(), 1)
	m.Metadata(context.Background(), "cause", errors.New("card declined"))
	m.Metadata(context.Background(), "_aws", "does not replace the envelope")
	m.Flush(context.Background())
	fmt.Println(m.Dropped())
	// Output:
	// {"_aws":{"Timestamp":1795417241955,"CloudWatchMetrics":[{"Namespace":"PaymentAPI","Dimensions":[["service"]],"Metrics":[{"Name":"Failures","Unit":"Count"}]}]},"service":"payment-service","Failures":1,"cause":"card declined"}
	// [{bad_metadata 1 _aws}]
}

func ExampleRegistry_ColdStart() {
	m := registry()
	ctx, inv := scope.Begin(context.Background(), scope.Start{Function: &scope.Function{Name: "pay", Cold: true}}) // telemetry.Wrap does both
	defer inv.End()
	m.ColdStart(ctx)
	m.ColdStart(ctx) // once
	// Output:
	// {"_aws":{"Timestamp":1795417241955,"CloudWatchMetrics":[{"Namespace":"PaymentAPI","Dimensions":[["service","function_name"]],"Metrics":[{"Name":"ColdStart","Unit":"Count"}]}]},"service":"payment-service","function_name":"pay","ColdStart":1}
}

func ExampleSeries_At() {
	m := registry()
	m.MustMetric("Settled", metrics.Count).At(at().Add(-time.Hour)).Add(context.Background(), 7)
	m.Flush(context.Background())
	// Output:
	// {"_aws":{"Timestamp":1795413641955,"CloudWatchMetrics":[{"Namespace":"PaymentAPI","Dimensions":[["service"]],"Metrics":[{"Name":"Settled","Unit":"Count"}]}]},"service":"payment-service","Settled":7}
}

// A single metric goes out at once, whatever becomes of the rest.
func ExampleSeries_Emit() {
	m := registry()
	m.MustMetric("Started", metrics.Count).Emit(context.Background(), 1)
	// Output:
	// {"_aws":{"Timestamp":1795417241955,"CloudWatchMetrics":[{"Namespace":"PaymentAPI","Dimensions":[["service"]],"Metrics":[{"Name":"Started","Unit":"Count"}]}]},"service":"payment-service","Started":1}
}

func ExampleRegistry_Problems() {
	m := metrics.New(metrics.WithWriter(os.Stdout), metrics.WithEnvironment(func(name string) string {
		return map[string]string{"POWERTOOLS_METRICS_NAMESPACE": "AWS/Lambda", "POWERTOOLS_METRICS_DISABLED": "maybe"}[name]
	}))
	for _, p := range m.Problems() {
		fmt.Println(p)
	}
	// Output:
	// POWERTOOLS_METRICS_DISABLED is "maybe": want true or false; taken as false
	// the metric namespace "AWS/Lambda" begins with "AWS/", which is Amazon's own; choose another; metrics go to "default_namespace"
}
