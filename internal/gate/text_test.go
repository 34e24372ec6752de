package gate_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
)

func TestPercent(t *testing.T) {
	for ratio, want := range map[float64]string{
		0: "0 %", 1: "100 %", .5: "50.0 %", .124: "12.4 %", -.03: "-3.0 %", -1.386: "-138.6 %",
		.9999: "99.99 %", .00001: "0.001 %", -.0004: "-0.04 %", .99999: "99.999 %", 1.0001: "100.01 %",
	} {
		if got := gate.Percent(ratio); got != want {
			t.Errorf("Percent(%v) = %q, want %q", ratio, got, want)
		}
	}
}

func TestPercentNeverReadsAsNothingOrAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ratio := rapid.Float64Range(-10, 10).Draw(t, "ratio")
		got := strings.TrimSuffix(gate.Percent(ratio), " %")
		small := ratio > -1e-8 && ratio < 1e-8
		if !small && (strings.Trim(got, "-0.") == "" || got == "100" && ratio != 1) {
			t.Fatalf("Percent(%v) = %q", ratio, got)
		}
	})
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 1: "1", 999: "999", 1000: "1,000", 43_200: "43,200", 43_200_000: "43,200,000", 123456.7: "123,457",
		21.6: "21.6", 16.666: "16.7", 2.96: "3", .5: "0.5", .0123: "0.012", -1234: "-1,234", -.5: "-0.5", 999.96: "1,000",
	} {
		if got := gate.Number(x); got != want {
			t.Errorf("Number(%v) = %q, want %q", x, got, want)
		}
	}
}

func TestLength(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", -time.Hour: "0 s", 40 * time.Second: "40 s", 12*time.Minute + 5*time.Second: "12 min", time.Hour: "1 h",
		90 * time.Minute: "1 h 30 min", 52*time.Hour + 3*time.Minute: "2 d 4 h", 24*time.Hour + 59*time.Minute: "1 d",
	} {
		if got := gate.Length(d); got != want {
			t.Errorf("Length(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestParseRow(t *testing.T) {
	for _, row := range gate.Rows() {
		if class, got, err := gate.ParseRow(string(row)); err != nil || got != row || class != "" {
			t.Errorf("ParseRow(%q) = %q, %q, %v", row, class, got, err)
		}
		for _, want := range gate.Classes()[:3] {
			if class, got, err := gate.ParseRow(string(want) + ":" + string(row)); err != nil || got != row || class != want {
				t.Errorf("ParseRow(%s:%s) = %q, %q, %v", want, row, class, got, err)
			}
		}
	}
	for _, bad := range []string{"", "no", ":", "fix:", ":stale", "hot:stale", "fix:fix:stale", "rollback:stale", "error", "Stale"} {
		if _, _, err := gate.ParseRow(bad); fault.KindOf(err) != fault.Invalid || err == nil || fault.HintOf(err) == "" {
			t.Errorf("ParseRow(%q): %v, want an error of kind Invalid with a hint", bad, err)
		}
	}
}

func TestParseClass(t *testing.T) {
	for in, want := range map[string]gate.Class{"": "change", "change": "change", "fix": "fix", "security": "security", "rollback": "rollback"} {
		if got, err := gate.ParseClass(in); err != nil || got != want {
			t.Errorf("ParseClass(%q) = %q, %v", in, got, err)
		}
	}
	if _, err := gate.ParseClass("Fix"); fault.KindOf(err) != fault.Invalid || err == nil {
		t.Errorf("ParseClass(Fix): %v", err)
	}
}
