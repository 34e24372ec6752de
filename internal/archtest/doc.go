// Package archtest keeps the rules of the house as tests: who may import whom,
// that every adapter runs its port's conformance suite, and how long a file or
// a function may grow.
//
// It reads the source itself and does not ask "go list": the test cache follows
// files a test opens but not those of a child process, so a rule that shells out
// keeps answering from the cache after the code it judges has changed.
//
// Each rule is a function from a [tree] to its breaches. It is run over the
// repository, and over small made-up trees that break it: a rule that cannot
// fail is not a rule.
package archtest
