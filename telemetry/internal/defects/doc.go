// Package defects has no code, only tests that look at the whole of telemetry from
// outside: defects found in other telemetry for Lambda, each shown not to be ours,
// and the records and documents of the official TypeScript library beside ours.
// doc/reference/telemetry-defects.md lists both and is held to these tests.
package defects
