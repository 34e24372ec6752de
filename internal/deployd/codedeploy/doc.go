// Package codedeploy is a local AWS CodeDeploy for Lambda, as far as rollouts
// ask one: deployments of an alias from one version to another, their weights
// over time, stops with and without rollback, and alarms.
//
// Sources: the API reference, the AppSpec reference for Lambda, "Error codes for
// CodeDeploy", and "Deployment configurations on a Lambda compute platform".
package codedeploy
