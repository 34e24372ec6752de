// Package fault names what can go wrong, once, for every port and host.
//
// An [Error] carries the operation, a [Kind], the cause and a hint: what to do
// about it. Each kind has one row in one table: exit code, HTTP status, and
// whether trying again can help. Adapters translate foreign errors into kinds
// at their edge; shells and hosts only ever look at kinds.
//
// Problems in documents are a different thing: there are many at once and each
// has a place. They are [Problem] values, collected in [Problems].
package fault
