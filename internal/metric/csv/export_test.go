package csv

// ParseAmount is what the tests compare with rational arithmetic.
var ParseAmount = parseAmount
