package metrics_test

import (
	"testing"

	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

// Whatever the names, the values and the metadata are: a line is one that
// CloudWatch takes, or there is none and it was said or counted why.
func FuzzLine(f *testing.F) {
	f.Add("Orders", "route", "/buy", "order_id", "o-1", 1.5)
	f.Add("_aws", "_aws", "\x00", "_aws", "\xff", -0x1p360)
	f.Add(`a"b\`, `"`, `\`, "\u2028", "\u2029", 1e-7)
	f.Add("same", "same", "same", "same", "same", 1e21)
	f.Add("ColdStart", "service", "v", "service", "", 0.1)
	f.Fuzz(func(t *testing.T, name, dim, value, key, text string, number float64) {
		r, out := start(t)
		m, err := r.Metric(name, metrics.Count)
		set, err2 := r.Dimensions(dim)
		dims, err3 := set.Values(value)
		r.Metadata(t.Context(), key, text)
		m.With(dims).Add(t.Context(), number)
		m.Emit(t.Context(), number)
		r.Flush(t.Context())
		docs := out.documents(t)
		dropped := uint64(0)
		for _, d := range r.Dropped() {
			if d.Reason != metrics.BadMetadata && d.Reason != metrics.MetadataSize {
				dropped += d.Count
			}
		}
		if uint64(len(docs))+dropped != 2 {
			t.Errorf("%d documents, %v", len(docs), r.Dropped())
		}
		if (err != nil || err2 != nil || err3 != nil) && dropped == 0 {
			t.Errorf("errors %v, %v, %v, and nothing dropped", err, err2, err3)
		}
		for _, d := range docs {
			if v := d.values(name); len(v) != 1 || v[0] != number {
				t.Errorf("%v is written as %v", number, v)
			}
		}
	})
}
