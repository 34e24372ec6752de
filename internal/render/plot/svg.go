package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

// SVG is the chart as SVG: one file with a title and a description, without
// scripts and without anything from elsewhere.
func (c *Chart) SVG() []byte {
	s := &svg{}
	s.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="t d" font-family="-apple-system, 'Segoe UI', Roboto, Arial, sans-serif">`+"\n", width, height, width, height)
	s.write("<title id=\"t\">" + escape(c.Title) + "</title>\n<desc id=\"d\">" + escape(c.Desc) + "</desc>\n")
	c.draw(s)
	s.write("</svg>\n")
	return s.Bytes()
}

// svg is a canvas of SVG.
type svg struct{ bytes.Buffer }

// write and printf never fail: a buffer takes everything.
func (s *svg) write(text string) { _, _ = s.WriteString(text) }

func (s *svg) printf(format string, args ...any) { _, _ = fmt.Fprintf(s, format, args...) }

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(strings.ToValidUTF8(s, "\uFFFD"))) // a buffer takes everything
	return b.String()
}

// num is a number without what nobody can see.
func num(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 1, 64), "0"), ".")
}

func (s *svg) rect(x, y, w, h float64, fill string) {
	s.printf(`<rect x="%s" y="%s" width="%s" height="%s" fill="%s"/>`+"\n", num(x), num(y), num(w), num(h), fill)
}

func (s *svg) line(points [][2]float64, k stroke) {
	s.write(`<polyline fill="none" stroke-linejoin="round" stroke="` + k.color + `" stroke-width="` + num(k.width) + `"`)
	if k.dashed {
		s.write(` stroke-dasharray="5 3"`)
	}
	s.write(` points="`)
	for i, p := range points {
		if i > 0 {
			s.write(" ")
		}
		s.write(num(p[0]) + "," + num(p[1]))
	}
	s.write("\"/>\n")
}

func (s *svg) text(x, y float64, t label) {
	anchor := map[int]string{-1: "start", 0: "middle", 1: "end"}[t.anchor]
	bold := ""
	if t.bold {
		bold = ` font-weight="600"`
	}
	s.printf(`<text x="%s" y="%s" font-size="%s" text-anchor="%s" fill="%s"%s>%s</text>`+"\n", num(x), num(y), num(t.size), anchor, t.color, bold, escape(t.text))
}
