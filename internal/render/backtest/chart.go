// Package backtest draws what policies would have told, and when, beside the
// incidents there were. The same outcome is the same drawing to the byte.
package backtest

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/backtest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Chart is what is drawn: a strip for each objective and policy.
type Chart struct {
	Span       slo.Span
	Objectives []string
	Incidents  []backtest.Incident
	Policies   []Policy
}

// Policy is a policy and what it would have told.
type Policy struct {
	Name    string
	Notices []backtest.Notice
}

// The drawing's measures, in pixels.
const (
	width  = 960
	left   = 16
	strip  = 14
	label  = 18
	gap    = 10
	top    = 40
	bottom = 30
)

// SVG draws the chart. It names no font, script or address of elsewhere.
func SVG(c Chart) string {
	var b strings.Builder
	rows := len(c.Policies)
	height := top + len(c.Objectives)*(label+rows*(strip+4)+gap) + bottom
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="What policies would have told, beside the incidents">`+"\n", width, height, width, height)
	b.WriteString(`<style>text{font:12px system-ui,sans-serif;fill:#222}.s{fill:#eef1f4}.i{fill:#f4b183}.p{fill:#b00020}.t{fill:#1f5fa8}.f{fill:#b00020;fill-opacity:.25}.g{fill:#1f5fa8;fill-opacity:.2}` +
		`@media (prefers-color-scheme:dark){text{fill:#ddd}.s{fill:#2a2f35}}</style>` + "\n")
	fmt.Fprintf(&b, `<text x="%d" y="16">Incidents (orange), pages (red) and tickets (blue), by policy</text>`+"\n", left)
	y := top
	for _, o := range c.Objectives {
		fmt.Fprintf(&b, `<text x="%d" y="%d">%s</text>`+"\n", left, y+12, html.EscapeString(o))
		y += label
		for i := range c.Policies {
			c.strip(&b, o, &c.Policies[i], y)
			y += strip + 4
		}
		y += gap
	}
	c.axis(&b, height-bottom+14)
	b.WriteString("</svg>\n")
	return b.String()
}

// x is where an instant stands.
func (c *Chart) x(m slo.Minute) float64 {
	return left + float64(m-c.Span.From)/float64(max(1, c.Span.Len()))*(width-2*left)
}

func (c *Chart) rect(b *strings.Builder, class string, s slo.Span, y int, title string) {
	s = s.Intersect(slo.Span{From: c.Span.From, To: c.Span.To + 1})
	if s.Empty() {
		return
	}
	from, to := c.x(s.From), c.x(s.To)
	fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d"><title>%s</title></rect>`+"\n", class, from, y, max(1.5, to-from), strip, html.EscapeString(title))
}

func (c *Chart) strip(b *strings.Builder, objective string, p *Policy, y int) {
	c.rect(b, "s", c.Span, y, p.Name)
	for i := range c.Incidents {
		if x := &c.Incidents[i]; x.Concerns(objective) {
			c.rect(b, "i", x.Span(), y, fmt.Sprintf("incident %s to %s, %.1f %% of the budget", stamp(x.From), stamp(x.To), 100*x.Spent))
		}
	}
	for i := range p.Notices {
		n := &p.Notices[i]
		if n.Objective != objective {
			continue
		}
		end, mark, fill := n.Ended, "p", "f"
		if end == 0 {
			end = c.Span.To
		}
		if n.Severity == slo.Ticket {
			mark, fill = "t", "g"
		}
		title := fmt.Sprintf("%s: %s %s at %s", p.Name, n.Severity, n.Rule, stamp(n.At))
		c.rect(b, fill, slo.Span{From: n.At, To: end}, y, title)
		c.rect(b, mark, slo.Span{From: n.At, To: n.At + 1}, y, title)
	}
}

// axis writes up to eight dates.
func (c *Chart) axis(b *strings.Builder, y int) {
	days := c.Span.Len()/slo.Day + 1
	every := max(1, (days+7)/8)
	first := (c.Span.From + slo.Day - 1) / slo.Day * slo.Day
	for m := first; m < c.Span.To; m += every * slo.Day {
		fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`+"\n", c.x(m), y, m.Time().Format(time.DateOnly))
	}
}

func stamp(m slo.Minute) string { return m.Time().Format("2006-01-02 15:04") }

// HTML is a page of its own with the chart, and the text beside it.
func HTML(c Chart, text string) string {
	names := make([]string, len(c.Policies))
	for i := range c.Policies {
		names[i] = c.Policies[i].Name
	}
	slices.Sort(names)
	title := "Backtest of " + strings.Join(names, ", ")
	return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + html.EscapeString(title) + "</title>\n" +
		"<meta name=\"viewport\" content=\"width=device-width\"><style>body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em}" +
		"pre{overflow-x:auto}svg{max-width:100%;height:auto}@media (prefers-color-scheme:dark){body{background:#14171a;color:#ddd}}</style></head><body>\n<h1>" +
		html.EscapeString(title) + "</h1>\n" + SVG(c) + "<pre>" + html.EscapeString(text) + "</pre>\n</body></html>\n"
}
