package script_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/script"
)

// TestScripts runs our own tests in the language that users write theirs in.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.nines")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, problems := script.Parse(file, data)
			if err := problems.Err(true); err != nil {
				t.Fatal(err)
			}
			r, err := script.Run(s, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range r.Failures {
				t.Errorf("%v: %s: got %s", f.Place, f.Expected, f.Got)
			}
			if n := strings.Count(string(data), "\n  "); r.Checks == 0 || r.Checks > n {
				t.Errorf("%d expectations in %d lines", r.Checks, n)
			}
		})
	}
}

const declared = "objective a/b 99% over 1d\nload a/b\n total 100x9\n bad 0x9\n"

// TestFailures: what is wrong is found, and said with what was got.
func TestFailures(t *testing.T) {
	t.Parallel()
	for expected, got := range map[string]string{
		"remaining < 50%":           "100%",
		"remaining = unknown":       "1",
		"spent = 1":                 "0",
		"burn 1h > 1":               "0",
		"level exhausted":           "level healthy",
		"flag stale":                "no flags",
		"condition page-slow true":  "false",
		"alert page":                "0 firing",
		"told ticket 3":             "told 0 times",
		"gate fail":                 "pass",
		"no flag insufficient_data": "",
	} {
		s, problems := script.Parse("x.nines", []byte(declared+"at 10m\n  "+expected+"\n"))
		if problems.Err(true) != nil {
			t.Errorf("%s: %v", expected, problems)
			continue
		}
		r, err := script.Run(s, nil)
		if err != nil {
			t.Errorf("%s: %v", expected, err)
		}
		switch {
		case got == "" && len(r.Failures) > 0:
			t.Errorf("%s: %+v", expected, r.Failures)
		case got != "" && (len(r.Failures) != 1 || !strings.HasPrefix(r.Failures[0].Got, got) || r.Failures[0].Place.Line != 6 || r.Failures[0].Expected != expected):
			t.Errorf("%s: %+v, want %s", expected, r.Failures, got)
		}
	}
}

// TestProblems: what cannot be read, or run, says where and why.
func TestProblems(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                                 "x.nines:1:1: it expects nothing",
		"objective a/b 99% over 1d":                        "it expects nothing",
		"  total 1":                                        "x.nines:1:1: an indented line belongs",
		"lode a/b":                                         `there is no "lode"`,
		"objective a 99% over 1d":                          "is not SERVICE/SLO",
		"objective a/b 100% over 1d":                       "is no target",
		"objective a/b 99% over 1x":                        "is no window",
		"objective a/b 99% over 1d weigh":                  "is none of weighted",
		declared + "at 10m":                                "x.nines:5:1: nothing is expected at it",
		declared + "at 10m\n  remains = 1":                 `x.nines:6:1: nothing is known of "remains"`,
		declared + "at 10m\n  remaining ~ 1":               "none of = <",
		declared + "at 10m\n  burn x > 1":                  "is no look-back",
		declared + "at soon\n  alert page":                 "neither a time",
		declared + "at 10m c/d\n  alert page":              `x.nines:5:1: there is no objective "c/d"`,
		declared + "at 1m\n  condition x true":             "x.nines:6:1: there is no condition",
		"load a/b\n total 1x99999999\nat 1m\n  alert page": "samples of a series at most",
		"load a/b\n total 1-1x5\nat 1m\n  alert page":      "is no count of events",
		"objective a/b 99% over 1d\nload a/b\n total 1x3\n bad 2x3\nat 1m\n  alert page": "a part of 2 of 1",
		"objective a/b 99% over 1d\nload a/b\n total 1x3\n bad 0x2\nat 1m\n  alert page": "total has 4 samples and the other 3",
		"objective a/b 99% over 1d\nload a/b\n total 1x3\nat 1m\n  alert page":           "load total, and either",
		"objective a/b 99% over 1d\nrows a/b\n 0 2 1\nat 1m\n  alert page":               "more is good than there is",
		declared + "from 2025-01-01T00:00:00Z\nat 1m\n  alert page":                      "once, at the top",
		"objective a/b 99% over 1d\nobjective a/c 99% over 1d\nat 1m\n  alert page":      "of which objective",
		"objective a/b 99% over 1d\n  total 1\nat 1m\n  alert page":                      "nothing stands below objective",
		"objective a/b 99% over 1d\nat 1m\n  told page many":                             "write `told page 1`",
		"objective a/b 99% over 1d\nat 1m\n  gate pass for fun":                          "fun",
		"\xff\xfe": "it is no text",
	} {
		s, problems := script.Parse("x.nines", []byte(text))
		err := problems.Err(true)
		if err == nil {
			_, err = script.Run(s, nil)
		}
		got := ""
		if len(problems) > 0 {
			got = problems[0].String()
		} else if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: %s; want %s", text, got, want)
		}
	}
}

// long is a series of more than 9999 samples.
var long = regexp.MustCompile(`x\d{5}`)

// FuzzParse: whatever is written is read or refused; what is read and small runs.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.nines")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(declared + "at 10m\n  gate pass\n"))
	f.Add([]byte("load a/b\n total 0+1e3x3 _x2 _ 5-1x5\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 || long.Match(data) {
			return // long loads are slow, and not interesting
		}
		s, problems := script.Parse("fuzz.nines", data)
		for _, p := range problems {
			if p.Place.File != "fuzz.nines" || p.Place.Line < 1 || p.Message == "" {
				t.Fatalf("a problem without a place: %+v", p)
			}
		}
		if problems.Err(true) == nil && s.Checks == 0 {
			t.Fatal("a test that expects nothing was taken")
		}
	})
}
