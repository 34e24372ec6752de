package measure

import (
	"fmt"
	"io"
	"time"

	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runmeasure "gitlab.com/nines-sre/nines/internal/run/measure"
)

// How often the progress is shown: a terminal's line is drawn again, a log
// gets a line now and then.
const (
	redrawEvery = 100 * time.Millisecond
	logEvery    = 5 * time.Second
)

// Progress shows how far a run has come. A terminal gets one line that is
// drawn again; a pipe gets a line every few seconds, and nothing for runs that
// are shorter.
type Progress struct {
	w      io.Writer
	style  term.Style
	prices cost.Prices
	last   time.Duration
	drawn  bool
}

// NewProgress shows progress on a stream of a style, and what was spent by a
// price file.
func NewProgress(w io.Writer, style term.Style, prices cost.Prices) *Progress {
	return &Progress{w: w, style: style, prices: prices}
}

// Show shows where a run is, if it is time to.
func (p *Progress) Show(at runmeasure.Progress) {
	every := logEvery
	if p.style.Decor {
		every = redrawEvery
	}
	if at.Elapsed-p.last < every && at.Done < at.Total {
		return
	}
	if !p.style.Decor && at.Elapsed < every {
		return
	}
	p.last = at.Elapsed
	if p.style.Decor {
		p.drawn = true
		_, _ = fmt.Fprint(p.w, "\r"+p.line(at)+"\x1b[K")
		return
	}
	_, _ = fmt.Fprintln(p.w, "nines: "+p.line(at))
}

// End removes the line.
func (p *Progress) End() {
	if p.drawn {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// line says how much is done, how fast, how long the rest takes, and what was
// spent so far.
func (p *Progress) line(at runmeasure.Progress) string {
	share := 0.0
	if at.Total > 0 {
		share = float64(at.Done) / float64(at.Total)
	}
	text := "measuring " + term.Percent(share, 0)
	if seconds := at.Elapsed.Seconds(); seconds > 0 && at.Done > 0 {
		rate := float64(at.Done) / seconds
		left := time.Duration(float64(at.Total-at.Done) / rate * float64(time.Second))
		text += fmt.Sprintf("  %s minutes/s  %s left", term.Count(float64(int64(rate))), term.Duration(left.Round(time.Second)))
	}
	if at.Usage.Requests > 0 {
		text += "  " + moneyOf(p.prices, &at.Usage).String()
	}
	text += "  " + term.Clean(at.Indicator)
	if !p.style.Decor {
		return text
	}
	room := max(1, p.style.Width-1)
	if bar := min(30, room-45); bar >= 8 {
		text = p.style.Bar(share, bar) + " " + text
	}
	return p.style.Truncate(text, room)
}
