//go:build !race

package log_test

const raced = false
