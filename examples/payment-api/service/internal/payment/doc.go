// Package payment takes card payments: it validates what is asked, lets the card
// network decide, and answers a repeated question as it did the first time. It
// knows no HTTP, no Lambda and no clock of its own; what is around it gives it
// those.
package payment
