package slo

// Decimal is an exact decimal number: unscaled / 10^scale. Documents write
// targets and thresholds as decimals, and they stay so: 99.95 % is 9995/10000.
// The zero value is 0.
type Decimal struct {
	unscaled int64
	scale    uint8
}
