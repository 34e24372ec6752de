package openslo_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// checked reads text as one document and checks it against a shape.
func checked(t *testing.T, s *openslo.Shape, text string, strict bool) []string {
	t.Helper()
	docs, problems := openslo.Read("a.yaml", []byte(text))
	if len(problems) > 0 || len(docs) != 1 {
		t.Fatalf("%q: %d documents, %v", text, len(docs), problems)
	}
	r := &openslo.Report{Strict: strict}
	s.Check(docs[0], r)
	var out []string
	for _, p := range r.Problems {
		out = append(out, strings.TrimPrefix(p.String(), "a.yaml:"))
	}
	return out
}

func TestShape(t *testing.T) {
	s := openslo.Object("",
		openslo.Need("name", openslo.Text("", openslo.NameFormat())),
		openslo.May("size", openslo.Num("", openslo.PositiveFormat())),
		openslo.May("on", openslo.Flag("")),
		openslo.Field{Name: "why", Shape: openslo.Text("", nil), Advised: "say why"},
		openslo.May("list", openslo.ListOf("", 2, openslo.OneOf("", "red", "green"))),
		openslo.May("free", openslo.MapOf("", &openslo.Shape{Type: openslo.String, Loose: true})))
	s.Groups = []openslo.Group{{Fields: []string{"size", "on"}}}
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		{"right", "{name: a, why: b, size: 1, list: [red, green]}", nil},
		{"advised", "{name: a}", []string{`1:1: warning: document has no "why" (say why)`}},
		{"unknown", "{name: a, why: b, sise: 1}", []string{`1:19: document has no field "sise" (did you mean "size"?)`}},
		{"wrong word", "{name: a, why: b, list: [red, gren]}", []string{`1:31: list[1] cannot be "gren" (did you mean "green"?)`}},
		{"too few", "{name: a, why: b, list: [red]}", []string{`1:25: list needs at least 2 entries`}},
		{"exclusive", "{name: a, why: b, size: 1, on: true}", []string{`1:28: document has size and on; only one of them may stand`}},
		{"empty optional", "{name: a, why: b, size: }", []string{`1:19: warning: document.size is empty (give it a value, or leave the key out)`}},
		{"empty required", "{name: , why: b}", []string{`1:1: document needs the field "name"`}},
		{"loose", "{name: a, why: b, free: {x: 1}}", []string{`1:29: warning: free.x is read as a string (quote it: "1")`}},
		{"not loose enough", "{name: a, why: b, free: {x: [1]}}", []string{`1:29: free.x must be a string, not a list`}},
		{"not a mapping", "[[a]]", []string{`1:2: document must be a mapping, not a list`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := checked(t, s, tc.text, false)
			if !slices.Equal(got, tc.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}
	if got := checked(t, s, "{name: a}", true); len(got) != 1 || strings.Contains(got[0], "warning") {
		t.Errorf("strict: %q", got)
	}
}

// TestNames holds the name rule against its regular expression, which is what
// editors use.
func TestNames(t *testing.T) {
	f := openslo.NameFormat()
	re := mustCompile(f.Pattern)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.StringMatching(`[a-z0-9-]{0,66}`), rapid.StringMatching(`[ -~]{0,8}`)).Draw(t, "name")
		if why, _ := f.Check(name); (why == "") != re.MatchString(name) {
			t.Fatalf("%q: the check says %q, the pattern %t", name, why, re.MatchString(name))
		}
	})
}

func TestLength(t *testing.T) {
	for _, tc := range []struct {
		text string
		want slo.Minute
	}{
		{"1m", 1},
		{"90m", 90},
		{"12h", 720},
		{"28d", 28 * slo.Day},
		{"4w", 28 * slo.Day},
		{"1M", 30 * slo.Day},
		{"1Q", 90 * slo.Day},
		{"2Y", 730 * slo.Day},
	} {
		if got, err := openslo.Length(tc.text); err != nil || got != tc.want {
			t.Errorf("Length(%q) = %d, %v; want %d", tc.text, got, err, tc.want)
		}
	}
	for _, text := range []string{"", "m", "0d", "1s", "1.5h", "-1d", "1h30m", "12", "99999999Y", "1 d", "１d"} {
		if got, err := openslo.Length(text); err == nil {
			t.Errorf("Length(%q) = %d, want an error", text, got)
		}
	}
}

// TestDurationPattern: whatever the check accepts, editors accept.
func TestDurationPattern(t *testing.T) {
	f := openslo.DurationFormat()
	re := mustCompile(f.Pattern)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9]{0,4}[mhdwMQYs]?`).Draw(t, "text")
		if why, _ := f.Check(text); why == "" && !re.MatchString(text) {
			t.Fatalf("%q passes the check and not the pattern", text)
		}
	})
}

func TestZone(t *testing.T) {
	for _, good := range []string{"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"} {
		if _, err := openslo.Zone(good); err != nil {
			t.Errorf("Zone(%q): %v", good, err)
		}
	}
	for _, bad := range []string{"", "Local", "Berlin", "../etc/passwd", "Europe/Berlin2"} {
		if _, err := openslo.Zone(bad); err == nil {
			t.Errorf("Zone(%q) was taken", bad)
		}
	}
}

func TestParseStart(t *testing.T) {
	loc, err := openslo.Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2026-01-01 00:00:00": "2025-12-31T23:00:00Z",
		"2026-07-01":          "2026-06-30T22:00:00Z",
	} {
		got, err := openslo.ParseStart(text, loc)
		if err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("ParseStart(%q) = %v, %v; want %s", text, got, err, want)
		}
	}
}
