package term

import "strings"

// Hang wraps a text behind a head, which is painted in a tone: what goes on below
// stands under the text. Nothing is narrower than a few words, and without a width
// it is one line. The text is cleaned.
func (s Style) Hang(tone Tone, head, text string) string {
	const least = 20
	room := 0
	if s.Width > 0 {
		room = max(least, s.Width-Width(head))
	}
	var b strings.Builder
	for _, line := range Wrap(Clean(text), room) {
		b.WriteString(s.Paint(tone, head) + line + "\n")
		head = strings.Repeat(" ", Width(head))
	}
	return b.String()
}
