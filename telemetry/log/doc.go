// Package log is a handler for log/slog that writes structured records for AWS
// Lambda: the keys that Powertools for AWS Lambda writes, one line of JSON each.
package log
