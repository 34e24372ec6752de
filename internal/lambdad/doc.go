// Package lambdad is a local control plane of AWS Lambda, as far as rollouts use
// one: functions and their code, published versions, aliases with weights,
// provisioned concurrency, and invocations whose answers the test decides. It
// speaks the REST paths of the service, refuses what the service refuses (a stale
// revision id, weights out of range, $LATEST behind a weighted alias, versions
// with different roles or dead-letter queues, an update while another one is in
// progress), and takes its time with new versions as the service does. It keeps
// everything in memory.
//
// It is the double of our tests. moto makes none of these refusals; see
// TestBesideMoto, which compares the two.
package lambdad
