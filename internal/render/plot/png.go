package plot

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"strconv"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// scale is how many pixels of the picture one of the sizes has, so that it is
// sharp on today's screens.
const scale = 2

// PNG is the chart as PNG, twice as large as the SVG.
func (c *Chart) PNG() ([]byte, error) {
	p := &picture{RGBA: image.NewRGBA(image.Rect(0, 0, width*scale, height*scale)), faces: map[label]font.Face{}}
	c.draw(p)
	if p.err != nil {
		return nil, fault.Wrap(fault.Internal, "draw a chart", p.err, "")
	}
	var out bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestCompression} // it goes into mails
	if err := enc.Encode(&out, p.RGBA); err != nil {
		return nil, fault.Wrap(fault.Internal, "draw a chart", err, "")
	}
	return out.Bytes(), nil
}

// picture is a canvas of pixels.
type picture struct {
	*image.RGBA
	faces map[label]font.Face // by size and weight
	pen   vector.Rasterizer
	err   error // the first
}

func hex(s string) color.RGBA {
	v, _ := strconv.ParseUint(s[1:], 16, 32) // of the constants above
	return color.RGBA{uint8(v >> 16 & 0xff), uint8(v >> 8 & 0xff), uint8(v & 0xff), 0xff}
}

func (p *picture) rect(x, y, w, h float64, fill string) {
	r := image.Rect(int(x*scale), int(y*scale), int((x+w)*scale), int((y+h)*scale))
	draw.Draw(p.RGBA, r, image.NewUniform(hex(fill)), image.Point{}, draw.Src)
}

func (p *picture) line(points [][2]float64, s stroke) {
	z, box := &p.pen, bounds(points, s.width)
	z.Reset(box.Dx(), box.Dy()) // only where the line is: a whole picture a line is slow
	shift := [2]float64{float64(box.Min.X) / scale, float64(box.Min.Y) / scale}
	const on, off = 5, 3
	walked := 0.0
	for i := 1; i < len(points); i++ {
		a, b := minus(points[i-1], shift), minus(points[i], shift)
		length := math.Hypot(b[0]-a[0], b[1]-a[1])
		if !s.dashed {
			quad(z, a, b, s.width)
			continue
		}
		at := func(d float64) [2]float64 {
			return [2]float64{a[0] + (b[0]-a[0])*d/length, a[1] + (b[1]-a[1])*d/length}
		}
		for d := 0.0; d < length; {
			phase := math.Mod(walked+d, on+off)
			step := min(length-d, on+off-phase)
			if phase < on {
				step = min(length-d, on-phase)
				quad(z, at(d), at(d+step), s.width)
			}
			d += max(step, 1e-6)
		}
		walked += length
	}
	z.Draw(p.RGBA, box, image.NewUniform(hex(s.color)), image.Point{})
}

// bounds is where a line is, in pixels.
func bounds(points [][2]float64, w float64) image.Rectangle {
	r := image.Rectangle{Min: image.Pt(width*scale, height*scale)}
	for _, p := range points {
		r.Min.X, r.Min.Y = min(r.Min.X, int((p[0]-w)*scale)-1), min(r.Min.Y, int((p[1]-w)*scale)-1)
		r.Max.X, r.Max.Y = max(r.Max.X, int((p[0]+w)*scale)+2), max(r.Max.Y, int((p[1]+w)*scale)+2)
	}
	return r
}

func minus(a, b [2]float64) [2]float64 { return [2]float64{a[0] - b[0], a[1] - b[1]} }

// quad adds a piece of a line, a little longer than it is so that pieces join.
func quad(z *vector.Rasterizer, a, b [2]float64, w float64) {
	dx, dy := b[0]-a[0], b[1]-a[1]
	length := math.Hypot(dx, dy)
	if length == 0 {
		return
	}
	ux, uy := dx/length*w/2, dy/length*w/2
	const join = 0.3
	a, b = [2]float64{a[0] - ux*join, a[1] - uy*join}, [2]float64{b[0] + ux*join, b[1] + uy*join}
	at := func(x, y float64) (float32, float32) { return float32(x * scale), float32(y * scale) }
	z.MoveTo(at(a[0]-uy, a[1]+ux))
	z.LineTo(at(b[0]-uy, b[1]+ux))
	z.LineTo(at(b[0]+uy, b[1]-ux))
	z.LineTo(at(a[0]+uy, a[1]-ux))
	z.ClosePath()
}

func (p *picture) text(x, y float64, t label) {
	face := p.face(t)
	if face == nil {
		return
	}
	d := font.Drawer{Dst: p.RGBA, Src: image.NewUniform(hex(t.color)), Face: face}
	at := fixed.Int26_6(x * scale * 64)
	switch wide := d.MeasureString(t.text); t.anchor {
	case 0:
		at -= wide / 2
	case 1:
		at -= wide
	}
	d.Dot = fixed.Point26_6{X: at, Y: fixed.Int26_6(y * scale * 64)}
	d.DrawString(t.text)
}

func (p *picture) face(t label) font.Face { //nolint:ireturn // as the library has it
	key := label{size: t.size, bold: t.bold}
	if f, ok := p.faces[key]; ok {
		return f
	}
	data := goregular.TTF
	if t.bold {
		data = gobold.TTF
	}
	parsed, err := opentype.Parse(data)
	if err == nil {
		p.faces[key], err = opentype.NewFace(parsed, &opentype.FaceOptions{Size: t.size * scale, DPI: 72, Hinting: font.HintingNone})
	}
	if err != nil && p.err == nil {
		p.err = err
	}
	return p.faces[key]
}
