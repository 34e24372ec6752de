// Package plot draws how an objective stands: the budget left over its window,
// the burn rates with their thresholds, and marks for what happened, as SVG and
// as PNG. Both are pure functions of a [Chart]: the same values give the same
// bytes.
package plot

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Chart is what is drawn. What is not known is left out: a line has a gap where
// a value is NaN.
type Chart struct {
	Title string // one line
	// Desc says in words what the picture shows, for who cannot see it.
	Desc     string
	From, To time.Time
	Zone     *time.Location // nil: UTC
	Budget   []Point        // the share that is left, 1 is all; may be below 0
	Burns    []Line         // burn rates, 1 spends exactly the budget
	Marks    []Mark
}

// Point is a value at an instant.
type Point struct {
	At    time.Time
	Value float64
}

// Line is a burn rate, and the threshold it is held against; 0: none.
type Line struct {
	Name      string // "1h"
	Points    []Point
	Threshold float64
}

// Mark is something that happened.
type Mark struct {
	At    time.Time
	Label string
	Alert bool // an alert; else a change, as a deployment
}

// The sizes, in pixels.
const (
	width, height           = 720, 420
	left, right             = 64, 16
	top                     = 64
	budgetHeight            = 120
	gap                     = 44
	burnTop                 = top + budgetHeight + gap
	burnHeight              = 120
	small, normal, headline = 11.0, 12.0, 16.0
	// Burn rates are drawn on a logarithmic scale from least.
	least = 0.1
	mostX = width - right
)

// The colours: dark enough on white to be read (WCAG AA), told apart by those
// who see few colours, and by dashes as well.
const (
	ink, faint, grid = "#1b1f24", "#57606a", "#d8dee4"
	blue, orange     = "#0550ae", "#b35900"
	red, green       = "#b3261e", "#1a7f37"
)

// canvas is what can be drawn on.
type canvas interface {
	rect(x, y, w, h float64, fill string)
	line(points [][2]float64, s stroke)
	text(x, y float64, t label)
}

type stroke struct {
	color  string
	width  float64
	dashed bool
}

type label struct {
	text   string
	size   float64
	color  string
	anchor int // -1: begins there, 0: in the middle, 1: ends there
	bold   bool
}

// draw draws the chart.
func (c *Chart) draw(on canvas) {
	on.rect(0, 0, width, height, "#ffffff")
	on.text(left-48, 28, label{clip(c.Title, 78), headline, ink, -1, true})
	c.budget(on)
	c.burns(on)
	c.times(on)
	c.marks(on)
}

// x is where an instant is.
func (c *Chart) x(t time.Time) float64 {
	span := c.To.Sub(c.From)
	if span <= 0 {
		return left
	}
	share := float64(t.Sub(c.From)) / float64(span)
	return left + min(max(share, 0), 1)*(mostX-left)
}

func (c *Chart) budget(on canvas) {
	low := 0.0
	for _, p := range c.Budget {
		if !math.IsNaN(p.Value) {
			low = min(low, p.Value)
		}
	}
	const floor = -9 // what is further overdrawn is drawn at the edge
	if low = max(low, floor); low < 0 {
		low = -math.Ceil(-low*4) / 4
	}
	y := func(v float64) float64 {
		return top + budgetHeight*(1-(min(max(v, low), 1)-low)/(1-low))
	}
	on.text(left, top-10, label{"budget left", normal, ink, -1, true})
	ticks := []float64{1, 0.5, 0}
	if low < 0 {
		ticks = append(ticks, low)
	}
	for _, v := range ticks {
		color := grid
		if v == 0 {
			color = faint
		}
		on.line([][2]float64{{left, y(v)}, {mostX, y(v)}}, stroke{color, 1, false})
		on.text(left-8, y(v)+4, label{fmt.Sprintf("%.0f %%", v*100), small, faint, 1, false})
	}
	color := green
	last, known := newest(c.Budget)
	if known && last <= 0 {
		color = red
	}
	c.curve(on, c.Budget, y, stroke{color, 2, false})
	if known {
		on.text(mostX, top-10, label{fmt.Sprintf("now %.1f %%", last*100), normal, color, 1, true})
	}
}

func (c *Chart) burns(on canvas) {
	high := 10.0
	for _, l := range c.Burns {
		high = max(high, l.Threshold*2)
		for _, p := range l.Points {
			if !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
				high = max(high, p.Value)
			}
		}
	}
	const most = 1e5 // what is faster is drawn at the edge
	high = min(high, most)
	decades := math.Ceil(math.Log10(high / least))
	y := func(v float64) float64 {
		return burnTop + burnHeight*(1-math.Log10(min(max(v, least), most)/least)/decades)
	}
	on.text(left, burnTop-10, label{"burn rate", normal, ink, -1, true})
	for d := 0.0; d <= decades; d++ {
		v := math.Pow(10, d-1)
		on.line([][2]float64{{left, y(v)}, {mostX, y(v)}}, stroke{grid, 1, false})
		on.text(left-8, y(v)+4, label{strconv.FormatFloat(v, 'f', -1, 64) + "x", small, faint, 1, false})
	}
	at := float64(mostX)
	for i := len(c.Burns) - 1; i >= 0; i-- {
		l, s := &c.Burns[i], style(i)
		c.curve(on, l.Points, y, s)
		if l.Threshold > 0 && (i == 0 || l.Threshold != c.Burns[i-1].Threshold) {
			on.line([][2]float64{{left, y(l.Threshold)}, {mostX, y(l.Threshold)}}, stroke{red, 1, true})
			on.text(mostX-4, y(l.Threshold)-4, label{fmt.Sprintf("threshold %.4gx", l.Threshold), small, red, 1, false})
		}
		name := "in " + l.Name
		if last, ok := newest(l.Points); ok {
			name += fmt.Sprintf(": %.3gx", last)
		}
		on.text(at, burnTop-10, label{name, normal, s.color, 1, true})
		at -= float64(len(name))*7 + 34
		on.line([][2]float64{{at + 8, burnTop - 14}, {at + 26, burnTop - 14}}, s)
	}
}

// style is how the n-th burn rate is drawn.
func style(n int) stroke {
	if n%2 == 0 {
		return stroke{blue, 2, false}
	}
	return stroke{orange, 1.5, true}
}

// curve draws points, with gaps where nothing is known.
func (c *Chart) curve(on canvas, points []Point, y func(float64) float64, s stroke) {
	var run [][2]float64
	flush := func() {
		if len(run) == 1 { // a lonely minute is to be seen too
			run = append(run, [2]float64{run[0][0] + 1, run[0][1]})
		}
		if len(run) > 0 {
			on.line(run, s)
		}
		run = nil
	}
	for _, p := range points {
		if math.IsNaN(p.Value) || p.At.Before(c.From) || p.At.After(c.To) {
			flush()
			continue
		}
		run = append(run, [2]float64{c.x(p.At), y(p.Value)})
	}
	flush()
}

func newest(points []Point) (float64, bool) {
	if n := len(points); n > 0 && !math.IsNaN(points[n-1].Value) {
		return points[n-1].Value, true
	}
	return 0, false
}

// times draws the axis of time.
func (c *Chart) times(on canvas) {
	zone := c.Zone
	if zone == nil {
		zone = time.UTC
	}
	const ticks = 5
	span := c.To.Sub(c.From)
	layout := "01-02 15:04"
	const long = 4 * 24 * time.Hour
	if span > long {
		layout = "2006-01-02"
	}
	bottom := float64(burnTop + burnHeight)
	for i := range ticks {
		t := c.From.Add(span * time.Duration(i) / (ticks - 1))
		x := c.x(t)
		on.line([][2]float64{{x, bottom}, {x, bottom + 4}}, stroke{faint, 1, false})
		anchor := 0
		switch i {
		case 0:
			anchor = -1
		case ticks - 1:
			anchor = 1
		}
		on.text(x, bottom+18, label{t.In(zone).Format(layout), small, faint, anchor, false})
	}
	on.text(left-8, bottom+18, label{zone.String(), small, faint, 1, false})
}

// marks draws what happened, over both panels, with numbers that the legend
// explains.
func (c *Chart) marks(on canvas) {
	const most = 4 // more cannot be read
	first := max(0, len(c.Marks)-most)
	free := 0.0
	bottom := float64(burnTop + burnHeight)
	for i, m := range c.Marks[first:] {
		s, word := stroke{faint, 1, true}, "change"
		if m.Alert {
			s, word = stroke{red, 1.5, false}, "alert"
		}
		x := c.x(m.At)
		on.line([][2]float64{{x, top}, {x, bottom}}, s)
		x = max(x, free) // numbers beside each other
		free = x + 16
		on.rect(x-7, top+budgetHeight+8, 14, 14, s.color)
		on.text(x, top+budgetHeight+19, label{fmt.Sprint(i + 1), small, "#ffffff", 0, true})
		column, row := float64(i%2), float64(i/2)
		on.text(left+column*(mostX-left)/2, bottom+38+row*16, label{fmt.Sprintf("%d %s: %s", i+1, word, clip(m.Label, 40)), small, s.color, -1, false})
	}
}

// clip cuts to so many letters, and leaves out what is no letter.
func clip(s string, most int) string {
	r := []rune(s)
	for i := range r {
		if r[i] < ' ' || r[i] == 0x7f {
			r[i] = ' '
		}
	}
	if len(r) > most {
		return string(r[:most-3]) + "..."
	}
	return string(r)
}
