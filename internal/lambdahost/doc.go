// Package lambdahost is the host on AWS Lambda: a schedule's event becomes a
// call of measuring, a pipeline's a call of status or of the gate.
//
// What it keeps between invocations (documents, clients, open stores, the pace
// of each objective) only saves work; a fresh process answers the same. So
// invocations may be lost, repeated, killed, or run beside each other: the
// history is the only state, and its writes are conditional.
package lambdahost
