package archtest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// carried are the modules that the telemetry library may bring along: those who
// write a line of logs get nothing else.
var carried = []string{"github.com/aws/aws-lambda-go"}

// light finds imports of the telemetry module's code beyond the standard library,
// aws-lambda-go and itself.
func light(t *tree) (breaches []string) {
	for _, dir := range t.sorted() {
		for _, imported := range t.dirs[dir].imports(false) {
			_, own := t.ours(imported)
			first, _, _ := strings.Cut(imported, "/")
			if own || imported == t.module || !strings.Contains(first, ".") || anyUnder(imported, carried) || testSupport(dir) {
				continue
			}
			breaches = append(breaches, fmt.Sprintf("%s imports %s; the telemetry library carries only %s", dir, imported, strings.Join(carried, ", ")))
		}
	}
	return breaches
}

// testSupport is code of the module that only tests import.
func testSupport(dir string) bool {
	return within(dir, "internal/oracle") || within(dir, "internal/xrayd") || within(dir, "internal/collector")
}

// supported finds code that imports what is there for tests.
func supported(t *tree) (breaches []string) {
	for _, dir := range t.sorted() {
		for _, imported := range t.dirs[dir].imports(false) {
			if d, ok := t.ours(imported); ok && testSupport(d) && !testSupport(dir) {
				breaches = append(breaches, dir+" imports "+d+", which is for tests")
			}
		}
	}
	return breaches
}

func anyUnder(imported string, modules []string) bool {
	for _, m := range modules {
		if within(imported, m) {
			return true
		}
	}
	return false
}

func TestTelemetry(t *testing.T) {
	repo, err := read(os.DirFS("../../telemetry"))
	if err != nil {
		t.Fatal(err)
	}
	if len(repo.dirs) < 5 {
		t.Fatalf("read only %d folders; the rules would judge nothing", len(repo.dirs))
	}
	for name, rule := range map[string]func(*tree) []string{
		"light": light, "tests' helpers": supported, "only main exits": exits, "length": sizes, "no init functions": inits, "package comments": comments,
	} {
		t.Run(name, func(t *testing.T) {
			for _, breach := range rule(repo) {
				t.Error(breach)
			}
		})
	}
}

func TestTelemetryRulesCanFail(t *testing.T) {
	repo, err := read(fstest.MapFS{
		"go.mod":                 {Data: []byte("module example.org/t")},
		"log/a.go":               {Data: []byte("package log\nimport (\n_ \"github.com/rs/zerolog\"\n_ \"log/slog\"\n_ \"example.org/t/internal/oracle\"\n)")},
		"internal/oracle/a.go":   {Data: []byte("package oracle\nimport _ \"github.com/santhosh-tekuri/jsonschema/v6\"")},
		"lambdatest/a.go":        {Data: []byte("package lambdatest\nimport _ \"github.com/aws/aws-lambda-go/lambda\"")},
		"internal/oracle/b.go":   {Data: []byte("package oracle\nimport _ \"example.org/t/internal/xrayd\"")},
		"lambdatest/sub_test.go": {Data: []byte("package lambdatest\nimport _ \"pgregory.net/rapid\"")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := light(repo); len(got) != 1 || !strings.Contains(got[0], "log imports github.com/rs/zerolog") {
		t.Errorf("%q", got)
	}
	if got := supported(repo); len(got) != 1 || !strings.Contains(got[0], "log imports internal/oracle") {
		t.Errorf("%q", got)
	}
}
