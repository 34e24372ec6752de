// Package ecs is a local Amazon ECS, as far as rollouts ask one: task
// definitions, services, service deployments with their stages, pauses and
// weights, and rollbacks. It runs no task.
//
// A deployment goes through its stages as the clock goes on. With the strategy
// CANARY it stops at a pause hook before each shift of traffic, until it is
// continued, rolled back, or the hook's time is over. Alarms that were in ALARM
// when a deployment began are ignored; one that goes there later rolls it back.
//
// Sources: the API reference and the developer guide ("Stopping Amazon ECS
// service deployments", "Pause hooks", "Canary deployments", "How CloudWatch
// alarms detect deployment failures").
package ecs
