package metrics_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

// What a name may be: the limit and the first beyond it, one by one.
func TestNamesAtRegistration(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("n", n) }
	for _, c := range []struct {
		name    string
		metric  string // what the error says; "": none
		dim     string
		because string
	}{
		{long(1), "", "", "one character"},
		{long(250), "", "", "the longest dimension"},
		{long(251), "", "shorten it to 250", "beyond it"},
		{long(255), "", "shorten it to 250", "the longest metric"},
		{long(256), "shorten it to 255", "shorten it to 250", "beyond it"},
		{"", "empty", "empty", "no name"},
		{"   ", "blank", "blank", "nothing to read"},
		{":a", "colon", "colon", "CloudWatch refuses it"},
		{"a:b", "", "", "a colon inside"},
		{"_aws", "the format's own", "taken", "the envelope"},
		{"a\x00b", "byte 0x00 at 1", "byte 0x00 at 1", "a control character"},
		{"a\nb", "byte 0x0a", "byte 0x0a", "a line end"},
		{"a\x7f", "byte 0x7f", "byte 0x7f", "delete"},
		{"größe", "printable ASCII", "printable ASCII", "a letter that CloudWatch refuses"},
		{"\xff", "printable ASCII", "printable ASCII", "no text at all"},
		{`"quoted" \ name`, "", "", "what JSON escapes"},
		{"service", "dimension already", "", "a default dimension"},
		{"ColdStart", "", "taken", "the package's own metric"},
	} {
		r, _ := start(t)
		_, err := r.Metric(c.name, metrics.Count)
		expect(t, c.because+": metric", err, c.metric)
		r, _ = start(t)
		_, err = r.Dimensions(c.name)
		expect(t, c.because+": dimension", err, c.dim)
	}
}

func expect(t *testing.T, what string, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want %q", what, err, want)
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	r, out := start(t)
	for i, u := range metrics.Units() {
		r.MustMetric(fmt.Sprintf("m%d", i), u).Add(t.Context(), 1)
	}
	r.MustMetric("none", "").Add(t.Context(), 1)
	r.Flush(t.Context())
	docs := out.documents(t) // by the schema, which lists the units
	if len(docs) != 1 || len(docs[0].metrics) != 28 || docs[0].metrics[27].Unit != "None" {
		t.Errorf("%+v", docs)
	}
	for unit, want := range map[metrics.Unit]string{"Parsecs": "none of CloudWatch's 27", "count": `is written "Count"`, "bytes/second": `is written "Bytes/Second"`} {
		_, err := r.Metric("odd", unit)
		expect(t, string(unit), err, want)
	}
}

func TestSameMetricAgain(t *testing.T) {
	t.Parallel()
	r, _ := start(t)
	a := r.MustMetric("Latency", metrics.Milliseconds)
	if b := r.MustMetric("Latency", metrics.Milliseconds); a != b {
		t.Error("the same registration gives another metric")
	}
	_, err := r.Metric("Latency", metrics.Seconds)
	expect(t, "another unit", err, "has the unit Milliseconds already, not Seconds")
	_, err = r.Metric("Latency", metrics.Milliseconds, metrics.HighResolution())
	expect(t, "another resolution", err, "another resolution")
	_, err = r.Dimensions("Latency")
	expect(t, "as a dimension", err, "is a metric already")
	r.MustDimensions("route")
	_, err = r.Metric("route", metrics.Count)
	expect(t, "a dimension as a metric", err, "is a dimension already")
}

func TestResolution(t *testing.T) {
	t.Parallel()
	r, out := start(t)
	r.MustMetric("fine", metrics.Count, metrics.HighResolution()).Add(t.Context(), 1)
	r.MustMetric("coarse", metrics.Count).Add(t.Context(), 1)
	r.Flush(t.Context())
	d := out.documents(t)[0]
	if d.metrics[0].StorageResolution != 1 || d.metrics[1].StorageResolution != 0 {
		t.Errorf("%+v: 60 is left out", d.metrics)
	}
}

// 100 metrics a directive: the 101st begins another document.
func TestHundredMetrics(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 99, 100, 101, 250} {
		r, out := start(t)
		for i := range n {
			r.MustMetric(fmt.Sprintf("m%d", i), metrics.Count).Add(t.Context(), float64(i))
		}
		before := len(out.lines())
		r.Flush(t.Context())
		if after := len(out.documents(t)); before != (n-1)/100 || before+after != (n+99)/100 {
			t.Errorf("%d metrics: %d documents before the flush, %d by it", n, before, after)
		}
	}
}

// 100 values a metric: the 100th writes the document.
func TestHundredValues(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 99, 100, 101, 250} {
		r, out := start(t)
		m := r.MustMetric("m", metrics.Count)
		for i := range n {
			m.Add(t.Context(), float64(i))
		}
		early := out.documents(t)
		r.Flush(t.Context())
		docs := append(early, out.documents(t)...)
		if len(early) != n/100 || len(docs) != (n+99)/100 {
			t.Errorf("%d values: %d documents, %d before the flush", n, len(docs), len(early))
		}
		next := 0.0
		for _, d := range docs {
			for _, v := range d.values("m") {
				if v != next {
					t.Fatalf("%d values: %v comes where %v should", n, v, next)
				}
				next++
			}
		}
		if int(next) != n {
			t.Errorf("%d values of %d arrived", int(next), n)
		}
	}
}

// 30 dimensions a set, defaults included, and per set, not summed (a limit that
// Powertools for TypeScript once summed over sets).
func TestThirtyDimensions(t *testing.T) {
	t.Parallel()
	names := make([]string, 30)
	for i := range names {
		names[i] = fmt.Sprintf("d%d", i)
	}
	r, out := start(t)
	_, err := r.Dimensions(names...)
	expect(t, "31 with the service", err, "a dimension set of 31, 1 default ones included; CloudWatch takes 30")
	first, err := r.Dimensions(names[:29]...)
	expect(t, "30 with the service", err, "")
	second, err := r.DimensionsOnly(names...)
	expect(t, "30 without", err, "")
	both, err := r.Sets(first.Of(names[:29]...), second.Of(names...))
	expect(t, "60 in two sets", err, "")
	r.MustMetric("m", metrics.Count).With(both).Add(t.Context(), 1)
	r.Flush(t.Context())
	if d := out.documents(t); len(d) != 1 || len(d[0].sets[0]) != 30 || len(d[0].sets[1]) != 30 {
		t.Errorf("%+v", d)
	}
	_, err = r.Dimensions("a", "b", "a")
	expect(t, "a name twice", err, "stands twice")
}

func TestDimensionValues(t *testing.T) {
	t.Parallel()
	r, out := start(t)
	m, tenant := r.MustMetric("m", metrics.Count), r.MustDimensions("tenant")
	refused := 0
	for value, want := range map[string]string{
		"acme": "", `a "b" \ c`: "", strings.Repeat("v", 1024): "",
		strings.Repeat("v", 1025): "shorten it to 1024", strings.Repeat("v", 2000): "shorten", "": "empty", "  ": "blank", ":a": "colon",
		"a\x1bb": "byte 0x1b", "a\nb": "byte 0x0a", "Zürich": "ASCII", "\xff": "ASCII",
	} {
		d, err := tenant.Values(value)
		expect(t, value, err, want)
		m.With(d).Add(t.Context(), 1) // the handle may be used all the same
		m.With(tenant.Of(value)).Add(t.Context(), 1)
		if want != "" {
			refused += 2
		}
	}
	drops := r.Flush(t.Context())
	if n := dropped(drops, metrics.BadDimensions); n != uint64(refused) {
		t.Errorf("%d values dropped of %d", n, refused)
	}
	if docs := out.documents(t); len(docs) != 3 {
		t.Errorf("%d documents, want one for each good value", len(docs))
	}
	_, err := tenant.Values("a", "b")
	expect(t, "too many", err, "2 values for the dimensions")
}

// NaN is null to Powertools for TypeScript, and to that for Python it costs the
// line: here it costs the value, and is counted.
func TestNumbersThatAreNone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value float64
		want  metrics.Reason
	}{
		{math.NaN(), metrics.NotANumber},
		{math.Inf(1), metrics.NotANumber},
		{math.Inf(-1), metrics.NotANumber},
		{0x1p360, ""},
		{-0x1p360, ""},
		{math.Nextafter(0x1p360, math.Inf(1)), metrics.OutOfRange},
		{-math.MaxFloat64, metrics.OutOfRange},
		{math.SmallestNonzeroFloat64, ""},
		{math.Copysign(0, -1), ""},
		{1e-9, ""},
		{1 << 53, ""},
	} {
		r, out := start(t)
		m := r.MustMetric("m", metrics.Count)
		m.Add(t.Context(), 7)
		m.Add(t.Context(), c.value)
		m.Emit(t.Context(), c.value)
		drops := r.Flush(t.Context())
		docs := out.documents(t)
		switch {
		case c.want == "" && (len(drops) != 0 || len(docs) != 2 || docs[0].values("m")[0] != c.value || docs[1].values("m")[1] != c.value):
			t.Errorf("%v: %v, %+v", c.value, drops, docs)
		case c.want != "" && (dropped(drops, c.want) != 2 || drops[0].First != "m" || len(docs) != 1 || docs[0].values("m")[0] != 7):
			t.Errorf("%v: %v, %+v", c.value, drops, docs)
		}
		if c.value == 0 && math.Signbit(docs[0].values("m")[0]) {
			t.Error("-0 is not 0")
		}
	}
}

// Two weeks back to two hours ahead, when it is written.
func TestTimestamps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at time.Time
		ok bool
	}{
		{at().Add(-14 * day), true},
		{at().Add(-14*day - time.Millisecond), false},
		{at().Add(2 * time.Hour), true},
		{at().Add(2*time.Hour + time.Millisecond), false},
		{time.Time{}, false},
		{time.UnixMilli(0), false},
		{time.Unix(1<<62, 0), false},
	} {
		r, out := start(t)
		m := r.MustMetric("m", metrics.Count)
		m.At(c.at).Add(t.Context(), 1)
		m.At(c.at).Emit(t.Context(), 1)
		m.Add(t.Context(), 2)
		drops := r.Flush(t.Context())
		docs := out.documents(t)
		if c.ok && (len(docs) != 3 || docs[0].at != c.at.UnixMilli() || docs[1].at != c.at.UnixMilli() || drops != nil) {
			t.Errorf("%v: %v %+v", c.at, drops, docs)
		}
		if !c.ok && (len(docs) != 1 || docs[0].at != at().UnixMilli() || dropped(drops, metrics.BadTimestamp) != 2) {
			t.Errorf("%v: %v %+v", c.at, drops, docs)
		}
	}
}

// A document that would be too long is split; nothing of it is lost.
func TestDocumentSize(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 128 << 10, 256 << 10, 1 << 20} {
		r, out := start(t, metrics.WithDocumentLimit(limit))
		for i := range 100 {
			m := r.MustMetric(fmt.Sprintf("metric-%03d-%s", i, strings.Repeat("x", 240)), metrics.Count)
			for j := range 99 {
				m.Add(t.Context(), -1e100/float64(3+i*100+j))
			}
		}
		r.Metadata(t.Context(), "note", strings.Repeat("y", limit/5))
		if drops := r.Flush(t.Context()); drops != nil {
			t.Error(drops)
		}
		most, values := max(limit, 128<<10), 0
		for _, l := range out.lines() {
			if len(l) > most {
				t.Errorf("a document of %d bytes, the limit is %d", len(l), most)
			}
			for i, d := 0, parse(t, l); i < len(d.metrics); i++ {
				values += len(d.values(d.metrics[i].Name))
			}
		}
		if values != 9900 {
			t.Errorf("limit %d: %d values", limit, values)
		}
	}
}

func TestDimensionsThatAreTooLongTogether(t *testing.T) {
	t.Parallel()
	r, _ := start(t)
	names, values := make([]string, 29), make([]string, 29)
	for i := range names {
		names[i], values[i] = fmt.Sprintf("%02d%s", i, strings.Repeat(`"`, 248)), strings.Repeat(`\`, 1024)
	}
	_, err := r.MustDimensions(names...).Values(values...)
	expect(t, "90 KB", err, "a document has room for")
}

// The key _aws of metadata replaces the envelope of Powertools for TypeScript, and
// all metrics are lost.
func TestMetadataKeys(t *testing.T) {
	t.Parallel()
	r, out := start(t)
	m := r.MustMetric("m", metrics.Count)
	r.MustDimensions("route")
	ctx := context.Background()
	for _, key := range []string{"_aws", "m", "route", "service", ""} {
		r.Metadata(ctx, key, "x")
	}
	r.Metadata(ctx, "later", 1)
	r.Metadata(ctx, "later dimension", 1)
	r.Metadata(ctx, "kept", map[string]any{"a": []int{1}})
	r.Metadata(ctx, "\xff", 1)
	r.Metadata(ctx, "\xfe", 2) // the same key, once it is text
	r.MustMetric("later", metrics.Count)
	r.MustDimensions("later dimension")
	m.Add(ctx, 1)
	drops := r.Flush(ctx)
	d := out.documents(t)[0]
	if len(drops) != 1 || drops[0] != (metrics.Drop{Reason: metrics.BadMetadata, Count: 7, First: "_aws"}) {
		t.Errorf("%v", drops)
	}
	if len(d.members) != 5 || d.members["kept"] == nil || d.members["\uFFFD"] != 2.0 || d.members["service"] != "pay" || !d.has("m") {
		t.Errorf("%v", d.members)
	}
}

func TestMetadataSize(t *testing.T) {
	t.Parallel()
	r, out := start(t)
	m := r.MustMetric("m", metrics.Count)
	m.Add(t.Context(), 1)
	r.Metadata(t.Context(), "large", strings.Repeat("x", 70<<10))
	r.Metadata(t.Context(), "a", strings.Repeat("x", 30<<10))
	r.Metadata(t.Context(), "a", strings.Repeat("y", 60<<10)) // instead of the first
	r.Metadata(t.Context(), strings.Repeat("\x01", 2<<10), "a key that grows sixfold")
	drops := r.Flush(t.Context())
	a, _ := out.documents(t)[0].members["a"].(string)
	if len(drops) != 1 || dropped(drops, metrics.MetadataSize) != 2 || len(a) != 60<<10 {
		t.Errorf("%v", drops)
	}
	m.Add(t.Context(), 1)
	r.Flush(t.Context())
	if d := out.documents(t)[0]; d.members["a"] != nil {
		t.Error("metadata outlives its flush")
	}
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Shop": "", "a.B-c_d/e#f:g h": "", strings.Repeat("n", 255): "",
		strings.Repeat("n", 256): "shorten it to 255", ":a": "colon", "AWS/Lambda": "Amazon's own", "a\nb": "byte 0x0a", `a"b`: "letters, digits", "größe": "ASCII",
		"": "no metric namespace is set",
	} {
		r, out := start(t, metrics.WithNamespace(name))
		r.MustMetric("m", metrics.Count).Add(t.Context(), 1)
		r.Flush(t.Context())
		problems := strings.Join(r.Problems(), "\n")
		if (problems == "") != (want == "") || !strings.Contains(problems, want) {
			t.Errorf("%.20q: problems %q, want %q", name, problems, want)
		}
		if got := out.documents(t)[0].namespace; want == "" && got != name || want != "" && got != "default_namespace" {
			t.Errorf("%.20q is written as %q", name, got)
		}
	}
}
