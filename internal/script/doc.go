// Package script runs tests of objectives: samples are loaded, and at an instant
// budget, burn rates, alerts and gates are expected, as in
//
//	objective payment-api/availability 99.9% over 30d
//	load payment-api/availability
//	  total 1000x43199 1000
//	  bad   0x43199    1000
//	at 30d1m
//	  remaining = 97.69%
//	  burn 1h > 14.4
//	  told page 1
//	  gate fail
//
// What is expected is asked of the same packages that answer live: slo, alert
// (through backtest) and gate. The language is described in
// doc/reference/test-scripts.md.
package script
