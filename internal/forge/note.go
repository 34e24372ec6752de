package forge

import "strings"

// part begins each part of a note, with its name and the commit that it is about.
const part = "<!-- nines/part "

// In is the text of the note once this is written into the one that is there. A
// note without parts, and parts about another commit, are of yesterday.
func (n Note) In(old string) string {
	if n.Part == "" {
		return n.Body
	}
	const end = " -->"
	of := plain(n.Commit)
	// No text of a body is a comment, so that none begins a part of its own.
	body := strings.ReplaceAll(strings.TrimSpace(n.Body), "<!--", "<!\u200b--")
	mine := part + n.Part + " " + of + end + "\n\n" + body + "\n"
	_, rest, _ := strings.Cut(old, part)
	var all []string
	written := false
	for text := range strings.SplitSeq(rest, part) {
		name, _, ok := strings.Cut(text, end)
		word, commit, _ := strings.Cut(name, " ")
		switch {
		case !ok:
		case word == n.Part:
			if !written {
				all, written = append(all, mine), true
			}
		case commit == of:
			all = append(all, part+strings.TrimRight(text, "\n")+"\n")
		}
	}
	if !written {
		all = append(all, mine)
	}
	return strings.Join(all, "\n")
}

// plain is a commit as it may stand in a comment.
func plain(commit string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '_'
	}, commit)
}
