package config_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
)

const service = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: %s}\n"

func named(name string) string { return strings.ReplaceAll(service, "%s", name) }

// folder writes files and returns where they are.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t *testing.T, paths ...string) (*config.Catalog, fault.Problems) {
	t.Helper()
	cat, problems, err := config.Load(t.Context(), paths, config.Options{Types: types()})
	if err != nil {
		t.Fatal(err)
	}
	return cat, problems
}

func serviceNames(c *config.Catalog) string {
	var out []string
	for _, s := range c.Services {
		out = append(out, s.Name)
	}
	return strings.Join(out, " ")
}

func TestFolders(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.yaml":              named("a"),
		"deep/er/b.yml":       named("b"),
		"c.json":              `{"apiVersion": "openslo/v1", "kind": "Service", "metadata": {"name": "c"}}`,
		".hidden/d.yaml":      named("d"),
		".e.yaml":             named("e"),
		"f.txt":               named("f"),
		"deployment.yaml":     "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {unknown: true}\n",
		"service.yaml":        "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n",
		"compose.yaml":        "services: {web: {image: x}}\n",
		"chart.yaml":          "apiVersion: {{ .Values.x }}\nkind: Thing\n",
		"package.json":        `{"name": "x"}`,
		"mixed.yaml":          named("g") + "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: y}\n",
		"broken-but-not.yaml": "a: [\n",
	})
	cat, problems := load(t, dir)
	if got := serviceNames(cat); got != "a c b g" || len(problems) > 0 {
		t.Errorf("services %q, problems %v", got, problems)
	}
	if len(cat.Files) != 4 {
		t.Errorf("files %v", cat.Files)
	}
	// Named twice, by the folder and by itself, a file is read once.
	if cat, problems := load(t, dir, filepath.Join(dir, "a.yaml")); serviceNames(cat) != "a c b g" || len(problems) > 0 {
		t.Errorf("read twice: %v", problems)
	}
}

func TestWhatIsOurs(t *testing.T) {
	dir := folder(t, map[string]string{
		"typo.yaml":    "apiVersion: opensl/v1\nkind: SLO\nmetadata: {name: x}\n",
		"old.yaml":     "apiVersion: openslo/v1alpha\nkind: SLO\nmetadata: {name: x}\n",
		"cut.yaml":     "apiVersion: openslo/v1\nkind: [\n",
		"unsaid.yaml":  "kind: AlertPolicy\nmetadata: {name: x}\napiVersion:\n",
		"foreign.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n",
	})
	_, problems := load(t, dir)
	text := problems.Error()
	for _, want := range []string{`typo.yaml:1:13: unknown apiVersion "opensl/v1" (did you mean "openslo/v1"?)`, "only openslo/v1 is read", "cut.yaml:3:1: not valid YAML", "unsaid.yaml:1:1: document needs"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "foreign") {
		t.Errorf("a foreign document was judged:\n%s", text)
	}
	// A file that is named must be ours.
	if _, problems := load(t, filepath.Join(dir, "foreign.yaml")); len(problems) != 1 {
		t.Errorf("named foreign file: %v", problems)
	}
}

// TestLargeFile: a file of 50 MB is refused, and not read.
func TestLargeFile(t *testing.T) {
	dir := folder(t, map[string]string{"a.yaml": named("a")})
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, []byte(named("b")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, 50<<20); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cat, problems := load(t, dir)
	runtime.ReadMemStats(&after)
	if len(problems) != 1 || problems[0].Rule != "too-large" || !strings.Contains(problems[0].Message, "larger than 8 MiB") || serviceNames(cat) != "a" {
		t.Errorf("problems %v", problems)
	}
	if read := after.TotalAlloc - before.TotalAlloc; read > 4<<20 {
		t.Errorf("%d bytes were allocated; the file was read", read)
	}
}

func TestUnreadable(t *testing.T) {
	_, _, err := config.Load(t.Context(), []string{filepath.Join(t.TempDir(), "nowhere")}, config.Options{})
	if fault.KindOf(err) != fault.NotFound || fault.HintOf(err) == "" {
		t.Errorf("missing path: %v", err)
	}
	empty := t.TempDir()
	if _, problems := load(t, empty); len(problems) != 1 || problems[0].Rule != "no-documents" {
		t.Errorf("empty folder: %v", problems)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := folder(t, map[string]string{"a.yaml": named("a")})
	if _, _, err := config.Load(ctx, []string{dir}, config.Options{}); fault.KindOf(err) != fault.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	if os.Geteuid() != 0 {
		if err := os.Chmod(filepath.Join(dir, "a.yaml"), 0); err != nil {
			t.Fatal(err)
		}
		if _, _, err := config.Load(t.Context(), []string{dir}, config.Options{}); fault.KindOf(err) != fault.Denied {
			t.Errorf("denied: %v", err)
		}
	}
}

// TestManyProblems: a file that is wrong altogether does not fill the screen.
func TestManyProblems(t *testing.T) {
	var b strings.Builder
	b.WriteString("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: a}\nspec:\n")
	for i := range 5000 {
		b.WriteString("  f" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + itoa(i) + ": 1\n")
	}
	_, problems := config.Parse([]config.File{{Name: "a.yaml", Data: []byte(b.String())}}, config.Options{})
	if len(problems) != 101 || !strings.Contains(problems.Error(), "4900 more problems in this file") {
		t.Errorf("%d problems", len(problems))
	}
}

func TestStrict(t *testing.T) {
	text := []byte("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: a, labels: {x: 1}}\n")
	for _, strict := range []bool{false, true} {
		_, problems := config.Parse([]config.File{{Name: "a.yaml", Data: text}}, config.Options{Strict: strict})
		if len(problems) != 1 || (problems.Err(false) != nil) != strict {
			t.Errorf("strict %t: %v", strict, problems)
		}
	}
}
