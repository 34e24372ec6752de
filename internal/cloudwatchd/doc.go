// Package cloudwatchd is a local CloudWatch: any AWS SDK, the AWS CLI or a
// service that writes embedded-metric-format lines runs against it unchanged.
//
// It speaks CBOR, JSON and the Query protocol on one port, answers
// PutMetricData, GetMetricData, GetMetricStatistics and ListMetrics, computes
// every statistic and metric-math function from what was published, and keeps
// to CloudWatch's limits, paging, period alignment and retention under a clock
// that can be set. It injects throttling, partial answers, latency, late and
// lost data when told to, and counts what AWS would bill.
//
// What AWS documents is done as documented; where the documentation is silent
// the package comments of stat, expr, insights and search, and comments marked
// "assumed" in this one, say what is done instead. No independent server
// confirms metric math, trimmed statistics, percentile ranks or paging.
//
// The other operations of CloudWatch (alarms, dashboards, streams) answer
// UnsupportedOperation.
package cloudwatchd
