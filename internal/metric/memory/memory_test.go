package memory_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/memory"
	"gitlab.com/nines-sre/nines/internal/metric/metrictest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

func TestConformance(t *testing.T) {
	metrictest.Run(t, metrictest.Harness{
		Open: func(_ *testing.T, data []metrictest.Data) metric.Source {
			src := memory.New(metric.Caps{})
			for _, d := range data {
				src.Put(d.Name, d.Points...)
			}
			return src
		},
		Spec: memory.Spec,
		Faults: []metrictest.Fault{
			{Name: "down", Kind: fault.Unavailable, Open: failing(fault.Unavailable)},
			{Name: "throttled", Kind: fault.Throttled, Open: failing(fault.Throttled)},
			{Name: "denied", Kind: fault.Denied, Open: failing(fault.Denied)},
			{
				Name: "no-series", Kind: fault.Invalid,
				Open: func(*testing.T) (metric.Source, metric.Query) {
					return memory.New(metric.Caps{}), metric.Query{Key: "bad", Spec: slo.Spec{}}
				},
				Others: []metric.Query{{Key: "good", Spec: memory.Spec("requests")}},
			},
		},
	})
}

func failing(kind fault.Kind) func(*testing.T) (metric.Source, metric.Query) {
	return func(*testing.T) (metric.Source, metric.Query) {
		src := memory.New(metric.Caps{})
		src.Fail(func(metric.Request) error { return fault.New(kind, "fetch", "on purpose", "nothing to do") })
		return src, metric.Query{Key: "k", Spec: memory.Spec("requests")}
	}
}

func TestHiddenStretchesAreNotAnswered(t *testing.T) {
	src := memory.New(metric.Caps{})
	src.Line("x", 100, 1, 1, 2, 3, 4, 5)
	src.Hide("x", slo.Span{From: 101, To: 103})
	req := metric.Request{Queries: []metric.Query{{Key: "x", Spec: memory.Spec("x")}}, Span: slo.Span{From: 100, To: 105}}
	got, err := src.Fetch(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := []slo.Span{{From: 100, To: 101}, {From: 103, To: 105}}
	if d := cmp.Diff(want, got[0].Answered); d != "" || len(got[0].Points) != 3 {
		t.Errorf("answered %s, %d points", d, len(got[0].Points))
	}
	src.Show("x")
	src.Drop("x", slo.Span{From: 100, To: 102})
	got, err = src.Fetch(t.Context(), req)
	if err != nil || len(got[0].Points) != 3 || len(got[0].Answered) != 1 {
		t.Errorf("after Show and Drop: %+v, %v", got, err)
	}
	if n := len(src.Asked()); n != 2 {
		t.Errorf("%d requests remembered, want 2", n)
	}
}

func TestType(t *testing.T) {
	src := memory.New(metric.Caps{})
	typ := memory.Type(src)
	if got, err := typ.Open(t.Context(), nil, ""); err != nil || got != metric.Source(src) {
		t.Errorf("Open = %v, %v", got, err)
	}
	if len(typ.Check(memory.Spec("x"))) != 0 || len(typ.Check(slo.Spec{})) != 1 {
		t.Error("Check wants a series and nothing else")
	}
}
