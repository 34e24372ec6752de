package csv_test

import (
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/csv"
	"gitlab.com/nines-sre/nines/internal/metric/metrictest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// FuzzFile feeds foreign bytes: whatever they are, the answer is well formed,
// or an error with a kind and a hint.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"timestamp,value\n2025-01-31 00:00:00,1\n2025-01-31 00:01:00,NaN\n",
		"60,1,2\n120,1,2\n119,1,2\n", "\xef\xbb\xbftimestamp;value\r\n\"60\";\"1e-3\"\r\n", "\xff\xfe", "", ",,,\n,,",
		"timestamp,value\n2025-01-31T00:00:00+01:00,-5\nnoon,4\n1738281660,9.9e12\n", "timestamp\n1", "a\"b,c\n",
	} {
		f.Add([]byte(seed), "", int64(0))
		f.Add([]byte(seed), "good", int64(5))
	}
	f.Fuzz(func(t *testing.T, content []byte, column string, period int64) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.csv"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		src, err := csv.Open(t.Context(), nil, dir)
		if err != nil {
			t.Fatal(err)
		}
		spec := slo.Spec{"path": "x.csv"}
		if column != "" {
			spec["column"] = column
		}
		q := metric.Query{Key: "k", Spec: spec, Period: slo.Minute(max(period, 0) % 1000)}
		span := slo.Span{From: 0, To: 1 << 40}
		got, err := src.Fetch(t.Context(), metric.Request{Queries: []metric.Query{q}, Span: span})
		if err != nil || len(got) != 1 {
			t.Fatalf("Fetch: %v, %d series", err, len(got))
		}
		if e := got[0].Err; e != nil && (fault.KindOf(e) == fault.Internal || fault.HintOf(e) == "") {
			t.Errorf("unclassified: %v", e)
		}
		for _, breach := range metrictest.Breaches(got[0], span) {
			t.Error(breach)
		}
		if !got[0].Exists && len(got[0].Points) > 0 {
			t.Error("points of a series that does not exist")
		}
	})
}

// TestValuesAreExact compares with rational arithmetic: the nearest millionth,
// half to even.
func TestValuesAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[+-]?([0-9]{1,14}(\.[0-9]{0,12})?|\.[0-9]{1,9})([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		exactly, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Skip("big.Rat reads it otherwise")
		}
		got, err := csv.ParseAmount([]byte(text))
		scaled := new(big.Rat).Mul(exactly, big.NewRat(1_000_000, 1))
		want := halfEven(scaled)
		limit := new(big.Int).SetInt64(1<<63 - 1)
		if new(big.Int).Abs(want).Cmp(limit) >= 0 {
			if err == nil {
				t.Fatalf("%s = %d, want an error", text, got)
			}
			return
		}
		if err != nil || want.Cmp(big.NewInt(int64(got))) != 0 {
			t.Fatalf("%s = %d, %v; want %v", text, got, err, want)
		}
	})
}

// halfEven rounds a rational to an integer.
func halfEven(r *big.Rat) *big.Int {
	floor := new(big.Int).Div(r.Num(), r.Denom()) // Euclidean: floor for a positive divisor
	rest := new(big.Rat).Sub(r, new(big.Rat).SetInt(floor))
	c := rest.Cmp(big.NewRat(1, 2))
	if c > 0 || c == 0 && floor.Bit(0) == 1 {
		floor.Add(floor, big.NewInt(1))
	}
	return floor
}

func TestNoNumbers(t *testing.T) {
	for _, s := range []string{"", "NaN", "nan", "Inf", "-inf", "+Inf", "0x10", "1_000", "1,5", "1e", "e5", ".", "-", "1.2.3", "1e5.0", "--1", "1 2", "1e99999999999999999999"} {
		if v, err := csv.ParseAmount([]byte(s)); err == nil {
			t.Errorf("ParseAmount(%q) = %d", s, v)
		}
	}
}
