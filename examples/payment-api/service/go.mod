// The example's service is a module of its own, as a team's would be: it uses
// the telemetry library and nothing else of this repository.
module gitlab.com/nines-sre/nines/examples/payment-api

go 1.26.0

replace gitlab.com/nines-sre/nines/telemetry => ../../../telemetry

require github.com/aws/aws-lambda-go v1.55.1

require gitlab.com/nines-sre/nines/telemetry v0.0.0-00010101000000-000000000000
