package timeline_test

import (
	"testing"

	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/memory"
)

func TestAViewRemembersHowCoarseItsDataWas(t *testing.T) {
	h := timeline.NewHistory(memory.New())
	const day = 20000 * slo.Day
	var points []timeline.Point
	for i := range slo.Minute(120) {
		p := timeline.Point{At: day + i, Width: 1, Count: slo.Count{Good: slo.Unit, Total: slo.Unit}}
		if i >= 65 && i < 70 {
			p.Width = 5
		}
		points = append(points, p)
	}
	all := slo.Span{From: day, To: day + 130}
	if _, err := h.Record(t.Context(), 0, []timeline.Write{{ID: "x", Span: all, Points: points}}); err != nil {
		t.Fatal(err)
	}
	views, err := h.Open(t.Context(), []timeline.Request{{ID: "x", Points: []slo.Span{all}, Frontier: all.To}})
	if err != nil {
		t.Fatal(err)
	}
	w, ok := views["x"].(interface{ Width(slo.Span) slo.Minute })
	if !ok {
		t.Fatal("the view does not say how wide its data was")
	}
	for _, c := range []struct {
		from, to, want slo.Minute
	}{{0, 60, 1}, {0, 65, 1}, {60, 66, 5}, {69, 120, 5}, {70, 120, 1}, {120, 130, 0}, {0, 130, 5}} {
		if got := w.Width(slo.Span{From: day + c.from, To: day + c.to}); got != c.want {
			t.Errorf("Width[%d, %d) = %d, want %d", c.from, c.to, got, c.want)
		}
	}
}
