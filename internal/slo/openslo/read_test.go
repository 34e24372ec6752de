package openslo_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

func place(line, column int) fault.Place {
	return fault.Place{File: "a.yaml", Line: line, Column: column}
}

func TestPlaces(t *testing.T) {
	docs, problems := openslo.Read("a.yaml", []byte("kind: SLO\nmetadata:\n  name: a\n---\nspec: [1, {x: true}]\n"))
	if len(problems) > 0 || len(docs) != 2 {
		t.Fatalf("%d documents, %v", len(docs), problems)
	}
	for _, tc := range []struct {
		name string
		got  fault.Place
		want fault.Place
	}{
		{"value", docs[0].Get("kind").Where(), place(1, 7)},
		{"key", docs[0].KeyPlace("metadata"), place(2, 1)},
		{"nested", docs[0].At("metadata", "name").Where(), place(3, 9)},
		{"second document", docs[1].Get("spec").Items[1].KeyPlace("x"), place(5, 12)},
		{"missing key: the mapping", docs[0].KeyPlace("spec"), place(1, 1)},
		{"missing node", docs[0].At("no", "such").Where(), fault.Place{}},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, tc.got, tc.want)
		}
	}
}

func TestPlacesInJSON(t *testing.T) {
	text := "[ {\"kind\" : \"SLO\",\n\t\"spec\":{\"a\\u0041\": [1,\n  true, null]} }\n]"
	docs, problems := openslo.Read("a.json", []byte(text))
	if len(problems) > 0 || len(docs) != 1 {
		t.Fatalf("%d documents, %v", len(docs), problems)
	}
	list := docs[0].At("spec", "aA")
	for _, tc := range []struct {
		name         string
		got          fault.Place
		line, column int
	}{
		{"key", docs[0].KeyPlace("kind"), 1, 4},
		{"value", docs[0].Get("kind").Where(), 1, 13},
		{"second line", docs[0].KeyPlace("spec"), 2, 2},
		{"item", list.Items[0].Where(), 2, 22},
		{"third line", list.Items[1].Where(), 3, 3},
	} {
		if want := (fault.Place{File: "a.json", Line: tc.line, Column: tc.column}); tc.got != want {
			t.Errorf("%s: %v, want %v", tc.name, tc.got, want)
		}
	}
	if list.Items[2].IsSet() || !list.Items[1].True() {
		t.Errorf("scalars: %+v", list.Items)
	}
}

// TestGuards: hostile input is refused quickly, whatever it would expand to.
func TestGuards(t *testing.T) {
	wide := strings.Repeat("a,", 300_000)
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 x\n")
	for i := 1; i < 60; i++ {
		prev := "a" + itoa(i-1)
		bomb.WriteString("a" + itoa(i) + ": &a" + itoa(i) + " [*" + prev + ", *" + prev + "]\n")
	}
	for _, tc := range []struct{ name, file, text, rule string }{
		{"too many bytes", "a.yaml", strings.Repeat("#", openslo.MaxBytes+1), "too-large"},
		{"too many parts", "a.yaml", "[" + wide + wide + "]", "too-large"},
		{"too many parts in JSON", "a.json", "[" + wide + wide + "1]", "too-large"},
		{"nested too deep", "a.yaml", strings.Repeat("[", 5000), "malformed"},
		{"nested too deep in JSON", "a.json", strings.Repeat("[", 5000), "too-large"},
		{"aliases that double", "a.yaml", bomb.String(), "too-large"},
		{"alias in itself", "a.yaml", "a: &a [*a]", "malformed"},
		{"zero byte", "a.yaml", "a: \x00", "malformed"},
		{"many keys twice", "a.yaml", "a: 1\na: 2", "duplicate-key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			start := time.Now()
			_, problems := openslo.Read(tc.file, []byte(tc.text))
			if len(problems) == 0 || problems[0].Rule != tc.rule {
				t.Errorf("problems %v, want %s", problems, tc.rule)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// tree draws plain data as it may stand in a document.
func tree(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.StringMatching(`[ -~äß€]{0,12}`).AsAny(),
		rapid.SampledFrom([]any{true, false}),
		rapid.Map(rapid.Int64Range(-1_000_000, 1_000_000), func(n int64) any { return json.Number(itoa(int(n))) }),
		rapid.SampledFrom([]any{"null", "true", "12", "1e3", "~", "", "- a", "#", "a: b", "2026-01-01", "<<"}),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	key := rapid.StringMatching(`[a-zA-Z0-9_./ -]{1,8}`)
	lists := rapid.Map(rapid.SliceOfN(tree(depth-1), 0, 4), func(l []any) any { return l })
	maps := rapid.Map(rapid.MapOfN(key, tree(depth-1), 0, 4), func(m map[string]any) any { return m })
	return rapid.OneOf(append(scalars, lists, maps)...)
}

// noPlaces compares trees by what they say; an empty list and none are alike.
func noPlaces() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreFields(openslo.Node{}, "Place"), cmpopts.IgnoreFields(openslo.Pair{}, "Place"), cmpopts.EquateEmpty(),
	}
}

// TestWriteReadsBack: what is written says the same when it is read again, as
// YAML and against the same data read as JSON.
func TestWriteReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := map[string]any{"doc": tree(3).Draw(t, "data")}
		text, err := json.Marshal(data)
		if err != nil {
			t.Fatal(err)
		}
		docs, problems := openslo.Read("a.json", text)
		if len(problems) > 0 {
			t.Fatalf("%s: %v", text, problems)
		}
		out, err := openslo.Write(docs)
		if err != nil {
			t.Fatal(err)
		}
		again, problems := openslo.Read("a.yaml", out)
		if len(problems) > 0 {
			t.Fatalf("%s\n%v", out, problems)
		}
		if diff := cmp.Diff(docs, again, noPlaces()); diff != "" {
			t.Fatalf("%s\n(-json +yaml):\n%s", out, diff)
		}
	})
}

// FuzzRead: no bytes make the reader panic, and every problem has its file.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"a: 1\n---\nb: [x, {y: z}]\n", "a: &a {b: *a}\n", "{\"a\": [1, null, true]}", "<<: {a: b}", "? [a]\n: b", "a: !!binary eA==", "%YAML 1.1\n---\n", "\xff\xfea",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range []string{"a.yaml", "a.json"} {
			docs, problems := openslo.Read(name, data)
			for _, p := range problems {
				if p.Place.File != name || p.Message == "" || p.Rule == "" {
					t.Errorf("problem without its place or words: %+v", p)
				}
			}
			if _, err := openslo.Write(docs); err != nil {
				t.Errorf("what was read cannot be written: %v", err)
			}
		}
	})
}
