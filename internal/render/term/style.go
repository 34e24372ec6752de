package term

import "strings"

// Style is what the reader's end can show. The zero value is a pipe: no
// colour, no decoration, plain ASCII, no limit of width.
type Style struct {
	Color   bool // escape sequences for colour
	Unicode bool // block characters and the ellipsis; else ASCII
	Decor   bool // bars and sparklines; off for pipes
	Width   int  // columns of a line; 0: no limit
}

// Tone is the weight of a piece of text. Each has one colour, and colour is
// never the only bearer of a meaning.
type Tone uint8

// The tones.
const (
	Plain  Tone = iota
	Strong      // headings
	Faint       // what may be skipped
	Good        // as it should be
	Notice      // worth a look
	Bad         // needs somebody
	Dire        // needs somebody now
)

// codes are the sixteen-colour sequences, so that the reader's own palette
// (light or dark) decides.
func (t Tone) code() string {
	switch t {
	case Strong:
		return "\x1b[1m"
	case Faint:
		return "\x1b[2m"
	case Good:
		return "\x1b[32m"
	case Notice:
		return "\x1b[33m"
	case Bad:
		return "\x1b[31m"
	case Dire:
		return "\x1b[1;31m"
	case Plain:
	}
	return ""
}

// Paint colours text where the style allows it.
func (s Style) Paint(t Tone, text string) string {
	code := t.code()
	if !s.Color || code == "" || text == "" {
		return text
	}
	return code + text + "\x1b[0m"
}

// Pick returns the first text where Unicode can be shown, else the second.
func (s Style) Pick(unicode, ascii string) string {
	if s.Unicode {
		return unicode
	}
	return ascii
}

// ellipsis stands for what was cut off.
func (s Style) ellipsis() string { return s.Pick("…", "~") }

// Clean replaces control characters, so that text from documents and files
// cannot steer the terminal. Line breaks become spaces.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r < 0x20 || (r >= 0x7f && r < 0xa0):
			return -1
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1 // these turn the direction of what follows
		default:
			return r
		}
	}, text)
}
