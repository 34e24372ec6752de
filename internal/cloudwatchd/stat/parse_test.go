package stat_test

import (
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
)

func TestEveryWrittenForm(t *testing.T) {
	const one = 10_000_000_000 // one percent
	for text, want := range map[string]stat.Statistic{
		"SampleCount":     {Kind: stat.SampleCount},
		"Sum":             {Kind: stat.Sum},
		"Average":         {Kind: stat.Average},
		"Minimum":         {Kind: stat.Minimum},
		"Maximum":         {Kind: stat.Maximum},
		"p99":             {Kind: stat.Percentile, Hi: stat.Bound{Set: true, Percent: true, Share: 99 * one}},
		"p0":              {Kind: stat.Percentile, Hi: stat.Bound{Set: true, Percent: true}},
		"p100":            {Kind: stat.Percentile, Hi: stat.Bound{Set: true, Percent: true, Share: 100 * one}},
		"p99.9999999999":  {Kind: stat.Percentile, Hi: stat.Bound{Set: true, Percent: true, Share: 100*one - 1}},
		"tm90":            {Kind: stat.TrimmedMean, Hi: stat.Bound{Set: true, Percent: true, Share: 90 * one}},
		"wm98":            {Kind: stat.WinsorizedMean, Hi: stat.Bound{Set: true, Percent: true, Share: 98 * one}},
		"tc90":            {Kind: stat.TrimmedCount, Hi: stat.Bound{Set: true, Percent: true, Share: 90 * one}},
		"ts90.5":          {Kind: stat.TrimmedSum, Hi: stat.Bound{Set: true, Percent: true, Share: 90*one + one/2}},
		"TM(2%:98%)":      {Kind: stat.TrimmedMean, Lo: stat.Bound{Set: true, Percent: true, Share: 2 * one}, Hi: stat.Bound{Set: true, Percent: true, Share: 98 * one}},
		"TM(150:1000)":    {Kind: stat.TrimmedMean, Lo: stat.Bound{Set: true, Value: 150}, Hi: stat.Bound{Set: true, Value: 1000}},
		"WM(10%:90%)":     {Kind: stat.WinsorizedMean, Lo: stat.Bound{Set: true, Percent: true, Share: 10 * one}, Hi: stat.Bound{Set: true, Percent: true, Share: 90 * one}},
		"TC(0.005:0.030)": {Kind: stat.TrimmedCount, Lo: stat.Bound{Set: true, Value: 0.005}, Hi: stat.Bound{Set: true, Value: 0.03}},
		"TC(:0.5)":        {Kind: stat.TrimmedCount, Hi: stat.Bound{Set: true, Value: 0.5}},
		"TS(80%:)":        {Kind: stat.TrimmedSum, Lo: stat.Bound{Set: true, Percent: true, Share: 80 * one}},
		"PR(:300)":        {Kind: stat.PercentileRank, Hi: stat.Bound{Set: true, Value: 300}},
		"PR(10:)":         {Kind: stat.PercentileRank, Lo: stat.Bound{Set: true, Value: 10}},
		"IQM":             {Kind: stat.TrimmedMean, Lo: stat.Bound{Set: true, Percent: true, Share: 25 * one}, Hi: stat.Bound{Set: true, Percent: true, Share: 75 * one}},
	} {
		want.Name = text
		got, err := stat.Parse(text)
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestRefusedForms(t *testing.T) {
	for _, text := range []string{
		"", "average", "Avg", "None", "p", "p-1", "p101", "p100.1", "p99.99999999999", "p99.", "p.9", "P99", "pr99", "iqm", "IQM(1:2)",
		"tm(10%:90%)", "TM90", "TM(", "TM()", "TM(:)", "TM(10%:500)", "TM(90%:10%)", "TM(5:5)", "TM(10%:101%)", "PR(10%:90%)", "PR(:-1)",
		"PR(:300", "PR(300)", "TC(1e3:)", "XX(1:2)", "p99(1:2)", "TC(:+5)", "Sum ", "TC(1:2:3)",
	} {
		if got, err := stat.Parse(text); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"p99.9", "TC(:300)", "TM(2%:98%)", "IQM", "PR(1:", "tm\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		st, err := stat.Parse(s)
		if err != nil {
			if !strings.Contains(err.Error(), `"`) {
				t.Errorf("the message does not quote what was wrong: %v", err)
			}
			return
		}
		var a stat.Accumulator
		a.Reset(true)
		a.Add(stat.FromSamples([]stat.Sample{{1, 2}, {3, 1}, {250, 4}}))
		if v, ok := a.Value(st); ok && v != v {
			t.Errorf("%q gives NaN", s)
		}
	})
}
