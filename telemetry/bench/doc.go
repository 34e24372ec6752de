// Package bench measures telemetry beside what people use instead. Each rival
// first proves that it writes what the others write; then it is timed.
//
//	go test -bench=. -benchmem ./...
package bench
