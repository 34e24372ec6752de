package config_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/config/memory"
	"gitlab.com/nines-sre/nines/internal/fault"
)

func from(s config.Source) map[string]config.Opener {
	return map[string]config.Opener{"mem": func(context.Context, string) (config.Source, error) { return s, nil }}
}

func TestScheme(t *testing.T) {
	known := from(memory.New("mem:x"))
	for address, want := range map[string]string{
		"mem:x": "mem", "mem://x": "mem", "ftp://x": "ftp", "slo": "", "./mem:x": "", "C:/slo": "", "a:b": "", "other:x": "", "": "",
	} {
		if got := config.Scheme(address, known); got != want {
			t.Errorf("%q has the scheme %q, want %q", address, got, want)
		}
	}
}

func TestUnknownScheme(t *testing.T) {
	_, _, err := config.Load(t.Context(), []string{"ftp://x"}, config.Options{})
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
}

// TestCache: what did not change is neither read nor understood twice, and what
// did is.
func TestCache(t *testing.T) {
	s := memory.New("mem://docs")
	s.Put("a.yaml", []byte("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: a}\nspec: {}\n"))
	s.Put("b.yaml", []byte("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: b}\nspec: {}\n"))
	opt := config.Options{Sources: from(s), Cache: &config.Cache{}}
	load := func() *config.Catalog {
		t.Helper()
		cat, problems, err := config.Load(t.Context(), []string{"mem://docs"}, opt)
		if err != nil || len(problems) > 0 {
			t.Fatal(problems, err)
		}
		return cat
	}
	first := load()
	if second := load(); second != first || s.Reads() != 2 {
		t.Errorf("nothing changed, but %d files were read", s.Reads())
	}
	s.Put("b.yaml", []byte("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: c}\nspec: {}\n"))
	third := load()
	if third == first || third.Services[1].Name != "c" || s.Reads() != 3 {
		t.Errorf("one file changed: %d files were read, services %v", s.Reads(), third.Services)
	}
	s.Delete("a.yaml")
	if fourth := load(); len(fourth.Services) != 1 || s.Reads() != 3 {
		t.Errorf("one file is gone: %d files were read, services %v", s.Reads(), fourth.Services)
	}
}

// moving changes a file whenever it was listed, a number of times.
type moving struct {
	*memory.Source
	left int
}

func (m *moving) List(ctx context.Context) ([]config.Item, error) {
	items, err := m.Source.List(ctx)
	if m.left > 0 {
		m.left--
		m.Put("a.yaml", []byte("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: b}\nspec: {}\n"))
	}
	return items, err
}

func TestChangesWhileRead(t *testing.T) {
	for left, want := range map[int]error{2: nil, 3: errors.New("conflict")} {
		m := &moving{memory.New("mem://docs"), left}
		m.Put("a.yaml", []byte("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: a}\nspec: {}\n"))
		cat, _, err := config.Load(t.Context(), []string{"mem://docs"}, config.Options{Sources: from(m)})
		if want == nil && (err != nil || cat.Services[0].Name != "b") || want != nil && fault.KindOf(err) != fault.Conflict {
			t.Errorf("it changed %d times: %v", left, err)
		}
	}
}

// TestPathsAndAddresses reads both in one call, each file once.
func TestPathsAndAddresses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: a}\nspec: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := memory.New("mem://docs")
	s.Put("b.yaml", []byte("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: b}\nspec: {}\n"))
	cat, problems, err := config.Load(t.Context(), []string{dir, "mem://docs", dir, "mem://docs"}, config.Options{Sources: from(s)})
	if err != nil || len(problems) > 0 || len(cat.Services) != 2 {
		t.Fatal(cat.Services, problems, err)
	}
	if !slices.Contains(cat.Files, "mem://docs/b.yaml") {
		t.Errorf("files are %q", cat.Files)
	}
}
