// Package configtest is the suite that every source of documents passes.
package configtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// Place is a source under test and the means to write to what it reads.
type Place struct {
	Source config.Source
	// Name is what the source calls a file that was put under a name, in the
	// state that the place has now.
	Name   func(name string) string
	Put    func(t *testing.T, name, data string)
	Delete func(t *testing.T, name string)
	// Many is how many files make it need a second page.
	Many int
	// Hidden says that files other than *.yaml, *.yml and *.json, and those whose
	// path has a part that begins with a dot, can be kept there; they are no
	// documents.
	Hidden bool
}

// Run holds a source against the port's contract. Make returns an empty place
// for each case.
func Run(t *testing.T, mk func(t *testing.T) Place) {
	t.Helper()
	for name, run := range map[string]func(*testing.T, Place){
		"lists and reads": listsAndReads, "versions": versions, "pages": pages,
		"hidden": hidden, "changed meanwhile": changed, "given up": canceled, "at once": together, "loads": loads,
	} {
		t.Run(name, func(t *testing.T) { run(t, mk(t)) })
	}
}

func list(t *testing.T, p Place) []config.Item {
	t.Helper()
	items, err := p.Source.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func names(items []config.Item) (out []string) {
	for _, i := range items {
		out = append(out, i.Name)
	}
	return out
}

func listsAndReads(t *testing.T, p Place) {
	files := map[string]string{"b.yaml": "b: 1\n", "a/c.yml": "c: ü\n", "a.json": "{}"}
	for name, data := range files {
		p.Put(t, name, data)
	}
	var want []string
	for name := range files {
		want = append(want, p.Name(name))
	}
	slices.Sort(want)
	items := list(t, p)
	if got := names(items); !slices.Equal(got, want) {
		t.Fatalf("lists %q, want %q", got, want)
	}
	for name, data := range files {
		i := slices.IndexFunc(items, func(i config.Item) bool { return i.Name == p.Name(name) })
		got, err := p.Source.Read(t.Context(), items[i])
		if err != nil || string(got) != data {
			t.Errorf("%s reads %q, %v", name, got, err)
		}
		if items[i].Version == "" || items[i].Named {
			t.Errorf("%s is listed as %+v", name, items[i])
		}
	}
}

func versions(t *testing.T, p Place) {
	p.Put(t, "a.yaml", "a: 1\n")
	p.Put(t, "b.yaml", "b: 1\n")
	first := list(t, p)
	if second := list(t, p); !slices.Equal(first, second) {
		t.Errorf("nothing changed, but %v became %v", first, second)
	}
	p.Put(t, "a.yaml", "a: 2\n")
	second := list(t, p)
	if first[0].Version == second[0].Version || first[1].Version != second[1].Version {
		t.Errorf("a changed, b did not: %v became %v", first, second)
	}
	p.Delete(t, "a.yaml")
	if got := names(list(t, p)); !slices.Equal(got, []string{p.Name("b.yaml")}) {
		t.Errorf("a was deleted, there are %q", got)
	}
}

func pages(t *testing.T, p Place) {
	var want []string
	for i := range p.Many {
		p.Put(t, fmt.Sprintf("d%04d.yaml", i), fmt.Sprintf("n: %d\n", i))
	}
	for i := range p.Many {
		want = append(want, p.Name(fmt.Sprintf("d%04d.yaml", i)))
	}
	items := list(t, p)
	if got := names(items); !slices.Equal(got, want) {
		t.Fatalf("lists %d files, want %d", len(got), len(want))
	}
	if got, err := p.Source.Read(t.Context(), items[p.Many-1]); err != nil || string(got) != fmt.Sprintf("n: %d\n", p.Many-1) {
		t.Errorf("the last of them reads %q, %v", got, err)
	}
}

func hidden(t *testing.T, p Place) {
	if !p.Hidden {
		t.Skip("whatever is kept there is a document")
	}
	p.Put(t, "a.yaml", "a: 1\n")
	for _, name := range []string{".git/b.yaml", ".c.yaml", "d.txt", "e/.f/g.yaml", "yaml"} {
		p.Put(t, name, "x: 1\n")
	}
	if got := names(list(t, p)); !slices.Equal(got, []string{p.Name("a.yaml")}) {
		t.Errorf("lists %q", got)
	}
}

// changed: an item is read in the version that was listed, or not at all.
func changed(t *testing.T, p Place) {
	p.Put(t, "a.yaml", "a: 1\n")
	p.Put(t, "b.yaml", "b: 1\n")
	items := list(t, p)
	p.Put(t, "a.yaml", "a: 2\n")
	p.Delete(t, "b.yaml")
	for i, old := range []string{"a: 1\n", "b: 1\n"} {
		got, err := p.Source.Read(t.Context(), items[i])
		if err == nil && string(got) == old {
			continue // it kept what it listed
		}
		if fault.KindOf(err) != fault.Conflict {
			t.Errorf("%s reads %q, %v; want what was listed, or a conflict", items[i].Name, got, err)
		}
	}
}

func canceled(t *testing.T, p Place) {
	p.Put(t, "a.yaml", "a: 1\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Source.List(ctx); fault.KindOf(err) != fault.Canceled {
		t.Errorf("a list nobody waits for: %v", err)
	}
}

func together(t *testing.T, p Place) {
	for i := range 5 {
		p.Put(t, fmt.Sprintf("d%d.yaml", i), "d: 1\n")
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			items, err := p.Source.List(t.Context())
			if err != nil || len(items) != 5 {
				t.Errorf("%d items, %v", len(items), err)
				return
			}
			for _, i := range items {
				if data, err := p.Source.Read(t.Context(), i); err != nil || string(data) != "d: 1\n" {
					t.Errorf("%s reads %q, %v", i.Name, data, err)
				}
			}
		})
	}
	all.Wait()
}

// loads: documents become a catalog, and a mistake has its place.
func loads(t *testing.T, p Place) {
	p.Put(t, "good.yaml", "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: pay}\nspec: {description: pays}\n")
	p.Put(t, "bad.yaml", "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: shop}\nspec:\n  descriptoin: shops\n") //nolint:misspell // the mistake
	open := func(context.Context, string) (config.Source, error) { return p.Source, nil }
	cat, problems, err := config.Load(t.Context(), []string{"test://x"}, config.Options{
		Sources: map[string]config.Opener{"test": open}, Cache: &config.Cache{},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(cat.Services) != 2 || len(problems) != 1 || !strings.HasPrefix(problems[0].String(), p.Name("bad.yaml")+":5:3: ") {
		t.Errorf("%d services, problems %v", len(cat.Services), problems)
	}
}
