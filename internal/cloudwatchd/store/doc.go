// Package store keeps metric data: per account, region, metric and unit the
// samples of every second or minute, in memory and, where a path is given, in
// one SQLite file that survives restarts.
//
// Data are kept as published, values with their counts; statistics are computed
// when asked. A series is cut into chunks of four hours. The two chunks written
// last stay open; the others are packed: three to four bytes for a minute whose
// samples are one value, so that tens of millions of minutes fit into memory.
package store
