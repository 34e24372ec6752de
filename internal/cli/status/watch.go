package status

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/term"
)

// The sequences that borrow a terminal and give it back.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // alternate screen, cursor hidden
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	topLeft     = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// resizeCheck is how often the size of the terminal is looked at.
const resizeCheck = 250 * time.Millisecond

// keep redraws the answer until the caller interrupts. The reader's screen
// comes back as it was.
func (o *options) keep(ctx context.Context, h *host.Host, format string) error {
	if _, _, tty := h.OutSize(); !tty || format != "table" {
		return fault.New(fault.Invalid, "--watch", "it needs a terminal to draw on", "leave it out, or call status in a loop")
	}
	if o.every < time.Second {
		return fault.New(fault.Invalid, "--every "+o.every.String(), "it is less than a second", "give at least 1s")
	}
	quiet := h.Quiet
	h.Quiet = true // notes would tear the screen
	defer func() { h.Quiet = quiet }()
	if _, err := io.WriteString(h.Out, enterScreen); err != nil {
		return err
	}
	// A panic must give the terminal back as well.
	defer io.WriteString(h.Out, leaveScreen) //nolint:errcheck // the terminal is gone if it fails
	return o.redraw(ctx, h)
}

// redraw looks every so often, and draws again when the window changes too.
func (o *options) redraw(ctx context.Context, h *host.Host) error {
	look := time.NewTicker(o.every)
	defer look.Stop()
	resize := time.NewTicker(resizeCheck)
	defer resize.Stop()
	v, err := o.look(ctx, h)
	for {
		columns, lines, _ := h.OutSize()
		if werr := draw(h, o.screen(h, v, err), lines); werr != nil {
			return werr
		}
		for changed := false; !changed; {
			select {
			case <-ctx.Done():
				return nil
			case <-look.C:
				v, err = o.look(ctx, h)
				changed = true
			case <-resize.C:
				c, l, _ := h.OutSize()
				changed = c != columns || l != lines
			}
		}
	}
}

// screen is what is drawn: the answer, or why there is none.
func (o *options) screen(h *host.Host, v View, err error) string {
	st := h.Style()
	now := h.Now().UTC()
	if v.Zone != nil {
		now = now.In(v.Zone)
	}
	title := fmt.Sprintf("nines status, every %s, %s; ctrl-C ends", o.every, now.Format("15:04:05 MST"))
	head := st.Paint(term.Faint, st.Truncate(title, max(1, st.Width))) + "\n\n"
	if err != nil {
		body := strings.Join(term.Wrap("nines: "+term.Clean(err.Error()), st.Width), "\n")
		if hint := fault.HintOf(err); hint != "" {
			body += "\n" + strings.Join(term.Wrap("hint: "+term.Clean(hint), st.Width), "\n")
		}
		return head + body + "\n"
	}
	return head + v.Text(st)
}

// draw writes a screen over the last one, line by line, so that nothing
// flickers, and no further than the terminal is high.
func draw(h *host.Host, text string, lines int) error {
	var b strings.Builder
	b.WriteString(topLeft)
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if lines > 0 && len(all) > lines {
		all = append(all[:lines-1], fmt.Sprintf("... %d more lines", len(all)-lines+1))
	}
	for i, line := range all {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line + clearLine)
	}
	b.WriteString(clearBelow)
	_, err := io.WriteString(h.Out, b.String())
	return err
}
