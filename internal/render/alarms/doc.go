// Package alarms turns objectives into alarms of CloudWatch, as values: metric
// math for each window, a composite for each severity, a dashboard. What writes
// them down (CloudFormation, Terraform) stands beside it. It asks nobody.
//
// CloudWatch evaluates on its own, without Nines, and cannot do all that Nines
// does. Every difference is a Note: what cannot be said there, and what was done
// instead. What is done instead fires later rather than sooner: a page that rests
// on less than the condition asks for is worse than one that comes late.
//
// Documented (PutMetricAlarm, "Using metric math"): period x evaluation periods
// is at most a day below a period of an hour, else seven days; an alarm has at
// most 10 metrics; SEARCH is not for alarms; the window slides with each
// evaluation. Assumed: a period of an alarm is at most a day, as in GetMetricData.
package alarms
