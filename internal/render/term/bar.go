package term

import (
	"math"
	"strings"
)

// Bar draws a share (0..1, clamped) as a bar of the given width. A share above
// zero always shows something, one below one never shows full.
func (s Style) Bar(share float64, columns int) string {
	if columns <= 0 || math.IsNaN(share) {
		return ""
	}
	share = min(max(share, 0), 1)
	if !s.Unicode {
		full := steps(share, columns)
		return strings.Repeat("#", full) + strings.Repeat(".", columns-full)
	}
	eighths := steps(share, columns*8)
	full, rest := eighths/8, eighths%8
	bar := strings.Repeat("█", full)
	if rest > 0 {
		bar += string([]rune(" ▏▎▍▌▋▊▉")[rest])
		full++
	}
	return bar + strings.Repeat("░", columns-full)
}

// steps rounds share*n, keeping the ends for what is exactly at an end.
func steps(share float64, n int) int {
	k := int(math.Round(share * float64(n)))
	if share > 0 {
		k = max(k, 1)
	}
	if share < 1 {
		k = min(k, n-1)
	}
	return max(k, 0)
}

// Spark draws values as a line of blocks between 0 and 1 (clamped): the height
// is comparable between objectives. More values than columns are thinned to
// the lowest of each group, so a dip is never lost.
func (s Style) Spark(values []float64, columns int) string {
	if columns <= 0 || len(values) == 0 {
		return ""
	}
	marks := []rune(s.Pick("▁▂▃▄▅▆▇█", "_.,-=+*#"))
	n := min(columns, len(values))
	var b strings.Builder
	for i := range n {
		group := values[i*len(values)/n : (i+1)*len(values)/n]
		low := group[0]
		for _, v := range group {
			low = min(low, v)
		}
		low = min(max(low, 0), 1)
		b.WriteRune(marks[min(int(low*float64(len(marks))), len(marks)-1)])
	}
	return b.String()
}
