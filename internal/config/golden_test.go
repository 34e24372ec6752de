package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func corpus(t *testing.T, folder string) []string {
	t.Helper()
	var out []string
	for _, ext := range []string{"yaml", "json"} {
		files, err := filepath.Glob(filepath.Join("testdata", folder, "*."+ext))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, files...)
	}
	if len(out) < 5 {
		t.Fatalf("the corpus %s has only %d files", folder, len(out))
	}
	return out
}

// TestValid: nothing is wrong with the valid corpus, strictly read.
func TestValid(t *testing.T) {
	for _, file := range corpus(t, "valid") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, problems, err := config.Load(t.Context(), []string{file}, config.Options{Types: types(), Strict: true})
			if err != nil {
				t.Fatal(err)
			}
			if len(problems) > 0 {
				t.Errorf("problems:\n%v", problems)
			}
		})
	}
}

// TestInvalid: each file of the invalid corpus has the problems written down
// beside it.
func TestInvalid(t *testing.T) {
	for _, file := range corpus(t, "invalid") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, problems, err := config.Load(t.Context(), []string{file}, config.Options{Types: types()})
			if err != nil {
				t.Fatal(err)
			}
			if problems.Err(true) == nil {
				t.Fatal("nothing was found wrong")
			}
			text, err := config.Render(problems, "text")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, filepath.Ext(file))+filepath.Ext(file)+".golden", strings.ReplaceAll(string(text), filepath.Dir(file)+string(filepath.Separator), ""))
		})
	}
}
