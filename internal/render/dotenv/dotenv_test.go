package dotenv_test

import (
	"regexp"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/render/dotenv"
)

func TestPrint(t *testing.T) {
	got := string(dotenv.Print([]dotenv.Var{{"NINES_VERDICT", "pass"}, {"NINES_VERSION", "v1 \"x\"\n#$(id)"}, {"NINES_AT", "2025-02-05T00:00:00Z"}, {"NINES_ROLLOUT", ""}}))
	want := "NINES_VERDICT=pass\nNINES_VERSION=v1__x_____id_\nNINES_AT=2025-02-05T00:00:00Z\nNINES_ROLLOUT=\n"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLong(t *testing.T) {
	ids := strings.Repeat("1ng86b20002,", 900)
	got := string(dotenv.Print([]dotenv.Var{{"A", "pass"}, {"IDS", ids}, {"SERVICES", strings.Repeat("x", 9000)}}))
	if len(got) > 5<<10 || !strings.HasPrefix(got, "A=pass\nIDS=1ng86b20002,1ng") || !strings.Contains(got, "1ng86b20002,...\n") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

// FuzzPrint holds the report to GitLab's limits, whatever is in it.
func FuzzPrint(f *testing.F) {
	f.Add("a b", "ü,\x00", 3)
	f.Add(strings.Repeat("x,", 4000), "", 30)
	line := regexp.MustCompile(`^[A-Z_]+=[A-Za-z0-9._+:,@/%=-]*$`)
	f.Fuzz(func(t *testing.T, a, b string, n int) {
		var vars []dotenv.Var
		for range min(max(n, 0), 60) {
			vars = append(vars, dotenv.Var{Name: "NINES_A", Value: a}, dotenv.Var{Name: "NINES_B", Value: b})
		}
		got := string(dotenv.Print(vars))
		if len(got) > 5<<10 || strings.Count(got, "\n") > 20 {
			t.Errorf("%d bytes, %d lines", len(got), strings.Count(got, "\n"))
		}
		for l := range strings.Lines(got) {
			if !line.MatchString(strings.TrimSuffix(l, "\n")) {
				t.Errorf("%q", l)
			}
		}
	})
}
