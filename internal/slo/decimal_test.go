package slo_test

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/slo"
)

func TestParseDecimal(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0.9995": "0.9995", "99.95": "99.95", "0": "0", "-0": "0", "0.000": "0", "1": "1", "1.": "1", ".5": "0.5",
		"+3": "3", "-14.40": "-14.4", "007": "7", "1e-3": "0.001", "1E3": "1000", "12.5e1": "125",
		"0.000000000000000001": "0.000000000000000001", "999999999999999999": "999999999999999999",
		"1.000000000000000000000000": "1", "100e-2": "1", "0e99": "0",
	} {
		d, err := slo.ParseDecimal(in)
		if err != nil || d.String() != want {
			t.Errorf("ParseDecimal(%q) = %v, %v; want %s", in, d, err, want)
		}
		if d != slo.MustDecimal(want) {
			t.Errorf("%q and %q are the same number but not ==", in, want)
		}
	}
	for _, in := range []string{
		"", " ", "1 ", "-", ".", "e5", "1e", "1e+", "NaN", "Inf", "0x10", "1_000", "1,5", "99%", "1.2.3", "--1", "1e1000000",
		"1234567890123456789", "0.1234567890123456789", "1e18", "1e-19", strings.Repeat("1", 10_000),
	} {
		if d, err := slo.ParseDecimal(in); err == nil {
			t.Errorf("ParseDecimal(%.40q) = %v, want an error", in, d)
		} else if len(err.Error()) > 700 {
			t.Errorf("ParseDecimal(%.40q): the message has %d bytes", in, len(err.Error()))
		}
	}
}

func TestDecimalArithmetic(t *testing.T) {
	t.Parallel()
	if got := slo.MustDecimal("0.999").Complement(); got != slo.MustDecimal("0.001") {
		t.Errorf("1 - 0.999 = %v", got)
	}
	p, err := slo.MustDecimal("14.4").Mul(slo.MustDecimal("0.001"))
	if err != nil || p != slo.MustDecimal("0.0144") {
		t.Errorf("14.4 x 0.001 = %v, %v", p, err)
	}
	if _, err := slo.MustDecimal("123456789012345678").Mul(slo.MustDecimal("11")); err == nil {
		t.Error("a product of 19 digits is not refused")
	}
	if s, err := slo.MustDecimal("99.95").Shift(-2); err != nil || s != slo.MustDecimal("0.9995") {
		t.Errorf("99.95 %% = %v, %v", s, err)
	}
	b, err := json.Marshal(map[string]slo.Decimal{"target": slo.MustDecimal("0.9990")})
	if err != nil || string(b) != `{"target":"0.999"}` {
		t.Errorf("%s, %v", b, err)
	}
	var back map[string]slo.Decimal
	if err := json.Unmarshal(b, &back); err != nil || back["target"] != slo.MustDecimal("0.999") {
		t.Errorf("%v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"target":"NaN"}`), &back); err == nil {
		t.Error("NaN is read as a decimal")
	}
}

func genDecimal(t *rapid.T, label string) slo.Decimal {
	s := rapid.StringMatching(`-?[0-9]{1,9}(\.[0-9]{1,9})?`).Draw(t, label)
	return slo.MustDecimal(s)
}

func TestDecimalProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := genDecimal(t, "a"), genDecimal(t, "b")
		if again, err := slo.ParseDecimal(a.String()); err != nil || again != a {
			t.Fatalf("%v reads back as %v, %v", a, again, err)
		}
		if a.Cmp(b) != a.Rat().Cmp(b.Rat()) || (a == b) != (a.Cmp(b) == 0) || a.Sign() != a.Rat().Sign() {
			t.Fatalf("%v and %v compare wrongly", a, b)
		}
		if one := new(big.Rat).SetInt64(1); a.Complement().Rat().Cmp(one.Sub(one, a.Rat())) != 0 {
			t.Fatalf("1 - %v = %v", a, a.Complement())
		}
		if f, _ := a.Rat().Float64(); a.Float() != f {
			t.Fatalf("%v as float64 is %v, want %v", a, a.Float(), f)
		}
	})
}

func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"0.9995", "1e-18", "-0.0", "99.95", "1e18", "..", "e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := slo.ParseDecimal(s)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok || d.Rat().Cmp(want) != 0 {
			t.Fatalf("%q is read as %v", s, d)
		}
		if again, err := slo.ParseDecimal(d.String()); err != nil || again != d {
			t.Fatalf("%v reads back as %v, %v", d, again, err)
		}
	})
}

func TestParseAmount(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]slo.Amount{
		"0": 0, "1": 1_000_000, "-1.5": -1_500_000, "0.000001": 1, "1e-6": 1, "1e3": 1_000_000_000,
		// Ties go to the even neighbour, everything else to the nearest.
		"0.0000005": 0, "0.0000015": 2, "0.00000050000001": 1, "0.0000025": 2, "-0.0000015": -2, "0.0000004999": 0, "1e-400": 0,
		"9223372036853": 9_223_372_036_853_000_000,
	} {
		if got, err := slo.ParseAmount(in); err != nil || got != want {
			t.Errorf("ParseAmount(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "NaN", "nan", "Inf", "-inf", "9.3e12", "9223372036854.775807", "1e400", "0x1p3", "1,000"} {
		if got, err := slo.ParseAmount(in); err == nil {
			t.Errorf("ParseAmount(%q) = %d, want an error", in, got)
		}
	}
	if _, err := slo.ParseEvents("-1"); err == nil {
		t.Error("a negative count is read")
	}
	if n, err := slo.ParseEvents("12"); err != nil || n != slo.Events(12) {
		t.Errorf("ParseEvents(12) = %v, %v", n, err)
	}
}

func TestAmountOf(t *testing.T) {
	t.Parallel()
	for in, want := range map[float64]slo.Amount{0: 0, 1.5: 1_500_000, -2: -2_000_000, 0.1: 100_000, 9e12: 9_000_000_000_000_000_000} {
		if got, err := slo.AmountOf(in); err != nil || got != want {
			t.Errorf("AmountOf(%v) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 9.3e12, -9.3e12, math.MaxFloat64} {
		if got, err := slo.AmountOf(in); err == nil {
			t.Errorf("AmountOf(%v) = %d, want an error", in, got)
		}
	}
	if _, err := slo.EventsOf(-0.5); err == nil {
		t.Error("a negative count is taken")
	}
}

// naiveAmount rounds an exact value half to even.
func naiveAmount(r *big.Rat) int64 {
	scaled := new(big.Rat).Mul(r, big.NewRat(1_000_000, 1))
	q, rem := new(big.Int).DivMod(scaled.Num(), scaled.Denom(), new(big.Int))
	switch twice := rem.Lsh(rem, 1).Cmp(scaled.Denom()); {
	case twice > 0, twice == 0 && q.Bit(0) == 1:
		q.Add(q, big.NewInt(1))
	}
	return q.Int64()
}

func TestAmountProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.OneOf(
			rapid.Float64Range(-9e12, 9e12), rapid.Float64Range(-1, 1),
			rapid.Custom(func(t *rapid.T) float64 { // near ties
				return float64(rapid.Int64Range(-1e9, 1e9).Draw(t, "n")) / 2e6
			}),
		).Draw(t, "f")
		if got, err := slo.AmountOf(f); err != nil || int64(got) != naiveAmount(new(big.Rat).SetFloat64(f)) {
			t.Fatalf("AmountOf(%v) = %d, %v", f, got, err)
		}
		s := rapid.StringMatching(`-?[0-9]{0,11}[0-9](\.[0-9]{1,12})?(e-[0-9])?`).Draw(t, "s")
		want, _ := new(big.Rat).SetString(s)
		if got, err := slo.ParseAmount(s); err != nil || int64(got) != naiveAmount(want) {
			t.Fatalf("ParseAmount(%q) = %d, %v", s, got, err)
		}
	})
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{"1.5", "0.0000005", "-0", "9223372036854.775806", "1e-9", "5e-7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := slo.ParseAmount(s)
		if err != nil {
			return
		}
		if want, ok := new(big.Rat).SetString(s); !ok || int64(a) != naiveAmount(want) {
			t.Fatalf("%q is read as %d", s, a)
		}
	})
}
