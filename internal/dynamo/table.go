package dynamo

import (
	"context"
	"iter"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// The attributes of every row.
const (
	attrPK      = "pk"
	attrSK      = "sk"
	attrVersion = "v"
	attrWord    = "w"
	attrExpires = "x"
)

// Attrs are a row's attributes by name.
type Attrs = map[string]types.AttributeValue

// Key names a row.
type Key struct{ PK, SK string }

// Row is a row as it was read; Attrs are its own attributes.
type Row struct {
	Key
	Version int64
	Attrs   Attrs
}

// Table is an open table. It is safe for concurrent use, by several processes
// too.
type Table struct {
	api  *dynamodb.Client
	name string
	opt  Options
}

// Open connects to a table and makes sure that it is of this program's schema. A
// new table is marked as ours unless it is opened for reading only.
//
// Errors: NotFound (no such table), Invalid (of another program), Unsupported (of
// a newer version), Denied, Unavailable, Throttled.
func Open(ctx context.Context, name string, opt Options) (*Table, error) {
	t, err := Connect(ctx, name, opt)
	if err != nil {
		return nil, err
	}
	return t, t.prepare(ctx)
}

// Connect is Open without looking at the table.
func Connect(ctx context.Context, name string, opt Options) (*Table, error) {
	op := "open store dynamodb:" + name
	if opt.Attempts <= 0 {
		opt.Attempts = attempts
	}
	if opt.Schema == 0 {
		opt.Schema, opt.Migrations = schemaVersion, migrations()
	}
	api, err := connect(ctx, opt)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err, "check AWS_REGION, AWS_PROFILE and the files they name")
	}
	return &Table{api: api, name: name, opt: opt}, nil
}

// Name is the table's name.
func (t *Table) Name() string { return t.name }

// Keep is how long settled history is kept; 0: for good.
func (t *Table) Keep() time.Duration { return t.opt.Keep }

func (t *Table) meter(op string, c *types.ConsumedCapacity) {
	if t.opt.Meter != nil && c != nil && c.CapacityUnits != nil {
		t.opt.Meter(op, *c.CapacityUnits)
	}
}

// returned asks for the cost where somebody wants to know it.
func (t *Table) returned() types.ReturnConsumedCapacity {
	if t.opt.Meter == nil {
		return types.ReturnConsumedCapacityNone
	}
	return types.ReturnConsumedCapacityTotal
}

func (k Key) attrs() Attrs {
	return Attrs{attrPK: &types.AttributeValueMemberS{Value: k.PK}, attrSK: &types.AttributeValueMemberS{Value: k.SK}}
}

// row reads a row; ok is false for one that has expired.
func (t *Table) row(a Attrs) (r Row, ok bool) {
	r = Row{Key: Key{String(a, attrPK), String(a, attrSK)}, Version: Int(a, attrVersion), Attrs: a}
	expires := Int(a, attrExpires)
	return r, expires == 0 || t.opt.Now == nil || expires > t.opt.Now().Unix()
}

// String returns a text attribute, "" where there is none.
func String(a Attrs, name string) string {
	if s, ok := a[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// Int returns a number, 0 where there is none.
func Int(a Attrs, name string) int64 {
	if n, ok := a[name].(*types.AttributeValueMemberN); ok {
		if v, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return v
		}
	}
	return 0
}

// Bytes returns a binary attribute, nil where there is none.
func Bytes(a Attrs, name string) []byte {
	if b, ok := a[name].(*types.AttributeValueMemberB); ok {
		return b.Value
	}
	return nil
}

// Get reads one row, as of now.
func (t *Table) Get(ctx context.Context, op string, k Key) (Row, bool, error) {
	out, err := t.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.name, Key: k.attrs(), ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: t.returned(),
	})
	if err != nil {
		return Row{}, false, translate(ctx, op, err)
	}
	t.meter("GetItem", out.ConsumedCapacity)
	if len(out.Item) == 0 {
		return Row{}, false, nil
	}
	r, ok := t.row(out.Item)
	return r, ok, nil
}

const (
	// batchKeys is how many rows one request reads.
	batchKeys = 100
	// together is how many requests are on their way at once.
	together = 4
)

// Load reads the rows that exist among keys, as of now, in any order.
func (t *Table) Load(ctx context.Context, op string, keys []Key) ([]Row, error) {
	seen := make(map[Key]bool, len(keys))
	var batches [][]Attrs
	for _, k := range keys {
		if seen[k] {
			continue
		}
		seen[k] = true
		if n := len(batches); n == 0 || len(batches[n-1]) == batchKeys {
			batches = append(batches, nil)
		}
		batches[len(batches)-1] = append(batches[len(batches)-1], k.attrs())
	}
	rows, errs := make([][]Row, len(batches)), make([]error, len(batches))
	slots := make(chan struct{}, together)
	var wg sync.WaitGroup
	for i, b := range batches {
		slots <- struct{}{}
		wg.Go(func() {
			rows[i], errs[i] = t.batch(ctx, b)
			<-slots
		})
	}
	wg.Wait()
	out := make([]Row, 0, len(keys))
	for i := range batches {
		if errs[i] != nil {
			return nil, translate(ctx, op, errs[i])
		}
		out = append(out, rows[i]...)
	}
	return out, translate(ctx, op, ctx.Err())
}

// batch reads up to batchKeys rows, asking again for what was left out.
func (t *Table) batch(ctx context.Context, keys []Attrs) ([]Row, error) {
	var out []Row
	for attempt := 0; len(keys) > 0; attempt++ {
		if err := t.pause(ctx, attempt); err != nil {
			return nil, err
		}
		resp, err := t.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems:           map[string]types.KeysAndAttributes{t.name: {Keys: keys, ConsistentRead: aws.Bool(true)}},
			ReturnConsumedCapacity: t.returned(),
		})
		if err != nil {
			return nil, err
		}
		for i := range resp.ConsumedCapacity {
			t.meter("BatchGetItem", &resp.ConsumedCapacity[i])
		}
		for _, a := range resp.Responses[t.name] {
			if r, ok := t.row(a); ok {
				out = append(out, r)
			}
		}
		left := resp.UnprocessedKeys[t.name].Keys
		if len(left) < len(keys) {
			attempt = 0 // it gets on
		} else if attempt >= t.opt.Attempts {
			return nil, fault.New(fault.Throttled, "read "+t.name, "the service kept leaving rows out", hintSlow)
		}
		keys = left
	}
	return out, nil
}

// Query selects rows of one partition by their sort key, ascending or newest
// first: From <= SK < To, where "" is no bound.
type Query struct {
	PK       string
	From, To string
	Newest   bool
	Limit    int // rows a page; 0: as many as fit
}

// Query yields rows page by page, as of when each page is read.
func (t *Table) Query(ctx context.Context, op string, q Query) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if q.From != "" && q.To != "" && q.From >= q.To {
			if err := ctx.Err(); err != nil {
				yield(Row{}, translate(ctx, op, err))
			}
			return
		}
		in := t.queryInput(q)
		for {
			out, err := t.api.Query(ctx, in)
			if err != nil {
				yield(Row{}, translate(ctx, op, err))
				return
			}
			t.meter("Query", out.ConsumedCapacity)
			if !t.page(out.Items, q, yield) || len(out.LastEvaluatedKey) == 0 {
				return
			}
			in.ExclusiveStartKey = out.LastEvaluatedKey
		}
	}
}

// page yields a page's rows, and says whether more are wanted.
func (t *Table) page(items []Attrs, q Query, yield func(Row, error) bool) bool {
	for _, a := range items {
		// BETWEEN takes in its upper bound; our ranges do not.
		if r, ok := t.row(a); ok && (q.To == "" || r.SK != q.To) && !yield(r, nil) {
			return false
		}
	}
	return true
}

func (t *Table) queryInput(q Query) *dynamodb.QueryInput {
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	cond, values := "pk = :p", Attrs{":p": text(q.PK)}
	switch {
	case q.From != "" && q.To != "":
		cond += " AND sk BETWEEN :f AND :t"
		values[":f"], values[":t"] = text(q.From), text(q.To)
	case q.From != "":
		cond += " AND sk >= :f"
		values[":f"] = text(q.From)
	case q.To != "":
		cond += " AND sk < :t"
		values[":t"] = text(q.To)
	}
	in := &dynamodb.QueryInput{
		TableName: &t.name, KeyConditionExpression: &cond, ExpressionAttributeValues: values, ConsistentRead: aws.Bool(true),
		ScanIndexForward: aws.Bool(!q.Newest), ReturnConsumedCapacity: t.returned(),
	}
	if q.Limit > 0 {
		in.Limit = aws.Int32(int32(min(q.Limit, 1000)))
	}
	return in
}
