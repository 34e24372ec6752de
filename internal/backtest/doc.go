// Package backtest runs alert rules over recorded history and scores what they
// would have told whom.
//
// Judge computes, for every minute, whether each condition of an objective held,
// as [slo.Evaluate] would have said then: nothing behind a minute is looked at.
// Conditions of plain objectives are decided over running sums, exactly and in
// nanoseconds; everything else is asked of slo.Evaluate. Run leads the rules
// through package alert, so that what is counted are notifications, with
// inhibition and holds, not minutes. Evaluate of Options scores them against
// incidents that somebody wrote down, or that Derive finds where budget was
// lost.
//
// It asks no clock and reads nothing: histories come in as views in memory.
package backtest
