package term_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/render/term"
)

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		share  float64
		digits int
		want   string
	}{
		{1, 1, "100%"},
		{0.99996, 2, "99.99%"},
		{0.99999, 1, "99.9%"},
		{0.999999999, 1, "99.9%"},
		{0.29, 0, "29%"},
		{0.57, 0, "57%"},
		{0.9768518518518519, 1, "97.7%"},
		{1.0001, 1, "100.0%"},
		{0.0004, 1, "<0.1%"},
		{0, 1, "0%"},
		{-0.386, 1, "-38.6%"},
		{-0.0001, 1, "-0.1%"},
		{math.NaN(), 1, "-"},
		{math.Inf(-1), 1, "-"},
	} {
		if got := term.Percent(c.share, c.digits); got != c.want {
			t.Errorf("Percent(%v, %d) = %q, want %q", c.share, c.digits, got, c.want)
		}
	}
	for share, want := range map[float64]string{0.99979: "99.97%", 0.29: "29.00%", 1: "100%", 0: "0%"} {
		if got := term.PercentDown(share, 2); got != want {
			t.Errorf("PercentDown(%v) = %q, want %q", share, got, want)
		}
	}
	if got := term.PercentOf(nil, 1); got != term.Unknown {
		t.Errorf("PercentOf(nil) = %q", got)
	}
}

func TestNumbers(t *testing.T) {
	rates := map[float64]string{0: "0", 0.001: "<0.01", 0.694: "0.69", 8.333: "8.33", 16.666: "16.7", 200: "200", 12345.6: "12,346"}
	for v, want := range rates {
		if got := term.Rate(&v); got != want {
			t.Errorf("Rate(%v) = %q, want %q", v, got, want)
		}
	}
	if got := term.Rate(nil); got != term.Unknown {
		t.Errorf("Rate(nil) = %q", got)
	}
	counts := map[float64]string{0: "0", 999: "999", 1000: "1,000", 43199000: "43,199,000", -1234.6: "-1,235", -123.456: "-123.46", 0.25: "0.25"}
	for v, want := range counts {
		if got := term.Count(v); got != want {
			t.Errorf("Count(%v) = %q, want %q", v, got, want)
		}
	}
	for minutes, want := range map[float64]string{0: "0s", 0.5: "30s", 42: "42m", 65: "1h 5m", 2532: "1d 18h", 2880: "2d", -60: "-1h"} {
		d := time.Duration(minutes * float64(time.Minute))
		if got := term.Duration(d); got != want {
			t.Errorf("Duration(%v) = %q, want %q", d, got, want)
		}
	}
	at := time.Date(2025, 1, 31, 0, 1, 0, 0, time.UTC)
	if got := term.Instant(at); got != "2025-01-31 00:01 UTC" {
		t.Errorf("Instant = %q", got)
	}
	if got := term.Instant(time.Time{}); got != term.Unknown {
		t.Errorf("Instant(zero) = %q", got)
	}
}

func TestBar(t *testing.T) {
	uni, ascii := term.Style{Unicode: true}, term.Style{}
	for _, c := range []struct {
		style term.Style
		share float64
		want  string
	}{
		{uni, 1, "████████"},
		{uni, 0.5, "████░░░░"},
		{uni, 0.53125, "████▎░░░"},
		{uni, 0.0001, "▏░░░░░░░"},
		{uni, 0.9999, "███████▉"},
		{uni, -3, "░░░░░░░░"},
		{ascii, 0.5, "####...."},
		{ascii, 0.999, "#######."},
		{ascii, 2, "########"},
	} {
		if got := c.style.Bar(c.share, 8); got != c.want {
			t.Errorf("Bar(%v) = %q, want %q", c.share, got, c.want)
		}
	}
}

func TestSpark(t *testing.T) {
	uni := term.Style{Unicode: true}
	if got, want := uni.Spark([]float64{1, 0.9, 0.5, 0.1, -2}, 8), "██▅▁▁"; got != want {
		t.Errorf("Spark = %q, want %q", got, want)
	}
	// Thinned to the lowest of each group: the dip stays.
	if got, want := uni.Spark([]float64{1, 1, 1, 0, 1, 1, 1, 1}, 4), "█▁██"; got != want {
		t.Errorf("Spark = %q, want %q", got, want)
	}
	if got, want := (term.Style{}).Spark([]float64{1, 0}, 8), "#_"; got != want {
		t.Errorf("Spark = %q, want %q", got, want)
	}
}

func TestWidthAndTruncate(t *testing.T) {
	uni := term.Style{Unicode: true}
	for text, want := range map[string]int{"abc": 3, "支払い": 6, "é": 1, "e\u0301": 1, "": 0, "█": 1} {
		if got := term.Width(text); got != want {
			t.Errorf("Width(%q) = %d, want %d", text, got, want)
		}
	}
	for _, c := range []struct{ got, want string }{
		{uni.Truncate("payment-api", 8), "payment…"},
		{term.Style{}.Truncate("payment-api", 8), "payment~"},
		{uni.Truncate("short", 8), "short"},
		{uni.Truncate("支払い", 4), "支…"},
		{uni.TruncateMiddle("payment-api/availability", 13), "paymen…bility"},
		{uni.TruncateMiddle("abcdef", 4), "abc…"},
		{term.Pad("ab", 4) + "|", "ab  |"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestClean(t *testing.T) {
	if got, want := term.Clean("a\x1b[31mb\nc\u009bd\u202ee"), "a[31mb cde"; got != want {
		t.Errorf("Clean = %q, want %q", got, want)
	}
}

func TestPaint(t *testing.T) {
	if got, want := (term.Style{Color: true}).Paint(term.Bad, "x"), "\x1b[31mx\x1b[0m"; got != want {
		t.Errorf("Paint = %q, want %q", got, want)
	}
	for _, tone := range []term.Tone{term.Plain, term.Strong, term.Faint, term.Good, term.Notice, term.Bad, term.Dire} {
		if got := (term.Style{}).Paint(tone, "x"); got != "x" {
			t.Errorf("without colour tone %d paints %q", tone, got)
		}
	}
}

func table() ([]term.Column, [][]term.Cell) {
	columns := []term.Column{
		{Title: "NAME", Min: 8, Yield: 3},
		{Title: "NOTE", Drop: 1},
		{Title: "N", Right: true},
		{Title: "BAR", Drop: 2, Min: 4, Max: 10},
	}
	row := func(name, note, n string) []term.Cell {
		return []term.Cell{{Text: name, Middle: true}, term.Text(note), term.Toned(term.Bad, n), {Draw: func(c int) string { return strings.Repeat("x", c) }}}
	}
	return columns, [][]term.Cell{row("payment-api", "first", "1"), row("cart", "second", "22")}
}

func TestTable(t *testing.T) {
	columns, rows := table()
	for _, c := range []struct {
		name  string
		style term.Style
		want  string
	}{
		{"pipe", term.Style{}, "NAME         NOTE     N\npayment-api  first    1\ncart         second  22\n"},
		{"wide", term.Style{Decor: true, Width: 80}, "NAME         NOTE     N  BAR\npayment-api  first    1  xxxxxxxxxx\ncart         second  22  xxxxxxxxxx\n"},
		{"room for a short bar", term.Style{Decor: true, Width: 30}, "NAME         NOTE     N  BAR\npayment-api  first    1  xxxxx\ncart         second  22  xxxxx\n"},
		{"the bar is cut to its least", term.Style{Decor: true, Width: 27}, "NAME       NOTE     N  BAR\npaym~-api  first    1  xxxx\ncart       second  22  xxxx\n"},
		{"no bar", term.Style{Decor: true, Width: 24}, "NAME         NOTE     N\npayment-api  first    1\ncart         second  22\n"},
		{"no note", term.Style{Decor: true, Width: 17}, "NAME          N\npayment-api   1\ncart         22\n"},
		{"nothing left to drop", term.Style{Decor: true, Width: 10}, "NAME     N\npay~pi   1\ncart    22\n"},
	} {
		if diff := cmp.Diff(c.want, c.style.Table(columns, rows)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.name, diff)
		}
	}
}

func TestTableColoursOnlyText(t *testing.T) {
	columns, rows := table()
	plain := term.Style{Width: 40}
	coloured := plain
	coloured.Color = true
	got := coloured.Table(columns, rows)
	for _, code := range []string{"\x1b[1m", "\x1b[31m", "\x1b[0m"} {
		if !strings.Contains(got, code) {
			t.Errorf("no %q in %q", code, got)
		}
		got = strings.ReplaceAll(got, code, "")
	}
	if diff := cmp.Diff(plain.Table(columns, rows), got); diff != "" {
		t.Errorf("colour moves text: (-plain +coloured)\n%s", diff)
	}
}

// TestTableFits checks that no line is wider than the terminal as long as the
// columns that always stay have room for six characters each.
func TestTableFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z支]{0,20}`)
		columns := []term.Column{
			{Title: "A", Min: 6},
			{Title: "B", Drop: 3, Right: true},
			{Title: "C", Drop: 1, Min: 4},
			{Title: "D", Drop: 2, Min: 4, Max: 12},
			{Title: "E", Min: 6},
		}
		var rows [][]term.Cell
		for range rapid.IntRange(0, 4).Draw(t, "rows") {
			rows = append(rows, []term.Cell{
				{Text: text.Draw(t, "a"), Middle: true},
				term.Text(text.Draw(t, "b")), term.Text(text.Draw(t, "c")),
				{Draw: func(c int) string { return strings.Repeat("#", c) }},
				term.Text(text.Draw(t, "e")),
			})
		}
		st := term.Style{
			Decor: rapid.Bool().Draw(t, "decor"), Unicode: rapid.Bool().Draw(t, "unicode"),
			Width: rapid.IntRange(14, 120).Draw(t, "width"),
		}
		for line := range strings.Lines(st.Table(columns, rows)) {
			if w := term.Width(strings.TrimSuffix(line, "\n")); w > st.Width {
				t.Fatalf("%d columns on a terminal of %d: %q", w, st.Width, line)
			}
		}
		if !slicesEqualEnds(st.Shown(columns, rows)) {
			t.Fatalf("a column that always stays is gone: %v", st.Shown(columns, rows))
		}
	})
}

func slicesEqualEnds(titles []string) bool {
	return len(titles) >= 2 && titles[0] == "A" && titles[len(titles)-1] == "E"
}

func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`[a-z]{1,12}`)).Draw(t, "words")
		width := rapid.IntRange(0, 40).Draw(t, "width")
		lines := term.Wrap(strings.Join(words, " "), width)
		if got := strings.ReplaceAll(strings.Join(lines, ""), " ", ""); got != strings.Join(words, "") {
			t.Fatalf("wrapping changed %q to %q", words, got)
		}
		for _, l := range lines {
			if width > 0 && term.Width(l) > width {
				t.Fatalf("line %q is wider than %d", l, width)
			}
		}
	})
}

func TestWrapKeepsTogether(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"only 5.6 % left", 8, []string{"only", "5.6 %", "left"}},
		{"payment-api/availability fails", 14, []string{"payment-api/", "availability", "fails"}},
		{"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"支払い", 3, []string{"支", "払", "い"}},
	} {
		if diff := cmp.Diff(c.want, term.Wrap(c.text, c.width)); diff != "" {
			t.Errorf("Wrap(%q, %d): (-want +got)\n%s", c.text, c.width, diff)
		}
	}
}

func TestHang(t *testing.T) {
	for _, tc := range []struct {
		width int
		want  string
	}{
		{0, "  - one two three four five six seven\n"},
		{30, "  - one two three four five\n    six seven\n"},
		{5, "  - one two three four\n    five six seven\n"}, // never narrower than a few words
	} {
		if got := (term.Style{Width: tc.width}).Hang(term.Strong, "  - ", "one two three four five\x1b six seven"); got != tc.want {
			t.Errorf("at %d:\n%q, want\n%q", tc.width, got, tc.want)
		}
	}
}
