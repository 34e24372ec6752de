// Package discover turns the names of metrics into services that could be
// measured, by the presets' table: it knows how a service is called in short
// ("lambda/payment-api"), which of its metrics are there, and how a first
// document for it is written. It asks nobody.
package discover
