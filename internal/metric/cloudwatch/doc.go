// Package cloudwatch reads measurements from Amazon CloudWatch.
//
// One call of Fetch becomes as few GetMetricData requests as the service's
// limits allow (500 queries, 100,800 datapoints a page): equal queries are asked
// once, statistics of one metric travel together because they are billed
// together, and each stretch is asked at the finest period that CloudWatch still
// keeps for its age. What a request did not answer completely stays outside
// Series.Answered.
//
// Every attempt, the SDK's own repetitions included, keeps the source's rates of
// requests and of datapoints and is counted in Usage. Where the service throttles
// all the same, the SDK's adaptive mode slows down further.
//
// Permissions: cloudwatch:GetMetricData, cloudwatch:ListMetrics, and
// sts:AssumeRole for sources with a roleArn.
//
// Limits and prices: Amazon CloudWatch user guide, GetMetricData and "CloudWatch
// service quotas".
package cloudwatch
