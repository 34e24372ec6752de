//go:build race

package metrics_test

const raced = true
