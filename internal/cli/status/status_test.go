package status_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/cli/status"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runstatus "gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// worked is the worked example of the documentation: a total outage of one
// minute at 1,000 requests a minute after 30 clean days.
const worked = `{"at":"2025-01-31T00:01:00Z","frontier":"2025-01-31T00:01:00Z","objectives":[{"service":"payment-api","slo":"availability","objective":"availability",` +
	`"target":"0.999","window":"30d","method":"Occurrences","good":43199000,"total":43200000,"sli":0.9999768518518519,` +
	`"budget":{"allowed":43200,"spent":1000,"remaining":0.9768518518518519},` +
	`"burn":{"5m":200,"30m":33.333333333333336,"1h":16.666666666666668,"2h":8.333333333333334,"6h":2.7777777777777777,"1d":0.6944444444444444,"3d":0.23148148148148148},` +
	`"exhausts_in_seconds":{"1h":151920,"6h":911520},"coverage":{"window":1,"1h":1},"level":"healthy","flags":["fast_burn"]}]}` + "\n"

var at = slo.MinuteOf(time.Date(2025, 1, 31, 0, 1, 0, 0, time.UTC))

func stretch(minutes, bad int64) slo.Stretch {
	total := minutes * 1000
	return slo.Stretch{Count: slo.Count{Good: slo.Events(total - bad), Total: slo.Events(total)}, Measured: minutes, Expected: minutes}
}

// entry is the worked example as the arithmetic hands it over.
func entry() runstatus.Entry {
	e := runstatus.Entry{Objective: &config.Objective{Objective: slo.Objective{
		Service: "payment-api", SLO: "availability", Name: "availability",
		Target: slo.MustDecimal("0.999"), Window: slo.Rolling{Length: 30 * slo.Day}, Indicator: "payment-api-availability",
	}}}
	e.Status = slo.Status{
		Objective: &e.Objective.Objective, At: at, Frontier: at,
		Window: slo.Span{From: at - 30*slo.Day, To: at}, Stretch: stretch(43200, 1000), SLI: new(0.9999768518518519),
		Budget: slo.ErrorBudget{Allowed: 43200, Spent: 1000, Remaining: new(1 - 1000.0/43200)},
		Level:  slo.Healthy, Flags: []slo.Flag{slo.FastBurn},
	}
	for _, length := range []slo.Minute{5, 30, 60, 120, 360, 1440, 4320} {
		e.Status.Burns = append(e.Status.Burns, slo.BurnRate{
			Lookback: length, Rate: new(float64(1000) / float64(length)), Stretch: stretch(int64(length), 1000),
		})
	}
	e.Status.Exhausts = []slo.Exhaustion{{Lookback: 60, In: new(slo.Minute(2532))}, {Lookback: 360, In: new(slo.Minute(15192))}}
	return e
}

func view(entries ...runstatus.Entry) status.View {
	return status.View{Entries: entries, Zone: time.UTC, Now: at.Time()}
}

func TestWorkedExample(t *testing.T) {
	var out bytes.Buffer
	if err := view(entry()).JSON(&out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(worked, out.String()); diff != "" {
		t.Errorf("(-documented +printed)\n%s", diff)
	}
}

// unknown is an objective of which nothing was ever measured.
func unknown() runstatus.Entry {
	e := entry()
	e.Status = slo.Status{Objective: e.Status.Objective, At: at, Level: slo.Unknown, Flags: []slo.Flag{slo.InsufficientData}}
	for _, length := range []slo.Minute{60, 360} {
		e.Status.Burns = append(e.Status.Burns, slo.BurnRate{Lookback: length})
		e.Status.Exhausts = append(e.Status.Exhausts, slo.Exhaustion{Lookback: length})
	}
	return e
}

func TestUnknownIsNull(t *testing.T) {
	var out bytes.Buffer
	if err := view(unknown()).JSON(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"frontier":null`, `"sli":null`, `"remaining":null`, `"burn":{"1h":null,"6h":null}`,
		`"exhausts_in_seconds":{"1h":null,"6h":null}`, `"coverage":{"window":null,"1h":null,"6h":null}`, `"level":"unknown"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, out.String())
		}
	}
}

func TestBlindLookbackShows(t *testing.T) {
	e := entry()
	e.Status.Burns[1].Stretch.Measured = 15 // of the last 30 minutes
	var out bytes.Buffer
	if err := view(e).JSON(&out); err != nil {
		t.Fatal(err)
	}
	if want := `"coverage":{"window":1,"30m":0.5,"1h":1}`; !strings.Contains(out.String(), want) {
		t.Errorf("no %s in %s", want, out.String())
	}
}

func TestEmptyAnswers(t *testing.T) {
	var out bytes.Buffer
	if err := view().JSON(&out); err != nil {
		t.Fatal(err)
	}
	if want := `{"at":"2025-01-31T00:01:00Z","frontier":null,"objectives":[]}` + "\n"; out.String() != want {
		t.Errorf("got %s, want %s", out.String(), want)
	}
	if got := view().Text(term.Style{}); got != "no objectives in the documents\n" {
		t.Errorf("got %q", got)
	}
}

// several is a service in trouble beside one that is well.
func several() []runstatus.Entry {
	well, ill := entry(), entry()
	well.Trend = []float64{1, 1, 0.99, 0.98, 0.98}
	ill.Objective.SLO, ill.Objective.Service = "latency", "checkout-with-a-long-name"
	ill.Status.Level, ill.Status.Flags = slo.Exhausted, []slo.Flag{slo.FastBurn, slo.SlowBurn, slo.InsufficientData}
	ill.Status.Budget.Remaining = new(-0.386)
	ill.Status.Stretch.Measured /= 2
	ill.Status.Exhausts = []slo.Exhaustion{{Lookback: 60, In: new(slo.Minute(0))}}
	ill.Trend = []float64{1, 0.8, 0.5, 0.1, -0.386}
	return []runstatus.Entry{well, ill, unknown()}
}

func TestTable(t *testing.T) {
	for _, c := range []struct {
		name  string
		style term.Style
		want  string
	}{
		{"pipe", term.Style{}, `
OBJECTIVE                          TARGET      SLI    LEFT  BURN 1h  BURN 6h  EXHAUSTS  COVERAGE  LEVEL      FLAGS
payment-api/availability            99.9%  99.997%   97.7%     16.7     2.78    1d 18h      100%  healthy    fast_burn
checkout-with-a-long-name/latency   99.9%  99.997%  -38.6%     16.7     2.78     spent     50.0%  exhausted  fast_burn,slow_burn,insufficient_data
payment-api/availability            99.9%        -       -        -        -         -         -  unknown    insufficient_data
`},
		{"a narrow terminal", term.Style{Width: 60, Decor: true}, `
OBJECTIVE                     LEFT  LEVEL      FLAGS
payment-api/availability     97.7%  healthy    fast_burn
checkout-with~name/latency  -38.6%  exhausted  fast_burn,sl~
payment-api/availability         -  unknown    insufficient~

measured up to 2025-01-31 00:01 UTC
`},
		{"a very narrow one", term.Style{Width: 40, Decor: true, Unicode: true}, `
OBJECTIVE              LEFT  LEVEL
payment-a…ilability   97.7%  healthy !
checkout-…e/latency  -38.6%  exhausted !
payment-a…ilability       -  unknown !

measured up to 2025-01-31 00:01 UTC
`},
	} {
		got := "\n" + view(several()...).Text(c.style)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.name, diff)
		}
	}
}

// TestTableFits checks every width a terminal might have.
func TestTableFits(t *testing.T) {
	for width := 36; width <= 240; width++ {
		for _, v := range []status.View{view(several()...), {Entries: several()[:1], Zone: time.UTC, Detail: true}} {
			st := term.Style{Width: width, Decor: true, Unicode: true}
			for line := range strings.Lines(v.Text(st)) {
				if w := term.Width(strings.TrimSuffix(line, "\n")); w > width {
					t.Errorf("%d columns on a terminal of %d: %q", w, width, line)
				}
			}
		}
	}
}

func TestRecords(t *testing.T) {
	var out bytes.Buffer
	if err := view(several()...).CSV(&out); err != nil {
		t.Fatal(err)
	}
	want := `service,slo,objective,target,window,method,good,total,sli,allowed,spent,remaining,burn_1h,burn_6h,exhausts_in_seconds_1h,coverage,level,flags,frontier
payment-api,availability,availability,0.999,30d,Occurrences,43199000,43200000,0.9999768518518519,43200,1000,0.9768518518518519,16.666666666666668,2.7777777777777777,151920,1,healthy,fast_burn,2025-01-31T00:01:00Z
checkout-with-a-long-name,latency,availability,0.999,30d,Occurrences,43199000,43200000,0.9999768518518519,43200,1000,-0.386,16.666666666666668,2.7777777777777777,0,0.5,exhausted,fast_burn slow_burn insufficient_data,2025-01-31T00:01:00Z
payment-api,availability,availability,0.999,30d,Occurrences,0,0,,0,0,,,,,,unknown,insufficient_data,
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("csv: (-want +got)\n%s", diff)
	}
	e := entry()
	e.Objective.Service = "a|b_c"
	want = "| Objective | Target | SLI | Budget left | Burn 1h | Burn 6h | Exhausts | Coverage | Level | Flags |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|---|---|\n" +
		"| a\\|b\\_c/availability | 99.9% | 99.997% | 97.7% | 16.7 | 2.78 | 1d 18h | 100% | healthy | fast\\_burn |\n"
	if diff := cmp.Diff(want, view(e).Markdown()); diff != "" {
		t.Errorf("markdown: (-want +got)\n%s", diff)
	}
}

func TestDetail(t *testing.T) {
	e := entry()
	e.Losses = []slo.Loss{{Span: slo.Span{From: at - 1, To: at}, Bad: slo.Events(1000), Total: slo.Events(1000), Share: 1000.0 / 43200}}
	e.Status.Conditions = []slo.ConditionState{{
		Condition: slo.Condition{Name: "page-1h", Severity: slo.Page, Long: 60, Short: 5, Threshold: slo.MustDecimal("14.4")},
		Truth:     slo.True, Long: new(16.666), Short: new(200.0),
	}}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	v := status.View{Entries: []runstatus.Entry{e}, Zone: berlin, Now: at.Time(), Detail: true}
	got := v.Text(term.Style{Width: 80})
	for _, want := range []string{
		"payment-api/availability  99.9% over 30d, Occurrences\n",
		"remaining   97.69%: 1,000 spent of 43,200 allowed, 42,200 left",
		"window      2025-01-01 01:01 to 2025-01-31 01:01 CET",
		"43,199,000 good of 43,200,000, 1,000 bad",
		"in 1d 18h at the pace of the last 1h; in 10d 13h at the pace of",
		"page-1h  page      1h: 16.7  5m: 200   14.4  YES",
		"2025-01-31 01:00 to 01:01 CET",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
