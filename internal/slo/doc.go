// Package slo is the arithmetic of service level objectives: windows, budgets,
// burn rates, exhaustion, alert conditions. It only computes. Measurements come
// in through a [View]; targets are exact decimals; sums are sums of events.
//
// The one question is [Evaluate]: how does an [Objective] stand at an instant?
// [Needs] says which spans a view must be able to sum for the answer, and the
// answer says which points would make it sharper. [SliceOf] judges time slices
// while measuring, [Exclude] takes stretches out of a view, [Losses] and [Trend]
// say where a budget went, and [Reopening] when it comes back by itself.
//
// Everything that decides is exact. A minute that nobody measured is neither
// good nor bad, and what cannot be known is nil or unknown.
package slo
