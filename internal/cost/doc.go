// Package cost works out what measuring costs a month, and what it would cost
// otherwise. It is arithmetic over counted things and a dated price file; it
// asks nobody.
package cost
