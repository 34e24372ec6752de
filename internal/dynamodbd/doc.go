// Package dynamodbd is a local DynamoDB, as far as this program uses one: tables
// with a partition and a sort key, strings, numbers and bytes, conditional puts
// and deletes, reads one by one, in batches and by range, and transactions. It
// speaks the JSON protocol of the service over HTTP, refuses what the service
// refuses (sizes, counts, empty keys, reserved words), and counts capacity by the
// published rules. It keeps everything in memory.
//
// It is the double of our tests. What it answers is held against other
// implementations by the same requests: see tools/dynamodb.sh.
package dynamodbd
