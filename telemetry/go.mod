// Telemetry is a module of its own, so that a function that writes logs, metrics
// and traces with it gets nothing of the rest. What stands beside aws-lambda-go is
// for its tests.
module gitlab.com/nines-sre/nines/telemetry

go 1.26.0

require (
	github.com/aws/aws-lambda-go v1.55.1
	github.com/google/go-cmp v0.7.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.2
	pgregory.net/rapid v1.3.0
)

require golang.org/x/text v0.14.0 // indirect
