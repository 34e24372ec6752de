package dynamo

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Change is one row to be written.
type Change struct {
	Key
	// Version is what was read; 0: the row must not exist.
	Version int64
	// Attrs are the row's own attributes; nil deletes it.
	Attrs Attrs
	// Expires is when the row is no longer wanted, in seconds since 1970; 0: never.
	Expires int64
}

const (
	// MaxItemBytes is what a row may hold, its attributes' names included.
	MaxItemBytes = 400 << 10
	// MaxChanges is how many rows one Write takes.
	MaxChanges = 100
	maxBytes   = 4 << 20
	wordLen    = 9
)

// Write writes rows, all or none. If one of them moved since it was read, nothing
// is written and the error is of kind Conflict. A write whose answer was lost is
// recognised as our own by its word.
func (t *Table) Write(ctx context.Context, op string, changes []Change) error {
	if err := t.check(ctx, op, changes); err != nil || len(changes) == 0 {
		return err
	}
	word := make([]byte, wordLen)
	if _, err := rand.Read(word); err != nil {
		return fault.Wrap(fault.Internal, op, err, "")
	}
	for attempt := 0; ; attempt++ {
		if err := t.pause(ctx, attempt); err != nil {
			return translate(ctx, op, err)
		}
		var err error
		if len(changes) == 1 && changes[0].Attrs != nil {
			err = t.put(ctx, &changes[0], word)
		} else {
			err = t.transact(ctx, changes, word)
		}
		if attempt < t.opt.Attempts && passing(err) {
			continue
		}
		return translate(ctx, op, err)
	}
}

// check refuses what the service would.
func (t *Table) check(ctx context.Context, op string, changes []Change) error {
	if t.opt.ReadOnly && len(changes) > 0 {
		return fault.New(fault.Denied, op, "the store was opened for reading only", "")
	}
	size := 0
	for i := range changes {
		n := changes[i].size()
		if n > MaxItemBytes {
			return fault.New(fault.Full, op, fmt.Sprintf("%s/%s has %d bytes", changes[i].PK, changes[i].SK, n), hintLarge)
		}
		size += n
	}
	if len(changes) > MaxChanges || size > maxBytes {
		return fault.New(fault.Full, op, fmt.Sprintf("%d rows of %d bytes were to be written together", len(changes), size), hintLarge)
	}
	return translate(ctx, op, ctx.Err())
}

// size is what the service counts of a row, rounded up a little: numbers take no
// more than their digits.
func (c *Change) size() int {
	if c.Attrs == nil {
		return 0
	}
	n := len(attrPK) + len(c.PK) + len(attrSK) + len(c.SK) + len(attrVersion) + 12 + len(attrWord) + wordLen
	if c.Expires != 0 {
		n += len(attrExpires) + 8
	}
	for name, v := range c.Attrs {
		n += len(name)
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			n += len(v.Value)
		case *types.AttributeValueMemberB:
			n += len(v.Value)
		case *types.AttributeValueMemberN:
			n += len(v.Value)
		}
	}
	return n
}

// row is the row as it is stored.
func (c *Change) row(word []byte) Attrs {
	a := maps.Clone(c.Attrs)
	maps.Copy(a, c.attrs())
	a[attrVersion] = number(c.Version + 1)
	a[attrWord] = &types.AttributeValueMemberB{Value: word}
	if c.Expires != 0 {
		a[attrExpires] = number(c.Expires)
	}
	return a
}

func number(n int64) *types.AttributeValueMemberN {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// condition says that a row is as it was read. One that has expired counts as
// absent.
func (t *Table) condition(c *Change) (*string, Attrs) {
	cond, values := "attribute_not_exists(pk)", Attrs(nil)
	switch {
	case c.Version != 0:
		cond, values = "v = :v", Attrs{":v": number(c.Version)}
	case t.opt.Now != nil:
		cond, values = "attribute_not_exists(pk) OR x <= :now", Attrs{":now": number(t.opt.Now().Unix())}
	}
	return &cond, values
}

// put writes one row; that costs half of what a transaction does.
func (t *Table) put(ctx context.Context, c *Change, word []byte) error {
	cond, values := t.condition(c)
	out, err := t.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &t.name, Item: c.row(word), ConditionExpression: cond, ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld, ReturnConsumedCapacity: t.returned(),
	})
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok && bytes.Equal(Bytes(failed.Item, attrWord), word) {
		return nil
	}
	if err == nil {
		t.meter("PutItem", out.ConsumedCapacity)
	}
	return err
}

func (t *Table) transact(ctx context.Context, changes []Change, word []byte) error {
	items := make([]types.TransactWriteItem, len(changes))
	for i := range changes {
		c := &changes[i]
		cond, values := t.condition(c)
		const back = types.ReturnValuesOnConditionCheckFailureAllOld
		if c.Attrs == nil {
			items[i].Delete = &types.Delete{
				TableName: &t.name, Key: c.attrs(), ConditionExpression: cond, ExpressionAttributeValues: values,
				ReturnValuesOnConditionCheckFailure: back,
			}
			continue
		}
		items[i].Put = &types.Put{
			TableName: &t.name, Item: c.row(word), ConditionExpression: cond, ExpressionAttributeValues: values,
			ReturnValuesOnConditionCheckFailure: back,
		}
	}
	// The service does a transaction with a token it knows only once.
	id := hex.EncodeToString(word)
	out, err := t.api.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: items, ClientRequestToken: &id, ReturnConsumedCapacity: t.returned(),
	})
	if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for _, r := range canceled.CancellationReasons {
			if bytes.Equal(Bytes(r.Item, attrWord), word) {
				return nil // all or none: one row of ours says that all were written
			}
		}
	}
	if err == nil {
		for i := range out.ConsumedCapacity {
			t.meter("TransactWriteItems", &out.ConsumedCapacity[i])
		}
	}
	return err
}

// passing says whether a write failed only because another one was just being
// done, or because of the pace: the SDK does not try those again by itself.
func passing(err error) bool {
	if _, ok := errors.AsType[*types.TransactionConflictException](err); ok {
		return true
	}
	if _, ok := errors.AsType[*types.TransactionInProgressException](err); ok {
		return true
	}
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return false
	}
	again := false
	for _, r := range canceled.CancellationReasons {
		switch value(r.Code) {
		case "ConditionalCheckFailed", "ValidationError", "ItemCollectionSizeLimitExceeded":
			return false
		case "TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError":
			again = true
		}
	}
	return again
}

// pause waits before another attempt: the first comes at once, later ones after
// up to twice as long each.
func (t *Table) pause(ctx context.Context, attempt int) error {
	if attempt == 0 {
		return ctx.Err()
	}
	wait := mathrand.N(min(5*time.Second, 10*time.Millisecond<<min(attempt, 10))) //nolint:gosec // jitter is no secret
	if t.opt.Backoff != nil {
		d, err := t.opt.Backoff.BackoffDelay(attempt, nil)
		if err != nil {
			return err
		}
		wait = d
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}
