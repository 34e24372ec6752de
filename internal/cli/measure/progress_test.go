package measure_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/measure"
	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runmeasure "gitlab.com/nines-sre/nines/internal/run/measure"
)

// feed shows a run of 20 s in steps of 50 ms.
func feed(p *measure.Progress) {
	const total = 400_000
	for i := int64(1); i <= 400; i++ {
		p.Show(runmeasure.Progress{
			Done: i * 1000, Total: total, Indicator: "payment-api.availability", Elapsed: time.Duration(i) * 50 * time.Millisecond,
		})
	}
	p.End()
}

func TestProgressOfAPipe(t *testing.T) {
	var out bytes.Buffer
	feed(measure.NewProgress(&out, term.Style{}, cost.Prices{}))
	want := "nines: measuring 25%  20,000 minutes/s  15s left  payment-api.availability\n" +
		"nines: measuring 50%  20,000 minutes/s  10s left  payment-api.availability\n" +
		"nines: measuring 75%  20,000 minutes/s  5s left  payment-api.availability\n" +
		"nines: measuring 100%  20,000 minutes/s  0s left  payment-api.availability\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestProgressOfATerminal(t *testing.T) {
	for _, width := range []int{120, 80, 40, 20} {
		var out bytes.Buffer
		feed(measure.NewProgress(&out, term.Style{Decor: true, Unicode: true, Width: width}, cost.Prices{}))
		if strings.Contains(out.String(), "\n") {
			t.Errorf("%d: more than a line", width)
		}
		drawings := strings.Split(out.String(), "\r")
		if n := len(drawings); n < 150 || n > 210 {
			t.Errorf("%d: %d drawings in 20 s", width, n)
		}
		for _, d := range drawings {
			if w := term.Width(strings.ReplaceAll(d, "\x1b[K", "")); w >= width {
				t.Fatalf("%d: a line of %d columns: %q", width, w, d)
			}
		}
		if last := drawings[len(drawings)-1]; last != "\x1b[K" {
			t.Errorf("%d: the line stays: %q", width, last)
		}
	}
}

func TestShortRunsAreSilent(t *testing.T) {
	var out bytes.Buffer
	p := measure.NewProgress(&out, term.Style{}, cost.Prices{})
	p.Show(runmeasure.Progress{Done: 1, Total: 2, Elapsed: time.Second})
	p.Show(runmeasure.Progress{Done: 2, Total: 2, Elapsed: 2 * time.Second})
	p.End()
	if out.Len() > 0 {
		t.Errorf("got %q", out.String())
	}
}
