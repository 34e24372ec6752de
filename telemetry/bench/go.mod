// The benchmarks of telemetry against others are a module of their own, so that the
// library does not depend on what it is compared with.
module gitlab.com/nines-sre/nines/telemetry/bench

go 1.26.0

replace gitlab.com/nines-sre/nines/telemetry => ../

require (
	github.com/aws/aws-lambda-go v1.55.1
	github.com/phuslu/log v1.0.121
	github.com/rs/zerolog v1.35.1
	gitlab.com/nines-sre/nines/telemetry v0.0.0-00010101000000-000000000000
)

require (
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	golang.org/x/sys v0.29.0 // indirect
)
