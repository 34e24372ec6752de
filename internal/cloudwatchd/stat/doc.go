// Package stat computes CloudWatch's statistics: SampleCount, Sum, Average,
// Minimum, Maximum, percentiles (p99.9), trimmed mean, count and sum (TM, TC,
// TS, tm99), winsorized mean (WM), percentile rank (PR) and interquartile mean
// (IQM), over raw samples, value and count arrays, and statistic sets.
//
// What AWS documents, and what is done here:
//
//   - Of two fixed bounds the lower is exclusive and the upper inclusive; a
//     missing bound does not bound. Written for TM, TC, TS and WM; PR(:300)
//     is documented as "300 or less", and its lower bound is assumed to be
//     exclusive like the others'.
//   - "p99 is the maximum value of the remaining 99 %": the nearest rank, so a
//     percentile is always one of the samples. AWS may interpolate inside
//     histogram buckets when there are very many values; that is not imitated.
//   - tm99 removes the highest 1 % of the samples, TM(2%:98%) also the lowest
//     2 %. When a share is not a whole number of samples, the number removed is
//     rounded down at both ends (assumed).
//   - A winsorized mean with percentages sets the values outside to the nearest
//     value kept (assumed); with fixed bounds to the bound itself.
//   - The percentile family needs raw values: statistic sets serve only where
//     minimum and maximum are equal. It is not available where any value is
//     negative. One such datum makes its whole period unavailable (assumed).
//   - Where a range holds no sample, counts, sums and ranks are 0 and means
//     are absent (assumed).
package stat
