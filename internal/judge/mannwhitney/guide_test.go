package mannwhitney_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	mw "gitlab.com/nines-sre/nines/internal/judge/mannwhitney"
)

// The guide's table of what is fixed is what both ways of judging say.
func TestGuide(t *testing.T) {
	text, err := os.ReadFile("../../../doc/guide/kayenta.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "| case | canary | baseline | Kayenta | Nines |\n")
	if !ok {
		t.Fatal("there is no table of cases")
	}
	numbers := func(cell string) (out []float64) {
		for f := range strings.FieldsSeq(cell) {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, v)
		}
		return out
	}
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 {
			break
		}
		if strings.HasPrefix(cells[1], "---") {
			continue
		}
		rows++
		o := mw.Options{Direction: mw.Increase, Replace: strings.Contains(cells[1], "missing is zero")}
		x, y := numbers(cells[2]), numbers(cells[3])
		own := mw.Classify(x, y, o)
		o.Compatible = true
		compatible := mw.Classify(x, y, o)
		if want := strings.TrimSpace(cells[4]); string(compatible.Class) != want {
			t.Errorf("%s: compatible says %s, the guide %s", cells[1], compatible.Class, want)
		}
		if want := strings.TrimSpace(cells[5]); string(own.Class) != want {
			t.Errorf("%s: it is %s (%s), the guide says %s", cells[1], own.Class, own.Reason, want)
		}
	}
	if rows < 10 {
		t.Errorf("the table has %d rows", rows)
	}
}
