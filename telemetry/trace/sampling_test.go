package trace_test

import (
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/trace"
)

func TestTheHeaderDecides(t *testing.T) {
	for _, c := range []struct {
		header string
		rate   float64
		spans  int
		sends  string
	}{
		{"Root=" + root + ";Parent=" + parent + ";Sampled=1", 0, 2, ";Sampled=1"},
		{"Root=" + root + ";Parent=" + parent + ";Sampled=0", 1, 0, ";Sampled=0"},
		{"Root=" + root + ";Sampled=?", 1, 2, ";Sampled=1"},
		{"Root=" + root + ";Sampled=?", 0, 0, ";Sampled=0"},
		{"Root=" + root, 1, 2, ";Sampled=1"},
		{"Root=" + root, 0, 0, ";Sampled=0"},
	} {
		k := &kept{}
		tr := tracer(t, k, trace.WithRate(c.rate))
		h, err := trace.ParseHeader(c.header)
		if err != nil {
			t.Fatal(err)
		}
		ctx, outer := tr.Start(t.Context(), "outer", trace.WithParent(h))
		_, inner := trace.Start(ctx, "inner")
		inner.End()
		outer.End()
		flush(t, tr)
		sent := inner.Header()
		if len(k.records) != c.spans || sent.Trace.String() != root || !strings.Contains(sent.String(), c.sends) || sent.Traceparent() == "" {
			t.Errorf("%s at rate %v: %d spans, sends %s; want %d and %s", c.header, c.rate, len(k.records), sent, c.spans, c.sends)
		}
	}
}

func TestRate(t *testing.T) {
	const n = 20000
	for _, rate := range []float64{0, 0.001, 0.01, 0.05, 0.5, 1} {
		one, two := tracer(t, &kept{}, trace.WithRate(rate), trace.WithQueue(1)), tracer(t, &kept{}, trace.WithRate(rate), trace.WithQueue(1))
		got := 0
		for range n {
			h := trace.Header{Trace: trace.NewTraceID(time.Unix(1, 0))}
			_, a := one.Start(t.Context(), "x", trace.WithParent(h))
			_, b := two.Start(t.Context(), "x", trace.WithParent(h))
			if a.Recording() != b.Recording() {
				t.Fatal("two services decide differently about one trace")
			}
			if a.Recording() {
				got++
			}
		}
		if want := rate * n; float64(got) < want-5*sigma(n, rate)-1 || float64(got) > want+5*sigma(n, rate)+1 {
			t.Errorf("rate %v keeps %d of %d", rate, got, n)
		}
	}
}

func sigma(n, p float64) float64 {
	x := n * p * (1 - p)
	s := x
	for range 60 {
		if s > 0 {
			s = (s + x/s) / 2
		}
	}
	return s
}

func TestXRaysOwnRule(t *testing.T) {
	now := time.Unix(1700000000, 0)
	tr, err := trace.New(trace.ToExporter(&kept{}), trace.WithEnvironment(noEnv), trace.WithClock(func() time.Time { return now }), trace.WithInterval(0))
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for range 10 {
		for i := range 1000 {
			_, s := tr.Start(t.Context(), "x")
			if s.Recording() {
				got++
			} else if i == 0 {
				t.Error("the first of a second is not kept")
			}
		}
		now = now.Add(time.Second)
	}
	if got < 400 || got > 620 {
		t.Errorf("kept %d of 10000 in 10 s; want 10 and 5 %% of the rest", got)
	}
}

func TestNothingToSendTo(t *testing.T) {
	tr, err := trace.New(trace.WithEnvironment(noEnv))
	if err != nil {
		t.Fatal(err)
	}
	if ctx, s := tr.Start(t.Context(), "x"); s != nil || ctx != t.Context() {
		t.Error("a span of nothing")
	}
	h, err := trace.ParseHeader("Root=" + root + ";Parent=" + parent + ";Sampled=1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, s := tr.Start(t.Context(), "x", trace.WithParent(h))
	if s.Recording() || s.Header() != h {
		t.Errorf("the header does not pass as it came: %v", s.Header())
	}
	if _, c := trace.Start(ctx, "y"); c.Header() != h {
		t.Errorf("the header does not pass as it came: %v", c.Header())
	}
	for _, off := range []map[string]string{{"OTEL_SDK_DISABLED": "true"}, {"POWERTOOLS_TRACE_DISABLED": "1"}, {"POWERTOOLS_TRACE_ENABLED": "false"}} {
		tr, err := trace.New(trace.ToExporter(&kept{}), trace.WithEnvironment(func(k string) string { return off[k] }))
		if err != nil || tr.Enabled() {
			t.Errorf("%v: enabled %t, %v", off, tr.Enabled(), err)
		}
	}
}

func TestSamplerOfTheEnvironment(t *testing.T) {
	for _, c := range []struct {
		sampler, arg string
		kept, ok     bool
	}{
		{"always_on", "", true, true},
		{"parentbased_always_off", "", false, true},
		{"traceidratio", "", true, true},
		{"parentbased_traceidratio", "0", false, true},
		{"traceidratio", "2", false, false},
		{"traceidratio", "many", false, false},
		{"xray", "endpoint=http://localhost:2000", true, true}, // its default rule: the first of a second
	} {
		env := map[string]string{"OTEL_TRACES_SAMPLER": c.sampler, "OTEL_TRACES_SAMPLER_ARG": c.arg}
		tr, err := trace.New(trace.ToExporter(&kept{}), trace.WithInterval(0), trace.WithEnvironment(func(n string) string { return env[n] }))
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
		_, s := tr.Start(t.Context(), "x")
		if s.Recording() != c.kept {
			t.Errorf("%+v: recorded %t", c, s.Recording())
		}
	}
}
