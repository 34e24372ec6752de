// Package alert decides who has to be told that budget burns, minute by minute.
//
// [Step] takes what was known, the truth of every condition at one instant and
// the silences that hold, and says what is known now and what happened. It asks
// no clock and keeps nothing: the same inputs give the same outputs, so that
// history can be run through it again, and two programs agree.
//
// The words:
//
//   - A rule is a condition of an objective and whom it tells. It is inactive,
//     pending (its condition holds, but not for long enough yet) or firing.
//   - What is unknown freezes a rule: it neither fires nor ends, and no clock of
//     it runs, until something is known again.
//   - The rules of one objective and one severity make an incident. It is told
//     once, when the first of them fires, and is over when none has fired for the
//     hold; a rule that fires again before that continues it.
//   - A page hushes the tickets of its objective, and an incident of a dependency
//     those of what depends on it: until a ticket's short look-back holds nothing
//     of the page any more. What still fires then is told.
//   - Only who was heard can hush: what is silenced, or tells nobody, hides
//     nothing else.
package alert
