package discover

import (
	"slices"
	"strings"
)

// Near returns those of have that look most like want, best first, at most
// most. Case and separators hardly count; what has nothing to do with want is
// left out.
func Near(want string, have []string, most int) []string {
	type scored struct {
		name string
		far  int
	}
	plainWant := plain(want)
	var all []scored
	for _, name := range have {
		p := plain(name)
		// A third of the letters may be wrong, or two that changed places; a part of
		// the name is near, too.
		limit := max(1, max(len(p), len(plainWant))/3)
		if len(plainWant) >= 3 && len(p) >= 3 {
			limit = max(2, limit)
		}
		far := distance(plainWant, p, limit)
		if far > limit && len(plainWant) >= 3 && len(p) >= 3 && (strings.Contains(p, plainWant) || strings.Contains(plainWant, p)) {
			far = limit
		}
		if far <= limit {
			all = append(all, scored{name, far})
		}
	}
	slices.SortFunc(all, func(a, b scored) int {
		if a.far != b.far {
			return a.far - b.far
		}
		return strings.Compare(a.name, b.name)
	})
	out := make([]string, 0, most)
	for _, s := range all[:min(most, len(all))] {
		out = append(out, s.name)
	}
	return slices.Compact(out)
}

// plain is a name without what people get wrong.
func plain(s string) string {
	const most = 200 // longer names are compared by their beginning
	out := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(s))
	return out[:min(len(out), most)]
}

// distance is how many letters must be put in, taken out or changed, or
// limit+1 as soon as it is more than the limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, best := row[0], i+1
		row[0] = i + 1
		for j := range len(b) {
			step := 1
			if a[i] == b[j] {
				step = 0
			}
			before, row[j+1] = row[j+1], min(before+step, row[j]+1, row[j+1]+1)
			best = min(best, row[j+1])
		}
		if best > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}
