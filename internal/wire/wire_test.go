package wire_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/dynamodbd/dynamodbtest"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/wire"
)

func TestTypes(t *testing.T) {
	for name, kind := range wire.Types() {
		if kind.Name != name {
			t.Errorf("%s calls itself %s", name, kind.Name)
		}
		if kind.Open == nil || kind.Check == nil {
			t.Errorf("%s cannot be opened or checked", name)
		}
	}
	if _, ok := wire.Types()["csv"]; !ok {
		t.Error("there is no csv")
	}
}

func TestOpenStore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "folder", "nines.db")
	s := dynamodbtest.Start(t, time.Now)
	table := dynamodbtest.TableName() + "?endpoint=" + s.Endpoint
	admin, err := wire.AdminStore("dynamodb:" + table)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		url    string
		access host.Access
		kept   bool
		kind   fault.Kind
		fails  bool
	}{
		{url: "memory:"},
		{url: "sqlite:" + file, access: host.ReadOnly}, // not there: empty
		{url: "sqlite:" + file, kept: true},
		{url: "sqlite:" + file + "?busy=10ms&max_bytes=1000000", kept: true},
		{url: "sqlite:" + file, access: host.ReadOnly, kept: true},
		{url: "sqlite:", kind: fault.Invalid, fails: true},
		{url: "sqlite:" + file + "?busy=soon", kind: fault.Invalid, fails: true},
		{url: "sqlite:" + file + "?speed=fast", kind: fault.Invalid, fails: true},
		{url: "dynamodb:nines?endpoint=" + s.Endpoint, kind: fault.NotFound, fails: true},
		{url: "dynamodb:" + table, kept: true},
		{url: "dynamodb:" + table + "&keep=400d", access: host.ReadOnly, kept: true},
		{url: "dynamodb:" + table + "&keep=soon", kind: fault.Invalid, fails: true},
		{url: "dynamodb:" + table + "&colour=red", kind: fault.Invalid, fails: true},
		{url: "dynamodb:", kind: fault.Invalid, fails: true},
		{url: "dynamodb:a/b", kind: fault.Invalid, fails: true},
		{url: "dynamo:table", kind: fault.Invalid, fails: true},
		{url: "", kind: fault.Invalid, fails: true},
	} {
		s, err := wire.OpenStore(t.Context(), c.url, c.access)
		if (err != nil) != c.fails || (c.fails && fault.KindOf(err) != c.kind) {
			t.Errorf("%s: %v", c.url, err)
		}
		if err != nil {
			continue
		}
		if s.Kept != c.kept || s.Timeline == nil || s.Ledger == nil {
			t.Errorf("%s: %+v", c.url, s)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: close: %v", c.url, err)
		}
	}
}

// TestReadingCreatesNothing checks that a read-only call leaves no file behind
// and that what is written to the stand-in is not kept.
func TestReadingCreatesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nines.db")
	s, err := wire.OpenStore(t.Context(), "sqlite:"+file, host.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	draft := ledger.Draft{At: time.Unix(1, 0), Kind: ledger.KindFreeze, Subject: "a", Body: json.RawMessage("{}")}
	if _, err := s.Ledger.Append(t.Context(), draft); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("a file is left behind: %v", err)
	}
}

// TestAdmin makes and checks stores of each kind.
func TestAdmin(t *testing.T) {
	s := dynamodbtest.Start(t, time.Now)
	for _, url := range []string{
		"sqlite:" + filepath.Join(t.TempDir(), "nines.db"), "dynamodb:" + dynamodbtest.TableName() + "?endpoint=" + s.Endpoint,
	} {
		admin, err := wire.AdminStore(url)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := admin.Check(t.Context()); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: a store that is not there: %v", url, err)
		}
		for range 2 {
			if what, err := admin.Create(t.Context()); err != nil || what == "" {
				t.Errorf("%s: %q, %v", url, what, err)
			}
			found, err := admin.Check(t.Context())
			if err != nil || len(found) == 0 {
				t.Errorf("%s: %v", url, err)
			}
			for _, f := range found {
				if !f.OK {
					t.Errorf("%s: %s is %s", url, f.What, f.Text)
				}
			}
		}
	}
	for _, url := range []string{"memory:", "none", "redis:x"} {
		if _, err := wire.AdminStore(url); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", url, err)
		}
	}
}
