package term

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Width is how many columns a text takes on a terminal: two for wide East
// Asian characters, none for combining marks. Text must hold no escape
// sequences.
func Width(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	if r < 0x7f {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	case width.Neutral, width.EastAsianAmbiguous, width.EastAsianNarrow, width.EastAsianHalfwidth:
	}
	return 1
}

// Truncate shortens text to at most columns, with an ellipsis where something
// was cut.
func (s Style) Truncate(text string, columns int) string {
	if Width(text) <= columns {
		return text
	}
	if columns <= 0 {
		return ""
	}
	var b strings.Builder
	left := columns - 1
	for _, r := range text {
		w := runeWidth(r)
		if w > left {
			break
		}
		left -= w
		b.WriteRune(r)
	}
	b.WriteString(s.ellipsis())
	return b.String()
}

// TruncateMiddle shortens text to at most columns, keeping both ends.
func (s Style) TruncateMiddle(text string, columns int) string {
	if Width(text) <= columns || columns < 5 {
		return s.Truncate(text, columns)
	}
	tail := (columns - 1) / 2
	runes := []rune(text)
	from, used := len(runes), 0
	for from > 0 && used+runeWidth(runes[from-1]) <= tail {
		from--
		used += runeWidth(runes[from])
	}
	return s.Truncate(text, columns-used) + string(runes[from:])
}

// Pad fills text with spaces on the right to a number of columns.
func Pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-Width(text)))
}

// Wrap breaks text into lines of at most columns at spaces, though not between
// a number and its %. A word longer than a line is broken, behind a slash if it
// has one. With no limit (0) it is one line.
func Wrap(text string, columns int) []string {
	if columns <= 0 || Width(text) <= columns {
		return []string{text}
	}
	var lines []string
	line, used := "", 0
	for word := range strings.SplitSeq(strings.ReplaceAll(text, " %", "\u00a0%"), " ") {
		if word == "" {
			continue
		}
		word = strings.ReplaceAll(word, "\u00a0", " ")
		if used > 0 && used+1+Width(word) > columns {
			lines = append(lines, line)
			line, used = "", 0
		}
		for Width(word) > columns {
			head := breakWord(word, columns)
			lines = append(lines, head)
			word = word[len(head):]
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+Width(word)
	}
	return append(lines, line)
}

// breakWord returns the longest beginning of a word that fits, up to its last
// slash there if there is one. It is never empty.
func breakWord(word string, columns int) string {
	end, used, slash := 0, 0, 0
	for i, r := range word {
		if used += runeWidth(r); used > columns && i > 0 {
			break
		}
		end = i + utf8.RuneLen(r)
		if r == '/' {
			slash = end
		}
	}
	if slash > 0 {
		return word[:slash]
	}
	return word[:end]
}
