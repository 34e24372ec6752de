// Package publishtest is the suite that every sink of metrics passes.
package publishtest

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/publish"
)

// Place is a sink under test and a way to look up what arrived.
type Place struct {
	Sink publish.Sink
	// Value returns what arrived of a metric in the minute of an instant; the
	// sample's value is ignored.
	Value func(t *testing.T, s publish.Sample) (value float64, ok bool)
	// At is a whole minute the place takes samples for.
	At time.Time
}

// Run holds a sink against the port's contract. Make returns an empty place.
func Run(t *testing.T, mk func(t *testing.T) Place) {
	t.Helper()
	for name, run := range map[string]func(*testing.T, Place){
		"arrives": arrives, "drops": drops, "many": many, "given up": canceled, "at once": together, "nothing": nothing,
	} {
		t.Run(name, func(t *testing.T) { run(t, mk(t)) })
	}
}

func sample(p Place, name, service string, value float64) publish.Sample {
	return publish.Sample{
		Name: name, Value: value, Unit: publish.Percent, At: p.At,
		Dimensions: []publish.Dimension{{Name: "Service", Value: service}, {Name: "SLO", Value: "availability"}, {Name: "Objective", Value: "ab 99,9 % verfügbar"}},
	}
}

func send(t *testing.T, p Place, samples ...publish.Sample) publish.Receipt {
	t.Helper()
	r, err := p.Sink.Publish(t.Context(), samples)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func want(t *testing.T, p Place, samples ...publish.Sample) {
	t.Helper()
	for _, s := range samples {
		if got, ok := p.Value(t, s); !ok || math.Abs(got-s.Value) > 1e-9*math.Abs(s.Value) {
			t.Errorf("%s %v arrived as %v, %t; want %v", s.Name, s.Dimensions, got, ok, s.Value)
		}
	}
}

func arrives(t *testing.T, p Place) {
	all := []publish.Sample{
		sample(p, "BudgetRemaining", "pay", 70.25), sample(p, "BurnRate1h", "pay", 0), sample(p, "BudgetRemaining", "shop", -12.5),
		{Name: "Age", Value: 3, Unit: publish.Seconds, At: p.At},
	}
	if r := send(t, p, all...); r.Published != len(all) || len(r.Dropped) > 0 {
		t.Errorf("%+v", r)
	}
	want(t, p, all...)
	if v, ok := p.Value(t, sample(p, "BudgetRemaining", "other", 0)); ok {
		t.Errorf("a metric nobody published is %v", v)
	}
}

func drops(t *testing.T, p Place) {
	good := sample(p, "Good", "pay", 1)
	noTime, noName, blank := good, good, good
	noTime.At, noName.Name, blank.Dimensions = time.Time{}, "", []publish.Dimension{{Name: "Service", Value: " "}}
	r := send(t, p, sample(p, "NotANumber", "pay", math.NaN()), sample(p, "Endless", "pay", math.Inf(1)), good, noTime, noName, blank)
	if r.Published != 1 || len(r.Dropped) != 5 {
		t.Errorf("%+v", r)
	}
	want(t, p, good)
}

func many(t *testing.T, p Place) {
	var all []publish.Sample
	for i := range 1100 {
		for _, name := range []string{"BudgetRemaining", "BurnRate1h"} {
			all = append(all, sample(p, name, fmt.Sprintf("service-%d", i), float64(i)))
		}
	}
	if r := send(t, p, all...); r.Published != len(all) {
		t.Errorf("%+v", r)
	}
	want(t, p, all[0], all[999], all[1000], all[len(all)-1])
}

func canceled(t *testing.T, p Place) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Sink.Publish(ctx, []publish.Sample{sample(p, "Good", "pay", 1)}); fault.KindOf(err) != fault.Canceled {
		t.Errorf("%v", err)
	}
}

func together(t *testing.T, p Place) {
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			if r, err := p.Sink.Publish(t.Context(), []publish.Sample{sample(p, "Good", fmt.Sprintf("s%d", i), float64(i))}); err != nil || r.Published != 1 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	all.Wait()
	for i := range 4 {
		want(t, p, sample(p, "Good", fmt.Sprintf("s%d", i), float64(i)))
	}
}

func nothing(t *testing.T, p Place) {
	if r := send(t, p); r.Published != 0 || r.Requests != 0 {
		t.Errorf("%+v", r)
	}
}
