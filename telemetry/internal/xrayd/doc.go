// Package xrayd is a local endpoint for traces, as X-Ray has one for OTLP over
// HTTP: POST /v1/traces, signed with AWS Signature Version 4 for service "xray".
// It is for tests. It computes the signature from the rules that AWS publishes,
// with no code of the signer it checks; it refuses what X-Ray documents as too
// much; and it hands on what it accepts, to an OpenTelemetry Collector that
// package collector starts, so that a reader that is not ours decodes it.
//
// The documented bounds
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html):
// OTLP 1.x, binary or JSON, gzip or nothing; 5 MB and 10,000 spans to a request;
// 16 KB of resource and scope; 200 KB to a span; from 14 days back to 2 hours
// ahead. X-Ray's answers to a breach are not documented in full: xrayd answers 400
// with the reason in a google.rpc.Status, as OTLP says, 403 to a wrong signature,
// 413 and 415 where HTTP has a status of its own.
package xrayd
