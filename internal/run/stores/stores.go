// Package stores is the shell around whole stores: what one holds, summed up, and
// copies of one into another.
package stores

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// Side is one store: its history and its ledger.
type Side struct {
	Timeline timeline.Store
	Ledger   ledger.Ledger
}

// Content sums up a store. Two stores with the same Digest say the same.
type Content struct {
	Digest     string `json:"digest"` // SHA-256 over the two below, hex
	History    string `json:"history_digest"`
	Ledger     string `json:"ledger_digest"` // digest of the newest entry, which covers all before; "" for none
	Indicators int    `json:"indicators"`
	Minutes    int64  `json:"minutes"`
	Entries    int64  `json:"entries"`
}

// Digest reads everything a store holds, and checks the ledger's chain on the way.
func Digest(ctx context.Context, s Side) (Content, error) {
	h, err := timeline.DigestOf(ctx, s.Timeline)
	if err != nil {
		return Content{}, err
	}
	c := Content{History: h.Digest, Indicators: h.Indicators, Minutes: h.Minutes}
	err = ledger.Verify(func(yield func(ledger.Entry, error) bool) {
		for e, err := range s.Ledger.Scan(ctx, ledger.Query{}) {
			if err == nil {
				c.Entries, c.Ledger = e.Seq, e.Digest
			}
			if !yield(e, err) {
				return
			}
		}
	})
	sum := sha256.Sum256([]byte(c.History + "\n" + c.Ledger + "\n"))
	c.Digest = hex.EncodeToString(sum[:])
	return c, err
}

// Copied says what a copy did.
type Copied struct {
	Items        int     `json:"items"`         // items of history written
	ItemsThere   int     `json:"items_there"`   // items that were there already
	Entries      int     `json:"entries_added"` // entries of the ledger written
	EntriesThere int     `json:"entries_there"` // entries that were there already
	Content      Content `json:"content"`       // what both hold now
}

// Copy copies history and ledger, and compares the digests of both stores when it
// is done. What is there already is left alone, so a copy that was cut off can be
// repeated; what differs is never overwritten: Conflict.
func Copy(ctx context.Context, from, to Side, progress func(done, all int)) (Copied, error) {
	var out Copied
	before, err := Digest(ctx, from)
	if err != nil {
		return out, err
	}
	// The ledger first: it refuses another store's before any history is written.
	if err := copyLedger(ctx, from.Ledger, to.Ledger, &out); err != nil {
		return out, err
	}
	h, err := timeline.Copy(ctx, from.Timeline, to.Timeline, progress)
	out.Items, out.ItemsThere = h.Items, h.Already
	if err != nil {
		return out, err
	}
	if out.Content, err = Digest(ctx, to); err != nil {
		return out, err
	}
	if out.Content == before {
		return out, nil
	}
	after, err := Digest(ctx, from)
	if err != nil {
		return out, err
	}
	if after != before {
		return out, fault.New(fault.Conflict, "copy store", "somebody recorded into it meanwhile",
			"copy again, into an empty store, while nobody measures")
	}
	return out, fault.New(fault.Corrupt, "copy store", fmt.Sprintf("the copy's digest is %s, the original's %s", out.Content.Digest, before.Digest),
		"do not use the copy; nothing of the original was changed")
}

// copyLedger appends the entries that the other ledger lacks. Entries follow from
// their drafts and the one before, so they come out the same.
func copyLedger(ctx context.Context, from, to ledger.Ledger, out *Copied) error {
	next, stop := iter.Pull2(to.Scan(ctx, ledger.Query{}))
	defer stop()
	for e, err := range from.Scan(ctx, ledger.Query{}) {
		if err != nil {
			return err
		}
		have, err, ok := next()
		if ok && err != nil {
			return err
		}
		if !ok {
			stop()
			if have, err = to.Append(ctx, draftOf(&e)); err != nil {
				return err
			}
			out.Entries++
		} else {
			out.EntriesThere++
		}
		if have.Digest != e.Digest {
			return otherLedger(e.Seq)
		}
	}
	if have, err, ok := next(); ok {
		if err != nil {
			return err
		}
		return otherLedger(have.Seq)
	}
	return nil
}

func draftOf(e *ledger.Entry) ledger.Draft {
	return ledger.Draft{At: e.At, Kind: e.Kind, Subject: e.Subject, Actor: e.Actor, Body: e.Body, Key: e.Key}
}

func otherLedger(seq int64) error {
	return fault.New(fault.Conflict, fmt.Sprintf("copy ledger, entry %d", seq), "the other store holds another ledger",
		"copy into an empty store, or one that an earlier copy began")
}
