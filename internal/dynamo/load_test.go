package dynamo_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gitlab.com/nines-sre/nines/internal/dynamo"
)

// TestLoadLarge reads more than one answer holds: what the service leaves out is
// asked for again, by key and by range.
func TestLoadLarge(t *testing.T) {
	open := table(t)
	tb, err := open(0, false)
	if err != nil {
		t.Fatal(err)
	}
	var keys []dynamo.Key
	for i := range 60 {
		k := row(fmt.Sprintf("%03d", i))
		keys = append(keys, k)
		err := tb.Write(t.Context(), "write", []dynamo.Change{{Key: k, Attrs: dynamo.Attrs{"d": &types.AttributeValueMemberB{Value: make([]byte, 300<<10)}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	rows, err := tb.Load(t.Context(), "read", append(keys, row("nothing"), keys[0]))
	if err != nil || len(rows) != len(keys) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	n := 0
	for r, err := range tb.Query(t.Context(), "read", dynamo.Query{PK: "p", From: "010", To: "050", Newest: true}) {
		if err != nil || len(dynamo.Bytes(r.Attrs, "d")) != 300<<10 || r.SK != fmt.Sprintf("%03d", 49-n) {
			t.Fatalf("row %d is %s, %v", n, r.SK, err)
		}
		n++
	}
	if n != 40 {
		t.Errorf("a range has %d rows, want 40", n)
	}
}
