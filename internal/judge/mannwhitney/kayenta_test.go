package mannwhitney_test

import (
	_ "embed"
	"math"
	"strconv"
	"strings"
	"testing"

	mw "gitlab.com/nines-sre/nines/internal/judge/mannwhitney"
)

//go:embed testdata/kayenta.txt
var kayentaData string

// samples of the published suites, by name.
func samples(t *testing.T) map[string][]float64 {
	t.Helper()
	out := map[string][]float64{}
	name := ""
	for line := range strings.Lines(kayentaData) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			name = strings.Trim(line, "[]")
		default:
			for f := range strings.FieldsSeq(line) {
				v, err := strconv.ParseFloat(f, 64)
				if err != nil {
					t.Fatal(err)
				}
				out[name] = append(out[name], v)
			}
		}
	}
	return out
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.15g, want %.15g", what, got, want)
	}
}

// What R's wilcox.test says, as Kayenta's own suite has it.
func TestPublishedIntervals(t *testing.T) {
	data := samples(t)
	for _, c := range []struct {
		name              string
		x, y              []float64
		confidence        float64
		low, high, shift  float64
		within, shiftNear float64
	}{
		{"four and four", []float64{10, 20, 30, 40}, []float64{1, 2, 3, 4}, 0.95, 6, 39, 22.5, 1e-4, 1e-4},
		{"tied", data["tied"], data["tiedControl"], 0.95, -0.500002521696696, -3.486287505871302e-5, -0.4999393907180323, 1e-6, 1e-4},
		{"tied again", data["again"], data["againControl"], 0.98, -0.4999173250549087, -6.912685789769486e-6, -3.45044082729315e-5, 1e-6, 1e-4},
		// The interval's ends are the wrong way round: the tolerance of its roots shows.
		{"sparse", data["sparse"], data["sparseControl"], 0.95, 3.521755377702165e-5, 2.02456461662334e-5, 2.6279243045155653e-5, 1e-6, 1e-6},
		{"five and five", []float64{20, 22, 21, 25, 30}, []float64{1, 2.2, 1.1, 2.5, 3}, 0.95, 17.800044, 27.799943, 20, 1e-6, 1.5},
	} {
		low, high, shift, ok := mw.RootInterval(c.x, c.y, c.confidence)
		if !ok {
			t.Errorf("%s: no interval", c.name)
		}
		near(t, c.name+" low", low, c.low, c.within)
		near(t, c.name+" high", high, c.high, c.within)
		near(t, c.name+" shift", shift, c.shift, c.shiftNear)
	}
	near(t, "quantile", mw.Quantile(0.01), -2.326348, 1e-6)
}

func TestPublishedIntermediates(t *testing.T) {
	data := samples(t)
	x, y := data["sparse"], data["sparseControl"]
	const low, high = -3.124999999999986, 5.555555555555557
	for _, c := range []struct{ mu, q, want float64 }{
		{low, 1.9599639845400536, 17.090968923762254},
		{high, 1.9599639845400536, -20.997687930433106},
		{low, -1.9599639845400536, 21.01089689284236},
		{high, -1.9599639845400536, -17.077759961353},
	} {
		got, ok := mw.Statistic(x, y, c.mu, c.q)
		if !ok {
			t.Fatal("no statistic")
		}
		near(t, "statistic", got, c.want, 1e-6)
	}
}

// The 34 cases of the published classifier suite.
func TestPublishedClasses(t *testing.T) {
	data := samples(t)
	type values = []float64
	ones, zeros, tens := values{1, 1, 1, 1, 1}, values{0, 0, 0, 0, 0}, values{10, 10, 10, 10, 10}
	fives, twenties, fifties := values{1, 2, 3, 4, 5}, values{20, 22, 21, 25, 30}, values{54.9, 54.5, 55.1, 55.6, 57.4}
	low := values{1, 2.2, 1.1, 2.5, 3}
	base := mw.Options{Compatible: true, Tolerance: 0.10, Confidence: 0.95}
	with := func(change func(*mw.Options)) mw.Options {
		o := base
		change(&o)
		return o
	}
	direction := func(d mw.Direction) mw.Options { return with(func(o *mw.Options) { o.Direction = d }) }
	allowed := func(down, up float64) mw.Options {
		return with(func(o *mw.Options) { o.Allowed = mw.Bounds{Down: down, Up: up} })
	}
	cles := func(down, up float64) mw.Options {
		return mw.Options{Compatible: true, Tolerance: 0.20, Confidence: 0.98, CLES: true, Allowed: mw.Bounds{Down: down, Up: up}}
	}
	urgent := func(down, up float64) mw.Options {
		return with(func(o *mw.Options) { o.Critical, o.Urgent = true, mw.Bounds{Down: down, Up: up} })
	}
	for _, c := range []struct {
		name     string
		x, y     values
		o        mw.Options
		want     mw.Class
		critical bool
	}{
		{"pass", data["ten"], data["tenControl"], base, mw.Pass, false},
		{"high", data["twenty"], data["tenControl"], base, mw.High, false},
		{"low", data["ten"], data["twentyControl"], base, mw.Low, false},
		{"low, increase", data["ten"], data["twentyControl"], direction(mw.Increase), mw.Pass, false},
		{"high, decrease", data["twenty"], data["tenControl"], direction(mw.Decrease), mw.Pass, false},
		{"high, increase", data["twenty"], data["tenControl"], direction(mw.Increase), mw.High, false},
		{"low, decrease", data["ten"], data["twentyControl"], direction(mw.Decrease), mw.Low, false},
		{"large input", data["sparse"], data["sparseControl"], base, mw.High, false},
		{"mean ratio high", twenties, low, allowed(0.8, 1.2), mw.High, false},
		{"mean ratio low", data["ten"], data["twentyControl"], with(func(o *mw.Options) {
			o.Direction, o.Allowed = mw.Decrease, mw.Bounds{Down: 0.8, Up: 1.2}
		}), mw.Low, false},
		{"mean ratio pass", values{10, 12.2, 10.1, 12.5, 23}, twenties, allowed(0.5, 1), mw.Pass, false},
		{"mean ratio pass, large input", data["sparse"], data["sparseControl"], allowed(1, 5), mw.Pass, false},
		{"cles pass", data["clesPass"], data["clesPassControl"], cles(0.5, 0.8), mw.Pass, false},
		{"cles high", data["clesHigh"], data["clesHighControl"], cles(0.2, 0.8), mw.High, false},
		{"cles low", data["clesLow"], data["clesLowControl"], cles(0.2, 0.8), mw.Low, false},
		{"critical high", twenties, low, urgent(1, 1.2), mw.High, true},
		{"critical low", values{2, 2, 2, 2, 3}, values{10, 20.2, 10.1, 20.5, 30}, urgent(1.2, 1), mw.Low, true},
		{"high, not critical enough", twenties, low, with(func(o *mw.Options) {
			o.Critical, o.Allowed, o.Urgent = true, mw.Bounds{Down: 1, Up: 5}, mw.Bounds{Down: 1, Up: 13}
		}), mw.High, false},
		{"critical pass", twenties, low, with(func(o *mw.Options) {
			o.Critical, o.Allowed, o.Urgent = true, mw.Bounds{Down: 1, Up: 13}, mw.Bounds{Down: 1, Up: 15}
		}), mw.Pass, false},
		{"critical high, default bounds", twenties, low, with(func(o *mw.Options) { o.Critical = true }), mw.High, true},
		{"tied observations", values{1, 1, 1}, values{1, 1}, direction(mw.Decrease), mw.Pass, false},
		{"identical", fives, values{5, 4, 3, 2, 1}, direction(mw.Decrease), mw.Pass, false},
		{"leading zero", values{0, 1, 1, 1, 1}, ones, direction(mw.Decrease), mw.Pass, false},
		{"missing", nil, fives, direction(mw.Decrease), mw.Nodata, false},
		{"missing, critical", nil, fives, with(func(o *mw.Options) { o.Direction, o.Critical = mw.Decrease, true }), mw.Nodata, true},
		{"missing, replaced", nil, fives, with(func(o *mw.Options) { o.Direction, o.Replace = mw.Decrease, true }), mw.Pass, false},
		{"both missing", nil, nil, with(func(o *mw.Options) { o.Direction, o.Critical = mw.Decrease, true }), mw.Nodata, true},
		{"majority tied", values{1, 1, 1, 1, 10}, ones, base, mw.Pass, false},
		{"tied ranks", tens, ones, base, mw.High, false},
		{"tied ranks with zeros", tens, zeros, base, mw.High, false},
		{"zero mean high", fifties, zeros, allowed(0.8, 1.2), mw.High, false},
		{"zero mean low", zeros, fifties, allowed(0.8, 1.2), mw.Low, false},
		{"zero mean critical", data["zeroMean"], make(values, 10), with(func(o *mw.Options) {
			o.Critical, o.Replace, o.Urgent = true, true, mw.Bounds{Down: 0.8, Up: 1.2}
		}), mw.High, true},
		{"zero mean pass", zeros, zeros, allowed(0.8, 1.2), mw.Pass, false},
	} {
		got := mw.Classify(c.x, c.y, c.o)
		if got.Class != c.want || got.Critical != c.critical {
			t.Errorf("%s: %s, critical %t; want %s, %t (%+v)", c.name, got.Class, got.Critical, c.want, c.critical, got)
		}
		if got.Class == mw.Nodata && got.Reason == "" {
			t.Errorf("%s: no reason", c.name)
		}
	}
}

func TestPublishedEffects(t *testing.T) {
	o := mw.Options{Compatible: true, Tolerance: 0.1, Confidence: 0.95}
	r := mw.Classify([]float64{20, 22, 21, 25, 30}, []float64{1, 2.2, 1.1, 2.5, 3}, o)
	near(t, "ratio", r.Effect, 12.040816, 1e-6)
	r = mw.Classify([]float64{2, 2, 2, 2, 3}, []float64{10, 20.2, 10.1, 20.5, 30}, o)
	near(t, "ratio", r.Effect, 0.121145, 1e-6)
	zeros := make([]float64, 5)
	if r = mw.Classify(zeros, zeros, o); r.Effect != 1 {
		t.Errorf("effect of two times nothing: %v", r.Effect)
	}
	if r = mw.Classify([]float64{54.9, 54.5, 55.1, 55.6, 57.4}, zeros, o); !math.IsNaN(r.Effect) {
		t.Errorf("effect over nothing: %v", r.Effect)
	}
}
