// Package analyze answers, without any document, which objective recorded data
// could have kept: per day, per week and as a whole, and what one might start
// with. It only computes; reading files and printing is done by the verb.
//
// Counts become a [Report] by [Counts]. Values (a latency, a queue's length)
// are judged against a bound first: [Values] tries round ones.
package analyze
