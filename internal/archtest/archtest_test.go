package archtest

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// rules are the rules of the house by name.
var rules = map[string]func(*tree) []string{
	"direction of imports":       layering,
	"only wire names adapters":   naming,
	"adapters run their suite":   suites,
	"words and deciders compute": purity,
	"clocks only in hosts":       clocks,
	"only main exits":            exits,
	"file and function length":   sizes,
	"no init functions":          inits,
	"package comments":           comments,
}

func TestHouse(t *testing.T) {
	repo, err := read(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(repo.dirs) < 10 {
		t.Fatalf("read only %d folders; the rules would judge nothing", len(repo.dirs))
	}
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			for _, breach := range rule(repo) {
				t.Error(breach)
			}
		})
	}
}

// TestRulesCanFail lays a small tree before each rule that breaks it, and one
// beside it that does not.
func TestRulesCanFail(t *testing.T) {
	pkg := func(name, rest string) string { return "// Package " + name + " is.\npackage " + name + "\n" + rest }
	const im = `import _ "example.org/m/internal/`
	long := strings.Repeat("\n", maxFunction)
	for _, tc := range []struct {
		name, rule string
		files      map[string]string
		want       string // part of the one breach; "" for none
	}{
		{"word imports decider", "direction of imports", map[string]string{"internal/slo/a.go": pkg("slo", im+`gate"`)}, "internal/slo (words) imports internal/gate (deciders)"},
		{"decider imports word", "direction of imports", map[string]string{"internal/gate/a.go": pkg("gate", im+`slo"`)}, ""},
		{"word imports a word to its right", "direction of imports", map[string]string{"internal/slo/a.go": pkg("slo", im+`metric"`)}, "internal/slo (words) imports internal/metric (words)"},
		{"adapter imports adapter", "direction of imports", map[string]string{"internal/metric/csv/a.go": pkg("csv", im+`metric/memory"`)}, "does not stand below"},
		{"adapter imports its suite", "direction of imports", map[string]string{"internal/metric/csv/a.go": pkg("csv", im+`metric/metrictest"`)}, ""},
		{"adapter imports decider is fine, shell is not", "direction of imports", map[string]string{"internal/ledger/x/a.go": pkg("x", im+`gate"`+"\n"+im+`run/gate"`)}, "(adapters) imports internal/run/gate (shells)"},
		{"shell imports shell", "direction of imports", map[string]string{"internal/run/gate/a.go": pkg("gate", im+`run/status"`)}, ""},
		{"shell imports host", "direction of imports", map[string]string{"internal/run/gate/a.go": pkg("gate", im+`cli"`)}, "(shells) imports internal/cli (hosts)"},
		{"host imports wire", "direction of imports", map[string]string{"internal/cli/gate/a.go": pkg("gate", im+`wire"`)}, "(hosts) imports internal/wire (wire)"},
		{"folder in no layer", "direction of imports", map[string]string{"internal/util/a.go": pkg("util", "")}, "is in no layer"},
		{"decider reports", "direction of imports", map[string]string{"internal/gate/a.go": pkg("gate", `import _ "example.org/m/telemetry/log"`)}, "imports telemetry"},
		{"adapter reports", "direction of imports", map[string]string{"internal/metric/csv/a.go": pkg("csv", `import _ "example.org/m/telemetry"`)}, ""},
		{"cli names adapter", "only wire names adapters", map[string]string{"internal/cli/a.go": pkg("cli", im+`metric/csv"`)}, "names the adapter internal/metric/csv"},
		{"wire names adapter", "only wire names adapters", map[string]string{"internal/wire/a.go": pkg("wire", im+`metric/csv"`)}, ""},
		{"no suite", "adapters run their suite", map[string]string{"internal/ledger/sqlite/a.go": pkg("sqlite", "")}, "none of its tests imports internal/ledger/ledgertest"},
		{"suite of another port", "adapters run their suite", map[string]string{"internal/ledger/sqlite/a.go": pkg("sqlite", ""), "internal/ledger/sqlite/a_test.go": pkg("sqlite", im+`metric/metrictest"`)}, "none of its tests"},
		{"suite run", "adapters run their suite", map[string]string{"internal/ledger/sqlite/a.go": pkg("sqlite", ""), "internal/ledger/sqlite/a_test.go": pkg("sqlite", im+`ledger/ledgertest"`)}, ""},
		{"word opens files", "words and deciders compute", map[string]string{"internal/slo/a.go": pkg("slo", `import _ "os"`)}, "internal/slo imports os"},
		{"port takes a context", "words and deciders compute", map[string]string{"internal/metric/a.go": pkg("metric", `import _ "context"`)}, ""},
		{"decider takes a context", "words and deciders compute", map[string]string{"internal/gate/a.go": pkg("gate", `import _ "context"`)}, "internal/gate imports context"},
		{"adapter opens files", "words and deciders compute", map[string]string{"internal/metric/csv/a.go": pkg("csv", `import _ "os"`)}, ""},
		{"shell asks the clock", "clocks only in hosts", map[string]string{"internal/run/gate/a.go": pkg("gate", "import clock \"time\"\nvar t = clock.Now()")}, "internal/run/gate/a.go:4: time.Now"},
		{"test asks the clock", "clocks only in hosts", map[string]string{"internal/run/gate/a_test.go": pkg("gate", "import \"time\"\nvar t = time.Now()")}, ""},
		{"host asks the clock", "clocks only in hosts", map[string]string{"internal/cli/gate/a.go": pkg("gate", "import \"time\"\nvar t = time.Now()")}, ""},
		{"library exits", "only main exits", map[string]string{"internal/cli/a.go": pkg("cli", "import \"os\"\nfunc f() { os.Exit(1) }")}, "os.Exit"},
		{"main exits", "only main exits", map[string]string{"cmd/m/a.go": pkg("main", "import \"os\"\nfunc f() { os.Exit(1) }")}, ""},
		{"function too long", "file and function length", map[string]string{"internal/slo/a.go": pkg("slo", "func f() {"+long+"}")}, "f has 61 lines"},
		{"file too long", "file and function length", map[string]string{"internal/slo/a.go": pkg("slo", strings.Repeat("\n", maxFile))}, "at most 600"},
		{"files of a nested module", "file and function length", map[string]string{"bench/go.mod": "module x", "bench/a.go": pkg("slo", strings.Repeat("\n", maxFile))}, ""},
		{"init", "no init functions", map[string]string{"internal/slo/a.go": pkg("slo", "func init() {}")}, "internal/slo/a.go:3: init"},
		{"method named init", "no init functions", map[string]string{"internal/slo/a.go": pkg("slo", "type t int\nfunc (t) init() {}")}, ""},
		{"no comment", "package comments", map[string]string{"internal/slo/a.go": "package slo\n"}, "has no package comment"},
		{"comment in one file of two", "package comments", map[string]string{"internal/slo/a.go": "package slo\n", "internal/slo/doc.go": pkg("slo", "")}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			repo := fstest.MapFS{"go.mod": {Data: []byte("module example.org/m\n")}}
			for name, src := range tc.files {
				repo[name] = &fstest.MapFile{Data: []byte(src)}
			}
			made, err := read(repo)
			if err != nil {
				t.Fatal(err)
			}
			got := rules[tc.rule](made)
			switch {
			case tc.want == "" && len(got) > 0:
				t.Errorf("breaches %q, want none", got)
			case tc.want != "" && (len(got) != 1 || !strings.Contains(got[0], tc.want)):
				t.Errorf("breaches %q, want one with %q", got, tc.want)
			}
		})
	}
}

// TestReadsEveryFolder keeps the reader honest: a folder of the repository that
// holds Go files and belongs to no nested module must be judged.
func TestReadsEveryFolder(t *testing.T) {
	repo, err := read(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"internal/fault", "internal/slo", "internal/archtest"} {
		if !slices.Contains(repo.sorted(), dir) {
			t.Errorf("%s was not read", dir)
		}
	}
}
