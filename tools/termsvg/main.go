// Command termsvg turns what a program printed for a colour terminal into an
// SVG picture that follows the reader's light or dark page.
//
//	bin/nines status --color always | go run ./tools/termsvg 'nines status' > doc/img/status.svg
package main

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The measures of a cell of 14 px monospace text, and the frame around it.
const (
	cellWidth  = 8.43
	lineHeight = 19
	margin     = 18
	bar        = 30
)

func main() {
	title := strings.Join(os.Args[1:], " ")
	lines, err := read(os.Stdin)
	if err == nil {
		err = draw(os.Stdout, title, lines)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "termsvg:", err)
		os.Exit(1)
	}
}

// run is a piece of a line in one style.
type run struct{ class, text string }

// escape is a sequence that sets colour or weight; the program sends no other.
var escape = regexp.MustCompile("\x1b\\[([0-9;]*)m")

func read(r io.Reader) (lines [][]run, err error) {
	in := bufio.NewScanner(r)
	for in.Scan() {
		lines = append(lines, split(in.Text()))
	}
	return lines, in.Err()
}

// split cuts a line where its style changes.
func split(line string) []run {
	var out []run
	class, at := "", 0
	for _, m := range escape.FindAllStringSubmatchIndex(line, -1) {
		if m[0] > at {
			out = append(out, run{class, line[at:m[0]]})
		}
		class, at = className(line[m[2]:m[3]]), m[1]
	}
	if at < len(line) {
		out = append(out, run{class, line[at:]})
	}
	return out
}

// className is the style of a sequence: b(old), d(im), or the name of a colour.
func className(codes string) string {
	var out []string
	for code := range strings.SplitSeq(codes, ";") {
		switch code {
		case "1":
			out = append(out, "b")
		case "2":
			out = append(out, "d")
		case "31", "91":
			out = append(out, "red")
		case "32", "92":
			out = append(out, "green")
		case "33", "93":
			out = append(out, "yellow")
		case "36", "96":
			out = append(out, "cyan")
		}
	}
	return strings.Join(out, " ")
}

const style = `<style>
.bg{fill:#fff;stroke:#d0d7de}.t{fill:#1f2328;font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}
.h{fill:#656d76}.b{font-weight:700}.d{fill:#656d76}.red{fill:#cf222e}.green{fill:#1a7f37}.yellow{fill:#9a6700}.cyan{fill:#1b7c83}
@media (prefers-color-scheme:dark){.bg{fill:#0d1117;stroke:#30363d}.t{fill:#e6edf3}.h,.d{fill:#8b949e}
.red{fill:#ff7b72}.green{fill:#3fb950}.yellow{fill:#d29922}.cyan{fill:#39c5cf}}
</style>`

func draw(w io.Writer, title string, lines [][]run) error {
	columns := utf8.RuneCountInString(title) + 4
	for _, line := range lines {
		n := 0
		for _, r := range line {
			n += utf8.RuneCountInString(r.text)
		}
		columns = max(columns, n)
	}
	width := float64(columns)*cellWidth + 2*margin
	height := bar + len(lines)*lineHeight + margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" viewBox="0 0 %[1]g %[2]d" role="img">`+"\n", width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n%s\n", html.EscapeString(title), style)
	fmt.Fprintf(&b, `<rect class="bg" x=".5" y=".5" width="%.0f" height="%d" rx="8"/>`+"\n", width-1, height-1)
	fmt.Fprintf(&b, `<text class="t h" x="%d" y="20">$ %s</text>`+"\n", margin, html.EscapeString(title))
	for i, line := range lines {
		// Every run stands at its own column, so that a font whose block characters
		// are wider does not shift what follows.
		column := 0
		for _, r := range line {
			n := utf8.RuneCountInString(r.text)
			if strings.TrimSpace(r.text) != "" {
				fmt.Fprintf(&b, `<text class="t %s" x="%.1f" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs" xml:space="preserve">%s</text>`+"\n",
					r.class, margin+float64(column)*cellWidth, bar+14+i*lineHeight, float64(n)*cellWidth, html.EscapeString(r.text))
			}
			column += n
		}
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}
