// Package dynamo opens the one DynamoDB table that history and ledger share, and
// translates what can go wrong with it into kinds of failure with a remedy.
//
// It belongs to the adapters, as sqlitedb does: the DynamoDB adapters of timeline
// and ledger hold a [Table] each time they read or write, and know nothing of each
// other.
//
// A row has a partition key pk and a sort key sk, and these attributes besides
// its own:
//
//	v   how often it was written; a writer names the version it has read
//	w   a word of the write that made it, drawn by chance: a writer whose answer
//	    was lost finds its own word and knows that it was heard
//	x   when it expires, in seconds since 1970; absent for what is kept for good
//
// A row whose time has come reads as absent from that second on, whenever the
// service gets to removing it.
package dynamo
