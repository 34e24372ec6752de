// Package timeline keeps the measured history: per indicator and minute a
// count, or the knowledge that nothing is known.
//
// A [History] applies the rules of writing (who may replace what, and when) and
// the layout (packed chunks with running sums) over a [Store], which only keeps
// versioned items. An adapter is a Store and nothing more.
package timeline
