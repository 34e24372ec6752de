package slo

import "iter"

// View is the measured history of one indicator (or of one objective's time
// slices) as arithmetic sees it. Implementations answer from memory; whatever
// reading was needed has been done.
type View interface {
	// Sum adds up a span. A view opened for a span answers for it, for every
	// whole UTC day inside it, and for what lies before the first and behind the
	// last whole day.
	Sum(Span) Stretch
	// Points yields the measured steps of a span in ascending order: the step's
	// first minute and its count. Steps are one minute wide, or one slice.
	Points(Span) iter.Seq2[Minute, Count]
	// Loaded says whether Points can answer for the whole span.
	Loaded(Span) bool
	// Birth is the first expected minute; ok is false when nothing was ever
	// measured.
	Birth() (m Minute, ok bool)
	// Frontier is the end of the newest usable minute.
	Frontier() Minute
}
