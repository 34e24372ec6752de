package dynamo_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gitlab.com/nines-sre/nines/internal/dynamo"
	"gitlab.com/nines-sre/nines/internal/dynamodbd/dynamodbtest"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// table returns a table's name and how to open it as a program of a schema
// version would, with the migrations that one knows.
func table(t *testing.T) (open func(schema int, readOnly bool, migrations ...dynamo.Migration) (*dynamo.Table, error)) {
	t.Helper()
	service := dynamodbtest.Start(t, time.Now)
	via, _ := dynamodbtest.Client(t, nil)
	name := dynamodbtest.TableName()
	opt := dynamo.Options{Endpoint: service.Endpoint, Client: via, Now: time.Now}
	made, err := dynamo.Connect(t.Context(), name, opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := made.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Remove(context.WithoutCancel(t.Context())) })
	return func(schema int, readOnly bool, migrations ...dynamo.Migration) (*dynamo.Table, error) {
		o := opt
		o.Schema, o.Migrations, o.ReadOnly = schema, migrations, readOnly
		return dynamo.Open(t.Context(), name, o)
	}
}

func wantKind(t *testing.T, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("got %v, want an error of kind %s", err, kind)
	}
	for _, w := range words {
		if text := err.Error() + fault.HintOf(err); !strings.Contains(text, w) {
			t.Errorf("no %q in %s", w, text)
		}
	}
}

func row(k string) dynamo.Key { return dynamo.Key{PK: "p", SK: k} }

func put(t *testing.T, tb *dynamo.Table, k, v string) {
	t.Helper()
	err := tb.Write(t.Context(), "test", []dynamo.Change{{Key: row(k), Attrs: dynamo.Attrs{"d": &types.AttributeValueMemberS{Value: v}}}})
	if err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, tb *dynamo.Table, k string) string {
	t.Helper()
	r, _, err := tb.Get(t.Context(), "test", row(k))
	if err != nil {
		t.Fatal(err)
	}
	return dynamo.String(r.Attrs, "d")
}

// TestSchemas opens a table of this version with older and newer programs: each
// refuses what it does not know, a newer one brings it up to its own, and no row
// is lost on the way.
func TestSchemas(t *testing.T) {
	open := table(t)
	now, err := open(0, false)
	if err != nil {
		t.Fatal(err)
	}
	put(t, now, "a", "written by version 1")
	// Two more versions; the second fails once half way.
	failing := true
	second := func(ctx context.Context, tb *dynamo.Table) error {
		return tb.Write(ctx, "migrate", []dynamo.Change{{Key: row("b"), Attrs: dynamo.Attrs{"d": &types.AttributeValueMemberS{Value: "two"}}}})
	}
	third := func(context.Context, *dynamo.Table) error {
		if failing {
			return fault.New(fault.Unavailable, "migrate", "cut off", "")
		}
		return nil
	}
	_, err = open(3, true, second, third)
	wantKind(t, err, fault.Unsupported, "schema version 1", "read-only")
	_, err = open(3, false)
	wantKind(t, err, fault.Unsupported, "no way from schema version 1 to 3")
	_, err = open(3, false, second, third)
	wantKind(t, err, fault.Unavailable)
	_, err = open(0, false)
	wantKind(t, err, fault.Unsupported, "schema version 2", "knows 1", "newer")
	_, err = open(0, true)
	wantKind(t, err, fault.Unsupported, "schema version 2")
	failing = false
	newer, err := open(3, false, second, third)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := newer.Schema(t.Context()); v != 3 || err != nil {
		t.Errorf("schema %d, %v", v, err)
	}
	if a, b := get(t, newer, "a"), get(t, newer, "b"); a != "written by version 1" || b != "two" {
		t.Errorf("rows %q and %q", a, b)
	}
}

// TestMigratedOnce lets several programs bring one table up to a new version.
func TestMigratedOnce(t *testing.T) {
	open := table(t)
	step := func(context.Context, *dynamo.Table) error { return nil }
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := open(2, false, step); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	now, err := open(2, true)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := now.Schema(t.Context()); v != 2 || err != nil {
		t.Errorf("schema %d, %v", v, err)
	}
}

func TestRefused(t *testing.T) {
	service := dynamodbtest.Start(t, time.Now)
	via, _ := dynamodbtest.Client(t, nil)
	opt := dynamo.Options{Endpoint: service.Endpoint, Client: via, Now: time.Now}
	_, err := dynamo.Open(t.Context(), dynamodbtest.TableName(), opt)
	wantKind(t, err, fault.NotFound, "nines store create")
	opt.Endpoint, opt.Attempts = "http://127.0.0.1:1", 1
	_, err = dynamo.Open(t.Context(), "nines", opt)
	wantKind(t, err, fault.Unavailable, "refused")

	open := table(t)
	reader, err := open(0, true)
	if err != nil {
		t.Fatal(err)
	}
	err = reader.Write(t.Context(), "write", []dynamo.Change{{Key: row("a"), Attrs: dynamo.Attrs{}}})
	wantKind(t, err, fault.Denied, "reading only")
	writer, err := open(0, false)
	if err != nil {
		t.Fatal(err)
	}
	large := dynamo.Attrs{"d": &types.AttributeValueMemberB{Value: make([]byte, dynamo.MaxItemBytes)}}
	wantKind(t, writer.Write(t.Context(), "write", []dynamo.Change{{Key: row("a"), Attrs: large}}), fault.Full, "400 KB")
	many := make([]dynamo.Change, dynamo.MaxChanges+1)
	for i := range many {
		many[i] = dynamo.Change{Key: row(strings.Repeat("x", i+1)), Attrs: dynamo.Attrs{}}
	}
	wantKind(t, writer.Write(t.Context(), "write", many), fault.Full, "101 rows")
}

// TestCheck looks at a table that was made otherwise than ours are.
func TestCheck(t *testing.T) {
	open := table(t)
	tb, err := open(0, false)
	if err != nil {
		t.Fatal(err)
	}
	found, err := tb.Check(t.Context())
	if err != nil || len(found) < 6 {
		t.Fatalf("%v, %v", found, err)
	}
	for _, f := range found {
		if !f.OK {
			t.Errorf("a table we made: %s is %s", f.What, f.Text)
		}
	}
	// A program that knows another schema says so.
	newer, err := open(2, true)
	wantKind(t, err, fault.Unsupported)
	if newer != nil {
		if found, err = newer.Check(t.Context()); err != nil || found[len(found)-1].OK {
			t.Errorf("%v, %v", found, err)
		}
	}
}
