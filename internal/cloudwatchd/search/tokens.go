package search

import (
	"strings"
	"unicode"
)

// pieces cuts a text into its tokens, in their own case.
func pieces(s string) []string {
	var out []string
	runes := []rune(s)
	start := -1
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			if start >= 0 {
				out = append(out, string(runes[start:i]))
			}
			start = -1
			continue
		}
		if start >= 0 && boundary(runes, i) {
			out = append(out, string(runes[start:i]))
			start = i
		}
		if start < 0 {
			start = i
		}
	}
	if start >= 0 {
		out = append(out, string(runes[start:]))
	}
	return out
}

// boundary says whether a token begins at i inside a run of letters and digits:
// customCount, trial333, SDBFailure.
func boundary(r []rune, i int) bool {
	before, here := r[i-1], r[i]
	switch {
	case unicode.IsDigit(before) != unicode.IsDigit(here):
		return true
	case unicode.IsLower(before) && unicode.IsUpper(here):
		return true
	}
	return unicode.IsUpper(before) && unicode.IsUpper(here) && i+1 < len(r) && unicode.IsLower(r[i+1])
}

// Tokens lists the tokens CloudWatch makes of a text: the whole without other
// characters, then its parts, all in lower case.
func Tokens(s string) []string {
	parts := pieces(s)
	if len(parts) == 0 {
		return nil
	}
	whole := strings.ToLower(strings.Join(parts, ""))
	out := []string{whole}
	for _, p := range parts {
		if low := strings.ToLower(p); low != whole {
			out = append(out, low)
		}
	}
	return out
}

// partial says whether a term matches a text by its tokens.
func partial(term, text string) bool {
	want := pieces(term)
	switch len(want) {
	case 0:
		return false
	case 1:
		for _, t := range Tokens(text) {
			if strings.EqualFold(t, want[0]) {
				return true
			}
		}
		return false
	}
	same := func(a, b string) bool { return a == b }
	if strings.ContainsFunc(term, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		same = strings.EqualFold
	}
	have := pieces(text)
	for i := 0; i+len(want) <= len(have); i++ {
		k := 0
		for k < len(want) && same(have[i+k], want[k]) {
			k++
		}
		if k == len(want) {
			return true
		}
	}
	return false
}
