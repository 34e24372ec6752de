// Package emf reads the embedded metric format: JSON log lines whose member
// _aws says which other members are metrics and which are dimensions.
//
// A line without _aws, JSON or not, is an ordinary log line and is none of our
// business. A metric that cannot be read is left out with its reason; what else
// the line holds is kept, as CloudWatch Logs does.
//
// Beyond the specification a metric may be an object with Values and Counts, or
// with Min, Max, Sum and Count: the CloudWatch agent writes these.
package emf
