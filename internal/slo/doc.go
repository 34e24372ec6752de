// Package slo is the arithmetic of service level objectives: windows, budgets,
// burn rates, exhaustion, alert conditions. It only computes. Measurements come
// in through a [View]; targets are exact decimals; sums are sums of events.
package slo
