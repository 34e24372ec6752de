package lambdatest_test

import (
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

func TestReadLog(t *testing.T) {
	const at = `"timestamp":"2026-11-23T07:00:00.123Z"`
	for line, want := range map[string]string{
		`{"level":"ERROR",` + at + `}`:                                 "ERROR",
		`{"level":"error",` + at + `}`:                                 "ERROR",
		`{"level":"TRACE","timestamp":"2026-11-23T07:00:00-03:30"}`:    "TRACE",
		`{"level":"CRITICAL",` + at + `}`:                              "INFO",
		`{"level":7,` + at + `}`:                                       "INFO",
		`{"Level":"ERROR",` + at + `}`:                                 "INFO",
		`{` + at + `}`:                                                 "INFO",
		`{"level":"ERROR"}`:                                            "INFO", // Lambda adds a time and a level
		`{"level":"ERROR","timestamp":"2026-11-23 07:01:36,506+0000"}`: "INFO",
		`{"level":"ERROR","timestamp":1795417241955}`:                  "INFO",
		`[{"level":"ERROR",` + at + `}]`:                               "INFO",
		`{"level":"ERROR",` + at + `} and more`:                        "INFO",
		`panic: no JSON`:                                               "INFO",
		``:                                                             "INFO",
	} {
		e := lambdatest.ReadLog(line)
		if e.Level != want || e.Line != line {
			t.Errorf("%s is %s, want %s", line, e.Level, want)
		}
		if valid := strings.Contains(line, `T07:00:00`) && strings.HasSuffix(line, "}"); e.Time.IsZero() == valid {
			t.Errorf("%s has the time %v", line, e.Time)
		}
	}
}

func TestKept(t *testing.T) {
	var lines []string
	for _, level := range []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"} {
		lines = append(lines, `{"level":"`+level+`","timestamp":"2026-11-23T07:00:00Z"}`)
	}
	lines = append(lines, "plain")
	for _, c := range []struct {
		env  string
		want int
	}{
		{"", 7},
		{"AWS_LAMBDA_LOG_LEVEL=FATAL", 7}, // plain text is not filtered
		{"AWS_LAMBDA_LOG_FORMAT=Text AWS_LAMBDA_LOG_LEVEL=FATAL", 7},
		{"AWS_LAMBDA_LOG_FORMAT=JSON", 5},
		{"AWS_LAMBDA_LOG_FORMAT=JSON AWS_LAMBDA_LOG_LEVEL=TRACE", 7},
		{"AWS_LAMBDA_LOG_FORMAT=JSON AWS_LAMBDA_LOG_LEVEL=DEBUG", 6},
		{"AWS_LAMBDA_LOG_FORMAT=JSON AWS_LAMBDA_LOG_LEVEL=WARN", 3},
		{"AWS_LAMBDA_LOG_LEVEL=WARN AWS_LAMBDA_LOG_FORMAT=JSON AWS_LAMBDA_LOG_LEVEL=FATAL", 1},
	} {
		if got := lambdatest.Kept(strings.Fields(c.env), lines); len(got) != c.want {
			t.Errorf("%s keeps %v, want %d", c.env, got, c.want)
		}
	}
}

func FuzzReadLog(f *testing.F) {
	f.Add(`{"level":"ERROR","timestamp":"2026-11-23T07:00:00Z"}`)
	f.Add(`{"level":null,"timestamp":[]}`)
	f.Fuzz(func(t *testing.T, line string) {
		if e := lambdatest.ReadLog(line); e.Level != "INFO" && e.Time.IsZero() || len(lambdatest.Kept(nil, []string{line})) != 1 {
			t.Errorf("%q is %+v", line, e)
		}
	})
}
