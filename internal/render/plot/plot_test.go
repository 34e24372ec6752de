package plot_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/render/plot"
)

var update = flag.Bool("update", false, "write the golden files anew")

// outage is a day of an objective with an outage in it and a hole of an hour.
func outage() plot.Chart {
	from := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	c := plot.Chart{
		Title: "payment-api/availability, 99.9 % in 30d", Desc: "The budget fell from 80 % to 41 % in an outage of 40 minutes.",
		From: from, To: from.Add(24 * time.Hour),
		Burns: []plot.Line{{Name: "1h", Threshold: 14.4}, {Name: "5m", Threshold: 14.4}},
		Marks: []plot.Mark{
			{At: from.Add(13*time.Hour + 55*time.Minute), Label: "1.4.2 went to production, by ada"},
			{At: from.Add(14*time.Hour + 6*time.Minute), Label: "page-fast", Alert: true},
		},
	}
	left := 0.8
	for m := 0; m <= 24*60; m += 5 {
		at := from.Add(time.Duration(m) * time.Minute)
		long, short := 0.4, 0.3+0.2*math.Sin(float64(m)/40)
		if m >= 14*60 && m < 14*60+40 {
			short, left = 200, left-0.05
		}
		if m >= 14*60 && m < 15*60+40 {
			long = 200 * math.Min(1, float64(m-14*60+5)/60)
		}
		budget := left
		if m > 300 && m < 360 {
			long, short, budget = math.NaN(), math.NaN(), math.NaN()
		}
		c.Budget = append(c.Budget, plot.Point{At: at, Value: budget})
		c.Burns[0].Points = append(c.Burns[0].Points, plot.Point{At: at, Value: long})
		c.Burns[1].Points = append(c.Burns[1].Points, plot.Point{At: at, Value: short})
	}
	return c
}

func charts() map[string]plot.Chart {
	overdrawn := outage()
	for i := range overdrawn.Budget {
		overdrawn.Budget[i].Value -= 1
	}
	overdrawn.Title, overdrawn.Marks = `<script>alert("x")</script> & friends, with a title that is much longer than what fits on one line of it`, append(overdrawn.Marks, overdrawn.Marks...)
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	return map[string]plot.Chart{
		"outage": outage(), "overdrawn": overdrawn, "nothing": {Title: "nothing is known", From: at, To: at.Add(30 * 24 * time.Hour)}, "zero": {},
	}
}

// golden compares with what was looked at once.
func golden(t *testing.T, name string, got []byte) {
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(want, got) {
		t.Errorf("%s differs (%v); look at what -update writes", path, err)
	}
}

func TestGolden(t *testing.T) {
	for name, c := range charts() {
		golden(t, name+".svg", c.SVG())
		got, err := c.PNG()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".png", got)
		again, err := c.PNG()
		if err != nil || !bytes.Equal(got, again) || !bytes.Equal(c.SVG(), c.SVG()) {
			t.Errorf("%s: the same chart gives other bytes (%v)", name, err)
		}
		if img, err := png.Decode(bytes.NewReader(got)); err != nil || img.Bounds().Dx() != 1440 {
			t.Errorf("%s: %v", name, err)
		}
		for d := xml.NewDecoder(bytes.NewReader(c.SVG())); ; {
			tok, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s is no XML: %v", name, err)
			}
			if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "script" {
				t.Errorf("%s: foreign text is an element", name)
			}
		}
	}
}

// TestHostile checks values that no budget has.
func TestHostile(t *testing.T) {
	c := outage()
	for i, v := range []float64{math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, math.NaN(), 0, -1} {
		c.Budget[i].Value, c.Burns[0].Points[i].Value = v, v
	}
	c.Title, c.Desc = "\xff\x00", "\xff"
	if _, err := c.PNG(); err != nil {
		t.Error(err)
	}
	if s := c.SVG(); bytes.Contains(s, []byte("NaN")) || bytes.Contains(s, []byte("Inf")) || bytes.Contains(s, []byte{0}) {
		t.Error("the SVG has numbers that are none")
	}
}

func BenchmarkPNG(b *testing.B) {
	c := outage()
	for b.Loop() {
		if _, err := c.PNG(); err != nil {
			b.Fatal(err)
		}
	}
}
