package wire_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
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
