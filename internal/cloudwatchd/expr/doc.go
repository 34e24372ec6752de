// Package expr parses and evaluates CloudWatch metric math.
//
// Every documented function is here but those that need a service of their own
// (ANOMALY_DETECTION_BAND, INSIGHT_RULE_METRIC, SERVICE_QUOTA, DB_PERF_INSIGHTS,
// LAMBDA), which are refused by name.
//
// Documented: a missing value counts as 0 in arithmetic, in comparisons and in
// AVG over an array; a division by zero drops the datapoint; IF drops it where
// the condition, or the value chosen for false, is missing, and gives 0 where
// the value chosen for true is missing.
//
// Assumed, since AWS does not say: where neither side has a value there is none;
// SUM, MIN, MAX, STDDEV over an array take the values that exist; STDDEV is of
// the population; DIFF, DIFF_TIME and RATE have no first value; FILL with REPEAT
// leaves what precedes the first value empty, and with LINEAR what precedes the
// first or follows the last; a result that is not a finite number is dropped;
// "^" groups to the right and binds tighter than the unary minus; series of
// different periods are joined by their timestamps.
package expr
