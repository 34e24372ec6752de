package metrics_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"sync"
	"testing"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

// 1,000 invocations at a time, each with a tenant, a request id and values of its
// own: no document mixes two of them.
func TestConcurrentInvocationsNeverMix(t *testing.T) {
	t.Parallel()
	const invocations, goroutines, values = 1000, 3, 5
	r, out := start(t)
	orders, tenant := r.MustMetric("Orders", metrics.Count), r.MustDimensions("tenant")
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range invocations {
		all.Go(func() {
			id := strconv.Itoa(i)
			ctx, inv := scope.Begin(context.Background(), scope.Start{RequestID: id, Concurrent: true})
			<-begin
			var inner sync.WaitGroup
			for range goroutines {
				inner.Go(func() {
					r.Metadata(ctx, "request_id", id)
					for range values {
						orders.Add(ctx, float64(i))
						orders.With(tenant.Of("t"+id)).Add(ctx, float64(i))
					}
				})
			}
			inner.Wait()
			inv.End()
			if drops := r.Flush(ctx); drops != nil {
				t.Errorf("%v", drops)
			}
		})
	}
	close(begin)
	all.Wait()
	seen := map[string]int{}
	docs := out.documents(t)
	for _, d := range docs {
		id, _ := d.members["request_id"].(string)
		if v, ok := d.dimensions["tenant"]; ok && v != "t"+id {
			t.Fatalf("the tenant %s is in a document of invocation %s", v, id)
		}
		for _, v := range d.values("Orders") {
			if fmt.Sprint(v) != id {
				t.Fatalf("the value %v is in a document of invocation %s", v, id)
			}
			seen[id]++
		}
	}
	if len(docs) != 2*invocations || len(seen) != invocations {
		t.Errorf("%d documents of %d invocations", len(docs), len(seen))
	}
	for id, n := range seen {
		if n != 2*goroutines*values {
			t.Errorf("%s: %d values", id, n)
		}
	}
}

// What comes after the end of an invocation is neither lost nor another's: it goes
// out with the next flush, in a document of its own. So does what came before the
// first invocation, in a function.
func TestAfterTheEnd(t *testing.T) {
	t.Parallel()
	r, out := start(t, environment(map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "pay"}))
	m := r.MustMetric("m", metrics.Count)
	late, end := invoke(t, scope.Start{RequestID: "1", Concurrent: true})
	m.Add(late, 1)
	r.Metadata(late, "id", "1")
	end()
	m.Add(late, 2) // before the flush: still its own
	r.Flush(late)
	if d := out.documents(t); len(d) != 1 || !slices.Equal(d[0].values("m"), []float64{1, 2}) || d[0].members["id"] != "1" {
		t.Fatalf("%+v", d)
	}
	m.Add(late, 3)
	m.Add(context.Background(), 5)
	next, _ := invoke(t, scope.Start{RequestID: "2", Concurrent: true})
	r.Metadata(next, "id", "2")
	m.Add(next, 4)
	r.Flush(next)
	d := out.documents(t)
	if len(d) != 3 || d[0].values("m")[0] != 4 || d[1].values("m")[0] != 3 || d[1].members["id"] != nil || d[2].values("m")[0] != 5 || d[2].members["id"] != nil {
		t.Fatalf("%+v", d)
	}
}

// Between the last flush of an invocation and its end there is a moment in which
// its goroutines may still add: the next flush of another writes it, as theirs.
func TestBetweenTheFlushAndTheEnd(t *testing.T) {
	t.Parallel()
	r, out := start(t)
	m := r.MustMetric("m", metrics.Count)
	first, end := invoke(t, scope.Start{RequestID: "1", Concurrent: true})
	m.Add(first, 1)
	r.Flush(first)
	m.Add(first, 2)
	r.Metadata(first, "id", "1")
	other, _ := invoke(t, scope.Start{RequestID: "2", Concurrent: true})
	r.Flush(other)
	if d := out.documents(t); len(d) != 1 {
		t.Fatalf("it runs still, and is written by another: %+v", d)
	}
	end()
	r.Flush(other)
	if d := out.documents(t); len(d) != 1 || d[0].values("m")[0] != 2 || d[0].members["id"] != "1" {
		t.Fatalf("%+v", d)
	}
	r.Flush(other)
	if d := out.documents(t); d != nil {
		t.Fatalf("twice: %+v", d)
	}
}

// In a server a request's flush leaves alone what the process gathers.
func TestProcessKeepsItsOwnTime(t *testing.T) {
	t.Parallel()
	r, out := start(t)
	m := r.MustMetric("m", metrics.Count)
	m.Add(nil, 1) //nolint:staticcheck // a nil context must not hurt
	ctx, _ := invoke(t, scope.Start{Concurrent: true})
	m.Add(ctx, 2)
	r.Flush(ctx)
	if d := out.documents(t); len(d) != 1 || d[0].values("m")[0] != 2 {
		t.Fatalf("%+v", d)
	}
	r.Flush(context.Background())
	if d := out.documents(t); len(d) != 1 || d[0].values("m")[0] != 1 {
		t.Fatalf("%+v", d)
	}
}

func TestWithoutInvocations(t *testing.T) {
	t.Parallel()
	r, out := start(t, metrics.WithoutInvocations())
	m := r.MustMetric("m", metrics.Count)
	for i := range 3 {
		ctx, end := invoke(t, scope.Start{Concurrent: true})
		m.Add(ctx, float64(i))
		end()
	}
	r.Flush(context.Background())
	if d := out.documents(t); len(d) != 1 || !slices.Equal(d[0].values("m"), []float64{0, 1, 2}) {
		t.Fatalf("%+v", d)
	}
}

// Two registries, two namespaces, one invocation.
func TestTwoRegistries(t *testing.T) {
	t.Parallel()
	a, outA := start(t)
	b, outB := start(t, metrics.WithNamespace("Audit"))
	ma, mb := a.MustMetric("m", metrics.Count), b.MustMetric("m", metrics.Count)
	ctx, _ := invoke(t, scope.Start{Concurrent: true})
	ma.Add(ctx, 1)
	mb.Add(ctx, 2)
	ma.With(b.MustDimensions("x").Of("y")).Add(ctx, 3) // another's dimensions
	drops := a.Flush(ctx)
	b.Flush(ctx)
	da, db := outA.documents(t), outB.documents(t)
	if len(da) != 1 || da[0].namespace != "Shop" || da[0].values("m")[0] != 1 || len(db) != 1 || db[0].namespace != "Audit" || db[0].values("m")[0] != 2 {
		t.Errorf("%+v %+v", da, db)
	}
	if dropped(drops, metrics.BadDimensions) != 1 {
		t.Errorf("%v", drops)
	}
}

// The same name with other values of its dimensions is never one array: a defect
// that Powertools for Python had.
func TestValuesOfOtherDimensionsAreNotMerged(t *testing.T) {
	t.Parallel()
	r, out := start(t)
	m, route := r.MustMetric("Orders", metrics.Count), r.MustDimensions("route", "version")
	const routes = 300 // more than are kept at a time
	for range 2 {
		for i := range routes {
			m.With(route.Of(fmt.Sprintf("/r%d", i), "1")).Add(t.Context(), float64(i))
		}
	}
	r.Flush(t.Context())
	sums := map[string]float64{}
	for _, d := range out.documents(t) {
		for _, v := range d.values("Orders") {
			sums[d.dimensions["route"]] += v
		}
	}
	for i := range routes {
		if got := sums[fmt.Sprintf("/r%d", i)]; got != 2*float64(i) {
			t.Errorf("/r%d sums to %v", i, got)
		}
	}
}

func TestMoreValuesThanASetRemembers(t *testing.T) {
	t.Parallel()
	r, out := start(t)
	m, id := r.MustMetric("m", metrics.Count), r.MustDimensions("id")
	for i := range 3000 {
		m.With(id.Of(strconv.Itoa(i))).Add(t.Context(), 1)
	}
	r.Flush(t.Context())
	if n := len(out.documents(t)); n != 3000 {
		t.Errorf("%d documents", n)
	}
}

func TestNothingAllocatesInSteadyState(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	r, _ := start(t, metrics.WithWriter(io.Discard))
	m, high := r.MustMetric("m", metrics.Count), r.MustMetric("h", metrics.Milliseconds, metrics.HighResolution())
	one, two := r.MustDimensions("route"), r.MustDimensions("route", "tenant")
	kept := one.Of("/kept")
	ctx, _ := invoke(t, scope.Start{Concurrent: true})
	tenants := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}
	for name, f := range map[string]func(){
		"add":                  func() { m.Add(ctx, 1) },
		"add and flush":        func() { m.Add(ctx, 1); high.Add(ctx, 12.5); r.Flush(ctx) },
		"flush of nothing":     func() { r.Flush(ctx) },
		"dimensions, kept":     func() { m.With(kept).Add(ctx, 1); r.Flush(ctx) },
		"dimensions, one name": func() { m.With(one.Of(tenants[3])).Add(ctx, 1); r.Flush(ctx) },
		"a dozen tenants": func() {
			for _, tenant := range tenants {
				high.With(two.Of("/pay", tenant)).Add(ctx, 0.1)
			}
			r.Flush(ctx)
		},
		"250 values":     func() { addMany(ctx, m, 250); r.Flush(ctx) },
		"single":         func() { m.Emit(ctx, 1) },
		"dated":          func() { m.At(at()).Add(ctx, 1); r.Flush(ctx) },
		"no invocation":  func() { m.Add(context.Background(), 1); r.Flush(context.Background()) },
		"what is no use": func() { m.Add(ctx, math.NaN()) },
	} {
		for range 200 {
			f()
		}
		if n := testing.AllocsPerRun(200, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func addMany(ctx context.Context, m *metrics.Metric, n int) {
	for i := range n {
		m.Add(ctx, float64(i))
	}
}
