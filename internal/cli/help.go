package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/render/term"
)

// readable is the widest a line of help gets, however wide the terminal.
const readable = 100

// help prints what a verb does, how it is called, with examples, exit codes
// and flags.
func help(h *host.Host, c *cobra.Command) {
	style := h.Style()
	width := readable
	if style.Width > 0 {
		width = min(width, style.Width)
	}
	p := page{style: style, width: width}
	p.text(firstOf(c.Long, c.Short))
	p.head("Usage")
	for _, line := range usageLines(c) {
		p.line(line)
	}
	if c.HasExample() {
		p.head("Examples")
		p.b.WriteString(c.Example + "\n")
	}
	for _, g := range c.Groups() {
		p.head(g.Title)
		p.verbs(c, g.ID)
	}
	if len(c.Groups()) == 0 && c.HasAvailableSubCommands() {
		p.head("Verbs")
		p.verbs(c, "")
	}
	p.codes(c)
	if formats := strings.Fields(c.Annotations[host.Formats]); len(formats) > 0 {
		p.head("Formats (-o)")
		p.line(strings.Join(formats, ", "))
	}
	p.flags("Flags", c.LocalNonPersistentFlags(), c)
	p.flags("Global flags", globalFlags(c), c)
	if c.HasAvailableSubCommands() {
		p.b.WriteString("\n`" + c.CommandPath() + " VERB --help` says more about a verb.\n")
	}
	_, _ = fmt.Fprint(h.Out, p.b.String())
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func usageLines(c *cobra.Command) []string {
	var lines []string
	if _, does := c.Annotations[host.Formats]; does || !c.HasAvailableSubCommands() {
		lines = append(lines, c.UseLine())
	}
	if c.HasAvailableSubCommands() {
		lines = append(lines, c.CommandPath()+" VERB [flags]")
	}
	return lines
}

func globalFlags(c *cobra.Command) *pflag.FlagSet {
	if c.HasParent() {
		return c.InheritedFlags()
	}
	return c.PersistentFlags()
}

// page collects the help of a verb.
type page struct {
	style term.Style
	width int
	b     strings.Builder
}

// text writes paragraphs as they are where they fit, else wrapped.
func (p *page) text(text string) {
	for para := range strings.SplitSeq(text, "\n\n") {
		if p.b.Len() > 0 {
			p.b.WriteByte('\n')
		}
		lines := strings.Split(para, "\n")
		if widest(lines) > p.width && !strings.HasPrefix(para, " ") {
			lines = term.Wrap(strings.Join(lines, " "), p.width)
		}
		p.b.WriteString(strings.Join(lines, "\n") + "\n")
	}
}

func widest(lines []string) int {
	n := 0
	for _, l := range lines {
		n = max(n, term.Width(l))
	}
	return n
}

func (p *page) head(title string) {
	p.b.WriteString("\n" + p.style.Paint(term.Strong, title+":") + "\n")
}

func (p *page) line(text string) { p.b.WriteString("  " + text + "\n") }

// pair writes a term and its meaning, wrapped into a column of its own.
func (p *page) pair(name, text string, column int) {
	for i, line := range term.Wrap(text, p.width-column-4) {
		if i > 0 {
			name = ""
		}
		p.line(name + strings.Repeat(" ", max(0, column-term.Width(name))) + "  " + line)
	}
}

func (p *page) verbs(c *cobra.Command, group string) {
	column := 0
	for _, sub := range c.Commands() {
		column = max(column, len(sub.Name()))
	}
	for _, sub := range c.Commands() {
		if sub.GroupID == group && (sub.IsAvailableCommand() || sub.Name() == "help") {
			p.pair(sub.Name(), sub.Short, column)
		}
	}
}

func (p *page) codes(c *cobra.Command) {
	text := strings.TrimSpace(c.Annotations[host.ExitCodes])
	if text == "" {
		return
	}
	p.head("Exit codes")
	for line := range strings.SplitSeq(text, "\n") {
		code, meaning, _ := strings.Cut(line, "\t")
		p.pair(code, meaning, 1)
	}
}

func (p *page) flags(title string, flags *pflag.FlagSet, _ *cobra.Command) {
	if !flags.HasAvailableFlags() {
		return
	}
	p.head(title)
	p.b.WriteString(flags.FlagUsagesWrapped(p.width))
}
