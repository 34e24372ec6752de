// Package e2e has no code, only tests of functions as Lambda runs them, with what
// stands behind them: X-Ray's endpoint, which checks their signatures, and an
// OpenTelemetry Collector, which reads their spans.
package e2e
