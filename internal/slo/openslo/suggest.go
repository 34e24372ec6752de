package openslo

import "strings"

// Suggest returns the candidate nearest to a word that was not understood, or
// "" where none is near: at most a third of its letters may differ. Case is
// free.
func Suggest(word string, candidates []string) string {
	const longest = 64 // nobody means a known word with more letters than that
	word = strings.ToLower(word)
	if len(word) > longest {
		return ""
	}
	best, near := "", max(1, len(word)/3)+1
	for _, c := range candidates {
		if d := distance(word, strings.ToLower(c)); d < near {
			best, near = c, d
		}
	}
	return best
}

// DidYouMean is Suggest as a hint; otherwise it lists what there is.
func DidYouMean(word string, candidates []string) string {
	if s := Suggest(word, candidates); s != "" {
		return "did you mean " + quote(s) + "?"
	}
	if len(candidates) == 0 {
		return ""
	}
	return "known are " + strings.Join(candidates, ", ")
}

func quote(s string) string { return `"` + s + `"` }

// distance is the number of single-letter edits, swaps of neighbours included,
// that turn a into b.
func distance(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
