package dynamodbd_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/dynamodbd"
	"gitlab.com/nines-sre/nines/internal/dynamodbd/dynamodbtest"
)

// client talks to a service with the SDK, trying nothing twice.
func client(t testing.TB, endpoint string) *dynamodb.Client {
	t.Helper()
	via, _ := dynamodbtest.Client(t, nil)
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Retryer: aws.NopRetryer{}, HTTPClient: via,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
}

// twin is our service and another one with a table each.
type twin struct {
	t      testing.TB
	name   string
	sides  [2]*dynamodb.Client
	counts bool // the other one counts capacity by the published rules
	tx     bool // the other one has transactions, and returns rows whose condition failed
}

func newTwin(t testing.TB, endpoint string) *twin {
	t.Helper()
	srv := httptest.NewServer(dynamodbd.New(time.Now))
	t.Cleanup(srv.Close)
	tw := &twin{t: t, name: dynamodbtest.TableName(), sides: [2]*dynamodb.Client{client(t, srv.URL), client(t, endpoint)}}
	for _, c := range tw.sides {
		_, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: &tw.name, BillingMode: types.BillingModePayPerRequest,
			KeySchema: []types.KeySchemaElement{
				{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
			},
			AttributeDefinitions: []types.AttributeDefinition{
				{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
				{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		quick := func(o *dynamodb.TableExistsWaiterOptions) {
			o.MinDelay, o.MaxDelay = 10*time.Millisecond, 50*time.Millisecond
		}
		if err := dynamodb.NewTableExistsWaiter(c, quick).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &tw.name}, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	return tw
}

// outcome is what a request came to, in words that can be compared.
func outcome(units float64, items any, err error, back bool) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		var text strings.Builder
		text.WriteString(api.ErrorCode())
		if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok && back {
			text.WriteString(show(failed.Item))
		}
		if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
			for _, r := range canceled.CancellationReasons {
				text.WriteString(" " + aws.ToString(r.Code) + show(r.Item))
			}
		}
		return text.String()
	}
	if err != nil {
		return "not answered: " + err.Error()
	}
	return fmt.Sprintf("%g units %v", units, items)
}

func show(a map[string]types.AttributeValue) string {
	var b strings.Builder
	for _, name := range []string{"pk", "sk", "v", "x"} {
		switch v := a[name].(type) {
		case *types.AttributeValueMemberS:
			b.WriteString(" " + name + "=" + v.Value)
		case *types.AttributeValueMemberN:
			b.WriteString(" " + name + "=" + v.Value)
		}
	}
	if d, ok := a["d"].(*types.AttributeValueMemberB); ok {
		fmt.Fprintf(&b, " d:%d", len(d.Value))
	}
	return b.String()
}

func units(c *types.ConsumedCapacity) float64 {
	if c == nil {
		return 0
	}
	return aws.ToFloat64(c.CapacityUnits)
}

// step is one request, sent to both sides.
type step func(c *dynamodb.Client) string

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func drawKey(rt *rapid.T) map[string]types.AttributeValue {
	pk := rapid.SampledFrom([]string{"h/pack/000001", "ledger", "i"}).Draw(rt, "pk")
	return map[string]types.AttributeValue{"pk": text(pk), "sk": text(rapid.SampledFrom([]string{"a", "b", "c/1", "c/10", "d"}).Draw(rt, "sk"))}
}

// drawCondition is one of those this program sends.
func drawCondition(rt *rapid.T) (*string, map[string]types.AttributeValue) {
	n := func(v int) types.AttributeValue { return &types.AttributeValueMemberN{Value: fmt.Sprint(v)} }
	switch rapid.IntRange(0, 3).Draw(rt, "condition") {
	case 0:
		return nil, nil
	case 1:
		return aws.String("attribute_not_exists(pk)"), nil
	case 2:
		return aws.String("attribute_not_exists(pk) OR x <= :now"), map[string]types.AttributeValue{":now": n(50)}
	}
	return aws.String("v = :v"), map[string]types.AttributeValue{":v": n(rapid.IntRange(1, 3).Draw(rt, "v"))}
}

func drawItem(rt *rapid.T) map[string]types.AttributeValue {
	a := drawKey(rt)
	a["v"] = &types.AttributeValueMemberN{Value: fmt.Sprint(rapid.IntRange(1, 3).Draw(rt, "new v"))}
	a["d"] = &types.AttributeValueMemberB{Value: make([]byte, rapid.SampledFrom([]int{0, 1, 900, 990, 1000, 3000, 4050, 9000}).Draw(rt, "size")+rapid.IntRange(0, 40).Draw(rt, "more"))}
	if rapid.Bool().Draw(rt, "expires") {
		a["x"] = &types.AttributeValueMemberN{Value: fmt.Sprint(rapid.SampledFrom([]int64{1, 49, 50, 51, 1_790_000_000, -120}).Draw(rt, "x"))}
	}
	return a
}

func (tw *twin) draw(rt *rapid.T) step {
	ctx, total := tw.t.Context(), types.ReturnConsumedCapacityTotal
	kinds := []string{"put", "put", "put", "delete", "get", "batch", "query"}
	if tw.tx {
		kinds = append(kinds, "transact", "transact")
	}
	const old = types.ReturnValuesOnConditionCheckFailureAllOld
	switch rapid.SampledFrom(kinds).Draw(rt, "request") {
	case "put":
		item := drawItem(rt)
		cond, values := drawCondition(rt)
		return func(c *dynamodb.Client) string {
			out, err := c.PutItem(ctx, &dynamodb.PutItemInput{
				TableName: &tw.name, Item: item, ConditionExpression: cond, ExpressionAttributeValues: values,
				ReturnConsumedCapacity: total, ReturnValuesOnConditionCheckFailure: old,
			})
			return tw.say(func() (float64, any) { return units(out.ConsumedCapacity), "" }, err)
		}
	case "delete":
		key := drawKey(rt)
		cond, values := drawCondition(rt)
		return func(c *dynamodb.Client) string {
			out, err := c.DeleteItem(ctx, &dynamodb.DeleteItemInput{
				TableName: &tw.name, Key: key, ConditionExpression: cond, ExpressionAttributeValues: values,
				ReturnConsumedCapacity: total, ReturnValuesOnConditionCheckFailure: old,
			})
			return tw.say(func() (float64, any) { return units(out.ConsumedCapacity), "" }, err)
		}
	case "get":
		key, consistent := drawKey(rt), rapid.Bool().Draw(rt, "consistent")
		return func(c *dynamodb.Client) string {
			out, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: &tw.name, Key: key, ConsistentRead: &consistent, ReturnConsumedCapacity: total})
			return tw.say(func() (float64, any) { return units(out.ConsumedCapacity), show(out.Item) }, err)
		}
	case "batch":
		keys := rapid.SliceOfNDistinct(rapid.Custom(drawKey), 1, 8, func(k map[string]types.AttributeValue) string { return show(k) }).Draw(rt, "keys")
		return func(c *dynamodb.Client) string {
			out, err := c.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
				RequestItems:           map[string]types.KeysAndAttributes{tw.name: {Keys: keys, ConsistentRead: aws.Bool(true)}},
				ReturnConsumedCapacity: total,
			})
			return tw.say(func() (float64, any) {
				found := map[string]bool{}
				for _, a := range out.Responses[tw.name] {
					found[show(a)] = true
				}
				return units(&out.ConsumedCapacity[0]), found
			}, err)
		}
	case "transact":
		return tw.drawTransaction(rt)
	}
	return tw.drawQuery(rt)
}

func (tw *twin) drawTransaction(rt *rapid.T) step {
	items := rapid.SliceOfNDistinct(rapid.Custom(drawItem), 1, 4, func(a map[string]types.AttributeValue) string {
		return show(map[string]types.AttributeValue{"pk": a["pk"], "sk": a["sk"]})
	}).Draw(rt, "items")
	var writes []types.TransactWriteItem
	for _, item := range items {
		cond, values := drawCondition(rt)
		const old = types.ReturnValuesOnConditionCheckFailureAllOld
		if rapid.IntRange(0, 3).Draw(rt, "delete") == 0 {
			writes = append(writes, types.TransactWriteItem{Delete: &types.Delete{
				TableName: &tw.name, Key: map[string]types.AttributeValue{"pk": item["pk"], "sk": item["sk"]}, ConditionExpression: cond,
				ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: old,
			}})
			continue
		}
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{
			TableName: &tw.name, Item: item, ConditionExpression: cond, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: old,
		}})
	}
	return func(c *dynamodb.Client) string {
		_, err := c.TransactWriteItems(tw.t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		return tw.say(func() (float64, any) { return 0, "" }, err)
	}
}

func (tw *twin) drawQuery(rt *rapid.T) step {
	pk := drawKey(rt)["pk"]
	cond, values := "pk = :p", map[string]types.AttributeValue{":p": pk}
	switch rapid.IntRange(0, 3).Draw(rt, "bounds") {
	case 1:
		cond += " AND sk BETWEEN :f AND :t"
		values[":f"], values[":t"] = text("b"), text("c/10")
	case 2:
		cond += " AND sk >= :f"
		values[":f"] = text("c/1")
	case 3:
		cond += " AND sk < :t"
		values[":t"] = text("c/10")
	}
	forward := rapid.Bool().Draw(rt, "forward")
	var limit *int32
	if rapid.Bool().Draw(rt, "limited") {
		limit = aws.Int32(2)
	}
	return func(c *dynamodb.Client) string {
		var found []string
		sum, in := 0.0, &dynamodb.QueryInput{
			TableName: &tw.name, KeyConditionExpression: &cond, ExpressionAttributeValues: values, ConsistentRead: aws.Bool(true),
			ScanIndexForward: &forward, Limit: limit, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		}
		for {
			out, err := c.Query(tw.t.Context(), in)
			if err != nil {
				return tw.say(nil, err)
			}
			for _, a := range out.Items {
				found = append(found, show(a))
			}
			// What an empty page costs is not agreed upon: ours says one unit.
			if len(out.Items) > 0 {
				sum += units(out.ConsumedCapacity)
			}
			if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
				return tw.say(func() (float64, any) { return sum, found }, nil)
			}
		}
	}
}

func (tw *twin) say(answer func() (float64, any), err error) string {
	if err != nil {
		return outcome(0, nil, err, tw.tx)
	}
	n, items := answer()
	if !tw.counts {
		n = 0
	}
	return outcome(n, items, nil, tw.tx)
}

// foreign runs random requests against our service and another one.
func foreign(t *testing.T, env string, counts, tx bool) {
	endpoint := os.Getenv(env)
	if endpoint == "" {
		t.Skip(env + " names no service; tools/dynamodb.sh starts one")
	}
	rapid.Check(t, func(rt *rapid.T) {
		tw := newTwin(t, endpoint)
		tw.counts, tw.tx = counts, tx
		for range rapid.IntRange(5, 40).Draw(rt, "requests") {
			do := tw.draw(rt)
			if diff := cmp.Diff(do(tw.sides[0]), do(tw.sides[1])); diff != "" {
				rt.Fatalf("(-ours +theirs):\n%s", diff)
			}
		}
	})
}

// TestForeignCapacity holds what requests do and cost against dynalite, whose
// answers were compared with the service's. It has no transactions.
func TestForeignCapacity(t *testing.T) { foreign(t, "NINES_DYNALITE", true, false) }

// TestForeignTransactions holds what requests do, transactions among them,
// against moto. It does not count capacity.
func TestForeignTransactions(t *testing.T) { foreign(t, "NINES_MOTO", false, true) }
