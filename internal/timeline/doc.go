// Package timeline keeps the measured history: per indicator and minute a
// count, or the knowledge that nothing is known.
//
// A [History] applies the rules of writing (who may replace what, and when) and
// the layout (packed chunks with running sums) over a [Store], which only keeps
// versioned items. An adapter is a Store and nothing more.
//
// # Layout
//
// Indicators lie in packs of Caps.PackSize, in the order in which they were
// first recorded; the pages of part "registry" list them. A pack is a part of
// its own with these items:
//
//	tail           every minute from the tail's start on, births, the newest answered stretches
//	meta           names, lineages, resets, older answered stretches
//	d/2006-01      of a month: the totals of each UTC day, and which chunks the day has
//	c/0028971360   the minutes of one chunk, by its first minute, and the sums from midnight up to it
//
// A minute lies in the tail or in a chunk, never in both. The tail begins at
// the start of the chunk that holds the oldest unsettled minute, or later if it
// would hold too many chunks; when it moves on, the chunks behind it settle.
// Late minutes are merged into their chunk, and change the running sums behind
// it up to midnight, and that day's total: nothing else.
//
// So the sum of a span is: the months it touches (whole days), one chunk at its
// beginning, and the tail, or one more chunk, at its end. Look-backs and
// exclusions add a chunk for each end that lies elsewhere.
//
// All that changes in a pack for one UTC day is saved together. Whoever changes
// chunks or months counts up the tail's generation and stamps them with it; a
// reader that meets a stamp newer than the tail it has read begins that pack
// again. That makes a pack's items a snapshot, even where a store reads them
// one by one.
//
// Items begin with a version byte and end with a CRC-32C over their name and
// content. Numbers are varints: totals as differences from minute to minute,
// bad events only where there are some, in whole events where all are whole.
// Under steady traffic a minute of an indicator takes less than two bytes.
package timeline
