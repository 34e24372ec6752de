package alert_test

import (
	"encoding/json"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// detects is a cell of the published table: continuous minutes.
type detects struct {
	Detect float64 `json:"detect_min"`
	Reset  float64 `json:"reset_min_after_end"`
}

// TestDetectionTable follows the published table of 16 error rates through
// evaluation and decider: the rule fires in the minute after the continuous time
// of detection has passed, ends in that of the reset, one incident is told, and
// its end when the hold is over. "Never" tells nobody.
func TestDetectionTable(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "reference", "vectors", "burn.json"))
	if err != nil {
		t.Skipf("the published table is not beside this checkout: %v", err)
	}
	var file struct {
		Rows []map[string]json.RawMessage `json:"detection_table_continuous_99.9_30d"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Rows) != 16 {
		t.Fatalf("%d rows, want 16", len(file.Rows))
	}
	conditions, _ := slo.DefaultConditions(slo.Rolling{Length: 30 * slo.Day}, slo.MustDecimal("0.999"))
	columns := []string{"A6a 1h/5m >14.4x", "A6b 6h/30m >6x", "A6t 24h/2h >3x", "A6c 3d/6h >1x"}
	for _, row := range file.Rows {
		var ratio string
		if err := json.Unmarshal(row["error_ratio"], &ratio); err != nil {
			t.Fatal(err)
		}
		for i, name := range columns {
			var want *detects
			if err := json.Unmarshal(row[name], &want); err != nil {
				t.Fatalf("%s %s: %v", ratio, name, err)
			}
			t.Run(ratio+"/"+conditions[i].Name, func(t *testing.T) {
				t.Parallel()
				detect(t, ratio, conditions[i], want)
			})
		}
	}
}

// told is when a decider told of one objective, in minutes behind the beginning of
// an error and behind its end.
type told struct {
	fired, reset, opened, resolved []slo.Minute
}

func detect(t *testing.T, ratio string, c slo.Condition, want *detects) {
	t.Helper()
	const total, quiet = 1_000_000, 30 * slo.Day
	share := slo.MustDecimal(ratio).Rat()
	bad := share.Mul(share, big.NewRat(total, 1)).Num().Int64()
	length := 2 * c.Long
	got := follow(c, length, func(m slo.Minute) slo.Count {
		n := int64(0)
		if m >= quiet && m < quiet+length {
			n = bad
		}
		return slo.Count{Good: slo.Events(total - n), Total: slo.Events(total)}
	})
	if want == nil {
		if len(got.fired)+len(got.opened)+len(got.resolved) != 0 {
			t.Errorf("never is %+v", got)
		}
		return
	}
	// The table is rounded to four decimals; whole numbers in it are exact: a rate at
	// the threshold is not over it.
	fire := slo.Minute(math.Floor(want.Detect+1e-9)) + 1
	reset := max(1, slo.Minute(math.Ceil(want.Reset-1e-9)))
	if len(got.fired) != 1 || len(got.opened) != 1 || got.fired[0] != fire || got.opened[0] != fire {
		t.Errorf("fires and is told %+v, want %d minutes after the beginning", got, fire)
	}
	if len(got.reset) != 1 || len(got.resolved) != 1 || got.reset[0] != reset || got.resolved[0] != reset+alert.Hold {
		t.Errorf("ends %+v, want %d minutes after the end, told %d later", got, reset, alert.Hold)
	}
}

// follow decides every minute around an error that begins after 30 days.
func follow(c slo.Condition, length slo.Minute, of func(slo.Minute) slo.Count) (got told) {
	const quiet = 30 * slo.Day
	points := make([]slo.Point, quiet+length+c.Long+slo.Hour)
	for m := range points {
		points[m] = slo.Point{At: t0 + slo.Minute(m), Count: of(slo.Minute(m))}
	}
	view := slo.NewSeries(1, t0+slo.Minute(len(points)), points)
	o := &slo.Objective{Target: slo.MustDecimal("0.999"), Window: slo.Rolling{Length: quiet}, Conditions: []slo.Condition{c}}
	set := alert.NewSet([]alert.Rule{{
		ID: "v/v/v/c", Service: "v", SLO: "v", Objective: "v", Condition: c, Breaching: true, Resolved: true, Targets: []string{"pager"},
	}})
	var s alert.State
	was := false
	for m := quiet - 5; m < slo.Minute(len(points)); m++ {
		end := t0 + m + 1
		st, _ := slo.Evaluate(slo.Input{Objective: o, View: ending{view, end}, At: end})
		for _, e := range alert.Advance(&s, alert.Input{Set: set, Samples: []alert.Sample{alert.SampleOf(&st, 0)}, At: end}) {
			switch e.Kind {
			case alert.Opened:
				got.opened = append(got.opened, m+1-quiet)
			case alert.Resolved:
				got.resolved = append(got.resolved, m+1-quiet-length)
			case alert.Escalated, alert.HeldBack, alert.NoData, alert.DataBack:
			}
		}
		switch is := s.Alerts["v/v/v/c"].Phase == alert.Firing; {
		case is && !was:
			got.fired, was = append(got.fired, m+1-quiet), true
		case was && !is:
			got.reset, was = append(got.reset, m+1-quiet-length), false
		}
	}
	return got
}
