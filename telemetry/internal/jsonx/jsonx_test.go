package jsonx_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
)

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "\x00\x1f\x7f\"\\\n\r\t", "\xff\xfe", "é\u2028\u2029", "<&>", strings.Repeat("x", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := jsonx.AppendString([]byte("x"), s)[1:]
		var back string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q is no JSON: %v", got, err)
		}
		if back != valid(s) {
			t.Fatalf("%q came back as %q", s, back)
		}
		if bytes.ContainsAny(got, "\n\r\x00") {
			t.Fatalf("a control character in %q", got)
		}
	})
}

// valid replaces each byte that is no UTF-8 by U+FFFD, as encoding/json does.
func valid(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

func FuzzAppendFloat(f *testing.F) {
	for _, v := range []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 1e-7, 1e21, 1e300, 5e-324, 123456.789, 1 << 53, 1e20, math.MaxFloat64} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		got := string(jsonx.AppendFloat(nil, v))
		if math.IsNaN(v) || math.IsInf(v, 0) {
			if want := strconv.Quote(strconv.FormatFloat(v, 'g', -1, 64)); got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
			return
		}
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Fatalf("got %s, encoding/json writes %s", got, want)
		}
	})
}

func TestAppendKeySeparates(t *testing.T) {
	b := jsonx.AppendKey([]byte("{"), "a")
	b = append(b, '1')
	b = jsonx.AppendKey(b, `b"`)
	b = append(b, '2', '}')
	if got, want := string(b), `{"a":1,"b\"":2}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAppendTimeKeepsTheInstant(t *testing.T) {
	for _, zone := range []string{"UTC", "America/St_Johns", "Pacific/Marquesas", "Asia/Kathmandu"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Skip("no time zones here:", err)
		}
		at := time.Date(2026, 11, 23, 7, 0, 0, 123_456_789, time.UTC).In(loc)
		got := string(jsonx.AppendTime(nil, at))
		back, err := time.Parse(`"`+time.RFC3339Nano+`"`, got)
		if err != nil || !back.Equal(at.Truncate(time.Millisecond)) {
			t.Errorf("%s: %s is %v (%v), want %v", zone, got, back, err, at)
		}
	}
}

type bad struct{}

func (bad) MarshalJSON() ([]byte, error) { panic("no") }

func TestAppendAnyAlwaysAppendsJSON(t *testing.T) {
	for _, v := range []any{nil, map[string]int{"a": 1}, func() {}, bad{}, math.NaN(), make(chan int)} {
		if got := jsonx.AppendAny(nil, v); !json.Valid(got) {
			t.Errorf("%T: %s is no JSON", v, got)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	buf := make([]byte, 0, 1024)
	at := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	if n := testing.AllocsPerRun(100, func() {
		b := jsonx.AppendString(buf, "text with \"quotes\" and é")
		b = jsonx.AppendFloat(b, 12.5)
		_ = jsonx.AppendTime(b, at)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPlain(t *testing.T) {
	for n := range 40 {
		text := strings.Repeat("a", n)
		if !jsonx.Plain(text) {
			t.Errorf("%d plain bytes are none", n)
		}
		for at := range n {
			for c := range 256 {
				s := text[:at] + string([]byte{byte(c)}) + text[at+1:]
				want := c >= ' ' && c < 0x7f && c != '"' && c != '\\'
				if got := jsonx.Plain(s); got && !want || !got && want {
					t.Fatalf("Plain(%q) = %t", s, got)
				}
			}
		}
	}
}
