package dynamodbd_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gitlab.com/nines-sre/nines/internal/dynamodbd"
)

// local is our service with a table "t", at a time that can be set.
func local(t *testing.T) (*dynamodb.Client, *dynamodbd.Server, *time.Time) {
	t.Helper()
	now := time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC)
	server := dynamodbd.New(func() time.Time { return now })
	srv := httptest.NewServer(server)
	t.Cleanup(srv.Close)
	c := client(t, srv.URL)
	_, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("t"), DeletionProtectionEnabled: aws.Bool(true),
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
	return c, server, &now
}

func sized(pk, sk string, bytes int) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text(pk), "sk": text(sk), "d": &types.AttributeValueMemberB{Value: make([]byte, bytes)}}
}

// TestRefusals sends what the service does not take.
func TestRefusals(t *testing.T) {
	c, _, _ := local(t)
	put := func(item map[string]types.AttributeValue, condition string, values map[string]types.AttributeValue) func() error {
		return func() error {
			in := &dynamodb.PutItemInput{TableName: aws.String("t"), Item: item, ExpressionAttributeValues: values}
			if condition != "" {
				in.ConditionExpression = &condition
			}
			_, err := c.PutItem(t.Context(), in)
			return err
		}
	}
	many := make([]types.TransactWriteItem, 101)
	for i := range many {
		many[i].Put = &types.Put{TableName: aws.String("t"), Item: sized("p", fmt.Sprint(i), 1)}
	}
	transact := func(items []types.TransactWriteItem) func() error {
		return func() error {
			_, err := c.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: items})
			return err
		}
	}
	fat := make([]types.TransactWriteItem, 11)
	for i := range fat {
		fat[i].Put = &types.Put{TableName: aws.String("t"), Item: sized("p", fmt.Sprint(i), 399<<10)}
	}
	one := map[string]types.AttributeValue{":v": &types.AttributeValueMemberN{Value: "1"}}
	for name, c := range map[string]struct {
		do   func() error
		want string
	}{
		"an item too large":       {put(sized("p", "s", 400<<10), "", nil), "Item size has exceeded"},
		"an empty key":            {put(sized("", "s", 1), "", nil), "empty string value"},
		"no sort key":             {put(map[string]types.AttributeValue{"pk": text("p")}, "", nil), "does not match the schema"},
		"a long sort key":         {put(sized("p", strings.Repeat("s", 1025), 1), "", nil), "exceeded the size limit"},
		"a reserved word":         {put(sized("p", "s", 1), "ttl = :v", one), "reserved keyword"},
		"a value that is unused":  {put(sized("p", "s", 1), "attribute_exists(pk)", one), "unused"},
		"a value that is missing": {put(sized("p", "s", 1), "v = :w", one), "not defined"},
		"half a condition":        {put(sized("p", "s", 1), "v =", one), "Syntax error"},
		"words behind it":         {put(sized("p", "s", 1), "v = :v v", one), "Syntax error"},
		"101 rows":                {transact(many), "between 1 and 100"},
		"4 MB":                    {transact(fat), "4 MB"},
		"one row twice":           {transact([]types.TransactWriteItem{many[0], many[0]}), "multiple operations"},
		"a protected table": {func() error {
			_, err := c.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("t")})
			return err
		}, "protected"},
		"another table": {func() error {
			_, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("u"), Key: map[string]types.AttributeValue{"pk": text("p"), "sk": text("s")}})
			return err
		}, "ResourceNotFoundException"},
	} {
		if err := c.do(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestTokens repeats a transaction: within ten minutes it is done once, with
// another content it is refused, and later it is tried anew.
func TestTokens(t *testing.T) {
	c, server, now := local(t)
	send := func(bytes int) error {
		_, err := c.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
			ClientRequestToken: aws.String("once"),
			TransactItems: []types.TransactWriteItem{{Put: &types.Put{
				TableName: aws.String("t"), Item: sized("p", "s", bytes), ConditionExpression: aws.String("attribute_not_exists(pk)"),
			}}},
		})
		return err
	}
	if err := send(10); err != nil {
		t.Fatal(err)
	}
	if got := server.Spent(); got.Writes != 2 {
		t.Errorf("a row in a transaction took %g units", got.Writes)
	}
	*now = now.Add(9 * time.Minute)
	if err := send(10); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := send(11); err == nil || !strings.Contains(err.Error(), "IdempotentParameterMismatch") {
		t.Errorf("another one with its token: %v", err)
	}
	*now = now.Add(2 * time.Minute)
	if err := send(10); err == nil || !strings.Contains(err.Error(), "TransactionCanceled") {
		t.Errorf("after ten minutes: %v", err)
	}
}

// TestPages reads more than a page and a batch hold.
func TestPages(t *testing.T) {
	c, _, _ := local(t)
	var keys []map[string]types.AttributeValue
	for i := range 60 {
		item := sized("p", fmt.Sprintf("%03d", i), 300<<10)
		if _, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("t"), Item: item}); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, map[string]types.AttributeValue{"pk": item["pk"], "sk": item["sk"]})
	}
	pages, rows := 0, 0
	p := dynamodb.NewQueryPaginator(c, &dynamodb.QueryInput{
		TableName: aws.String("t"), KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: map[string]types.AttributeValue{":p": text("p")},
	})
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pages, rows = pages+1, rows+len(out.Items)
	}
	if rows != 60 || pages < 15 {
		t.Errorf("%d rows on %d pages", rows, pages)
	}
	out, err := c.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"t": {Keys: keys}}})
	if err != nil {
		t.Fatal(err)
	}
	if got, left := len(out.Responses["t"]), len(out.UnprocessedKeys["t"].Keys); got+left != 60 || left == 0 {
		t.Errorf("a batch of 18 MB answered %d and left %d", got, left)
	}
}
