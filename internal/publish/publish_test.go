package publish_test

import (
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/publish"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"99.9%": "99.9%", "within 300 ms": "within 300 ms", ":a:b": "%3Aa:b", "verfügbar": "verf%C3%BCgbar", "a\nb\x7f": "a%0Ab%7F", "": "",
	} {
		if got := publish.Clean(in); got != want {
			t.Errorf("%q is written %q, want %q", in, got, want)
		}
	}
}

// TestCleanText: whatever the name, what is written is what CloudWatch takes,
// and plain names stay as they are.
func TestCleanText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.String().Draw(t, "name")
		out := publish.Clean(in)
		plain := in == "" || in[0] != ':'
		for i := range len(out) {
			if out[i] < ' ' || out[i] > '~' {
				t.Fatalf("%q is written %q", in, out)
			}
		}
		for i := range len(in) {
			plain = plain && in[i] >= ' ' && in[i] <= '~'
		}
		if plain && out != in || publish.Clean(out) != out {
			t.Fatalf("%q is written %q", in, out)
		}
	})
}
