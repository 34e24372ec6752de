// Package cloudformation is a local AWS CloudFormation, as far as rollouts ask
// one: updates of a stack's parameters, their states over time, cancelled
// updates and rollbacks, and the events of a failure. It makes no resource.
//
// Sources: the API reference, "Stack status codes", "Continue rolling back an
// update", "Stack failure options". The texts of refusals are those that
// callers quote.
package cloudformation
