package slo_test

import (
	"encoding/json"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// The published vectors: per-minute series with exact fractions, and the
// minutes at which alerts fire and reset.
type vectorFile struct {
	Vectors   []vector    `json:"vectors"`
	Detection []detection `json:"detection_table_continuous_99.9_30d"`
}

type vector struct {
	ID          string                 `json:"id"`
	SLO         string                 `json:"slo"`
	Window      slo.Minute             `json:"slo_window_min"`
	Minutes     int                    `json:"series_minutes"`
	Segments    []segment              `json:"segments"`
	Checkpoints []checkpoint           `json:"checkpoints"`
	Alerts      map[string]vectorAlert `json:"alerts"`
	Dynamic     []vectorInterval       `json:"dynamic_2pct_1h_5m"`
	TimeSlice   *struct {
		Bad      int64    `json:"bad_slices"`
		Consumed fraction `json:"consumed"`
	} `json:"time_slice"`
	Calendar map[string]struct {
		From, To   slo.Minute
		Total, Bad int64
		Consumed   fraction
	} `json:"calendar"`
	Reject   []string   `json:"validator_must_reject"`
	MaxBurn  *fraction  `json:"max_possible_burn"`
	Forecast slo.Minute `json:"forecast_at_eval"`
	Rolling  slo.Minute `json:"tte_rolling_min"`
}

type segment struct {
	Minutes, Total, Bad int64
	Pattern             []segment
	Repeat              int
}

type fraction struct{ Exact string }

func (f fraction) float() float64 {
	r, _ := new(big.Rat).SetString(f.Exact)
	v, _ := r.Float64()
	return v
}

type checkpoint struct {
	Eval      slo.Minute
	Total     int64    `json:"slo_window_total"`
	Bad       int64    `json:"slo_window_bad"`
	SLI       fraction `json:"sli"`
	Budget    fraction `json:"budget_events"`
	Consumed  fraction `json:"budget_consumed"`
	Remaining fraction `json:"budget_remaining"`
	Burn      map[string]*fraction
}

type vectorAlert struct {
	Severity  string
	Long      slo.Minute `json:"long_min"`
	Short     slo.Minute `json:"short_min"`
	Threshold string
	Intervals []vectorInterval
}

type vectorInterval struct {
	Fire  slo.Minute  `json:"fire_eval"`
	Reset *slo.Minute `json:"reset_eval"`
}

type detection struct {
	Error string   `json:"error_ratio"`
	Fast  *detects `json:"A6a 1h/5m >14.4x"`
	Slow  *detects `json:"A6b 6h/30m >6x"`
	Day   *detects `json:"A6t 24h/2h >3x"`
	Three *detects `json:"A6c 3d/6h >1x"`
}

type detects struct {
	Detect float64 `json:"detect_min"`
	Reset  float64 `json:"reset_min_after_end"`
}

func loadVectors(t *testing.T) vectorFile {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "reference", "vectors", "burn.json")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("the published vectors are not beside this checkout: %v", err)
	}
	var f vectorFile
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

func (s segment) expand(out []slo.Count) []slo.Count {
	if s.Pattern != nil {
		for range s.Repeat {
			for _, p := range s.Pattern {
				out = p.expand(out)
			}
		}
		return out
	}
	for range s.Minutes {
		out = append(out, slo.Count{Good: slo.Events(s.Total - s.Bad), Total: slo.Events(s.Total)})
	}
	return out
}

func (v vector) counts(t *testing.T) []slo.Count {
	t.Helper()
	var out []slo.Count
	for _, s := range v.Segments {
		out = s.expand(out)
	}
	if len(out) != v.Minutes {
		t.Fatalf("%d minutes expanded, the vector has %d", len(out), v.Minutes)
	}
	return out
}

// epoch is where the vectors' minute 0 is put.
var epoch = slo.Minute(28_400_000)

// seriesOf holds counts minute by minute from epoch on.
func seriesOf(counts []slo.Count) *slo.Series {
	points := make([]slo.Point, len(counts))
	for i, c := range counts {
		points[i] = slo.Point{At: epoch + slo.Minute(i), Count: c}
	}
	return slo.NewSeries(1, epoch+slo.Minute(len(counts)), points)
}

// at is a view that ends earlier.
type at struct {
	slo.View
	end slo.Minute
}

func (v at) Frontier() slo.Minute { return v.end }

func threshold(s string) slo.Decimal {
	if n, d, ok := strings.Cut(s, "/"); ok {
		x, _ := strconv.ParseInt(n, 10, 64)
		y, _ := strconv.ParseInt(d, 10, 64)
		return slo.MustDecimal(strconv.FormatFloat(float64(x)/float64(y), 'f', -1, 64))
	}
	return slo.MustDecimal(s)
}

func (v vector) objective() *slo.Objective {
	o := &slo.Objective{
		Service: "v", SLO: v.ID, Target: slo.MustDecimal(v.SLO),
		Window: slo.Rolling{Length: v.Window},
	}
	for name, a := range v.Alerts {
		severity := slo.Page
		if a.Severity == "ticket" {
			severity = slo.Ticket
		}
		o.Conditions = append(o.Conditions, slo.Condition{
			Name: name, Severity: severity, Long: a.Long, Short: a.Short, Threshold: threshold(a.Threshold),
		})
	}
	return o
}

func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range loadVectors(t).Vectors {
		if len(v.Segments) == 0 {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			t.Parallel()
			view := seriesOf(v.counts(t))
			for _, c := range v.Checkpoints {
				v.check(t, view, c)
			}
		})
	}
}

func (v vector) check(t *testing.T, view slo.View, c checkpoint) {
	t.Helper()
	end := epoch + c.Eval + 1
	st, more := slo.Evaluate(slo.Input{Objective: v.objective(), View: view, At: end})
	if len(more) != 0 {
		t.Errorf("eval %d: asks for %v although everything is loaded", c.Eval, more)
	}
	if st.Stretch.Total != slo.Events(c.Total) || st.Stretch.Bad() != slo.Events(c.Bad) {
		t.Errorf("eval %d: total %v bad %v, want %d %d", c.Eval, st.Stretch.Total.Float(), st.Stretch.Bad().Float(), c.Total, c.Bad)
	}
	same := func(what string, got *float64, want float64) {
		t.Helper()
		if got == nil || *got != want {
			t.Errorf("eval %d: %s = %s, want %v", c.Eval, what, show(got), want)
		}
	}
	same("sli", st.SLI, c.SLI.float())
	same("allowed", &st.Budget.Allowed, c.Budget.float())
	same("remaining", st.Budget.Remaining, c.Remaining.float())
	for _, b := range st.Burns {
		want, ok := c.Burn[strconv.Itoa(int(b.Lookback))+"m"]
		switch {
		case !ok:
		case want == nil:
			if b.Rate != nil {
				t.Errorf("eval %d: burn %v = %v, want none", c.Eval, b.Lookback, *b.Rate)
			}
		default:
			same("burn "+slo.FormatLength(b.Lookback), b.Rate, want.float())
		}
	}
}

func show(p *float64) string {
	if p == nil {
		return "nil"
	}
	return strconv.FormatFloat(*p, 'g', -1, 64)
}

// intervals evaluates one condition at every minute, from ten before the first
// bad event on.
func intervals(o *slo.Objective, view slo.View, minutes int) []vectorInterval {
	var out []vectorInterval
	on := false
	first := epoch
	for m, c := range view.Points(slo.Span{From: epoch, To: view.Frontier()}) {
		if c.Bad() > 0 {
			first = m
			break
		}
	}
	for i := max(0, first-epoch-10); i < slo.Minute(minutes); i++ {
		st, _ := slo.Evaluate(slo.Input{Objective: o, View: at{view, epoch + i + 1}, At: epoch + i + 1})
		is := st.Conditions[0].Truth == slo.True
		switch {
		case is && !on:
			out = append(out, vectorInterval{Fire: i})
		case !is && on:
			out[len(out)-1].Reset = new(i)
		}
		on = is
	}
	return out
}

func sameIntervals(t *testing.T, name string, got, want []vectorInterval) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d intervals, want %d", name, len(got), len(want))
		return
	}
	for i := range got {
		a, b := got[i], want[i]
		if a.Fire != b.Fire || (a.Reset == nil) != (b.Reset == nil) || (a.Reset != nil && *a.Reset != *b.Reset) {
			t.Errorf("%s: interval %+v, want %+v", name, a, b)
		}
	}
}

func TestVectorAlerts(t *testing.T) {
	t.Parallel()
	for _, v := range loadVectors(t).Vectors {
		for name, a := range v.Alerts {
			t.Run(v.ID+"/"+name, func(t *testing.T) {
				t.Parallel()
				view := seriesOf(v.counts(t))
				o := &slo.Objective{Target: slo.MustDecimal(v.SLO), Window: slo.Rolling{Length: v.Window}}
				o.Conditions = []slo.Condition{{Name: name, Long: a.Long, Short: a.Short, Threshold: threshold(a.Threshold)}}
				sameIntervals(t, name, intervals(o, view, v.Minutes), a.Intervals)
				if v.Dynamic != nil {
					o.Conditions[0].Weighted = true
					sameIntervals(t, name+" weighted", intervals(o, view, v.Minutes), v.Dynamic)
				}
			})
		}
	}
}

func TestVectorNotes(t *testing.T) {
	t.Parallel()
	for _, v := range loadVectors(t).Vectors {
		for _, name := range v.Reject {
			if a := v.Alerts[name]; slo.CanFire(threshold(a.Threshold), slo.MustDecimal(v.SLO)) {
				t.Errorf("%s: %s can fire, want refused", v.ID, name)
			}
		}
		if v.MaxBurn != nil && slo.Ceiling(slo.MustDecimal(v.SLO)) != v.MaxBurn.float() {
			t.Errorf("%s: ceiling %v, want %v", v.ID, slo.Ceiling(slo.MustDecimal(v.SLO)), v.MaxBurn.float())
		}
		if v.TimeSlice != nil {
			v.checkSlices(t)
		}
		for name, c := range v.Calendar {
			total := slo.Events(c.Total)
			points := []slo.Point{{At: c.From, Count: slo.Count{Good: total - slo.Events(c.Bad), Total: total}}}
			o := &slo.Objective{Target: slo.MustDecimal(v.SLO), Window: slo.Rolling{Length: c.To - c.From}}
			st, _ := slo.Evaluate(slo.Input{Objective: o, View: slo.NewSeries(1, c.To, points), At: c.To})
			if want := 1 - c.Consumed.float(); math.Abs(*st.Budget.Remaining-want) > 1e-15 {
				t.Errorf("%s %s: remaining %v, want %v", v.ID, name, *st.Budget.Remaining, want)
			}
		}
	}
}

// checkSlices judges the vector's minutes as slices that are good iff nothing
// is bad in them.
func (v vector) checkSlices(t *testing.T) {
	t.Helper()
	o := &slo.Objective{
		Target: slo.MustDecimal(v.SLO), Window: slo.Rolling{Length: v.Window},
		Budgeting: slo.Timeslices, Slice: 1, SliceTarget: slo.MustDecimal("1"),
	}
	counts := v.counts(t)
	for i, c := range counts {
		counts[i], _ = slo.SliceOf(o, slo.SliceEvidence{Stretch: slo.Stretch{Count: c, Measured: 1, Expected: 1}, Width: 1})
	}
	view := seriesOf(counts)
	st, _ := slo.Evaluate(slo.Input{Objective: o, View: view, At: view.Frontier()})
	want, _ := new(big.Rat).SetString(v.TimeSlice.Consumed.Exact)
	remaining, _ := want.Sub(big.NewRat(1, 1), want).Float64()
	if st.Budget.Spent != float64(v.TimeSlice.Bad) || *st.Budget.Remaining != remaining {
		t.Errorf("%s: %v slices spent, remaining %v; want %d, %v", v.ID, st.Budget.Spent, *st.Budget.Remaining, v.TimeSlice.Bad, remaining)
	}
}

// The forecast vector asks for spent > allowed; the definition here is spent >=
// allowed, which is met one minute earlier, exactly at the tie.
func TestVectorForecast(t *testing.T) {
	t.Parallel()
	for _, v := range loadVectors(t).Vectors {
		if v.Rolling == 0 {
			continue
		}
		view := seriesOf(v.counts(t))
		end := epoch + v.Forecast + 1
		st, _ := slo.Evaluate(slo.Input{Objective: v.objective(), View: at{view, end}, At: end})
		got := st.Exhausts[0].In
		if got == nil || *got != v.Rolling-1 {
			t.Fatalf("%s: exhausts in %v, want %d", v.ID, got, v.Rolling-1)
		}
		// Now replay that future and see both readings.
		counts := v.counts(t)[:v.Forecast+1]
		for range v.Rolling {
			counts = append(counts, slo.Count{Good: slo.Events(997), Total: slo.Events(1000)})
		}
		future := seriesOf(counts)
		for after, want := range map[slo.Minute]float64{v.Rolling - 1: 0, v.Rolling: -3.0 / 43200} {
			st, _ := slo.Evaluate(slo.Input{Objective: v.objective(), View: at{future, end + after}, At: end + after})
			if r := *st.Budget.Remaining; math.Abs(r-want) > 1e-15 {
				t.Errorf("%s: remaining %v after %d minutes, want %v", v.ID, r, after, want)
			}
		}
	}
}

func TestVectorPercentiles(t *testing.T) {
	t.Parallel()
	// Two minutes: 10,000 requests of which all are under 300 ms, and 100 of which
	// half are. Counts add; percentiles do not.
	view := seriesOf([]slo.Count{
		{Good: slo.Events(10_000), Total: slo.Events(10_000)},
		{Good: slo.Events(50), Total: slo.Events(100)},
	})
	o := &slo.Objective{Target: slo.MustDecimal("0.99"), Window: slo.Rolling{Length: 2}}
	st, _ := slo.Evaluate(slo.Input{Objective: o, View: view, At: view.Frontier()})
	if *st.SLI != 201.0/202 || *st.Burns[0].Rate != 50.0/101 || st.Level != slo.Healthy {
		t.Errorf("sli %v, burn %v, level %v", *st.SLI, *st.Burns[0].Rate, st.Level)
	}
}

// A minute is evaluated when it has ended, so a continuous detection time of t
// is met at the first whole minute strictly after it, and a reset likewise.
func TestDetectionTable(t *testing.T) {
	t.Parallel()
	rows := loadVectors(t).Detection
	if len(rows) != 16 {
		t.Fatalf("%d rows, want 16", len(rows))
	}
	conditions, _ := slo.DefaultConditions(slo.Rolling{Length: 30 * slo.Day}, slo.MustDecimal("0.999"))
	for _, r := range rows {
		for i, want := range []*detects{r.Fast, r.Slow, r.Day, r.Three} {
			c := conditions[i]
			t.Run(r.Error+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				detectionCase(t, r.Error, c, want)
			})
		}
	}
}

func detectionCase(t *testing.T, ratio string, c slo.Condition, want *detects) {
	t.Helper()
	const total, quiet = 1_000_000, 30 * slo.Day
	share := slo.MustDecimal(ratio).Rat()
	bad, _ := share.Mul(share, big.NewRat(total, 1)).Float64()
	incident := 2 * c.Long
	segments := []segment{
		{Minutes: int64(quiet), Total: total},
		{Minutes: int64(incident), Total: total, Bad: int64(bad)},
		{Minutes: int64(c.Long), Total: total},
	}
	var counts []slo.Count
	for _, s := range segments {
		counts = s.expand(counts)
	}
	o := &slo.Objective{
		Target: slo.MustDecimal("0.999"), Window: slo.Rolling{Length: quiet}, Conditions: []slo.Condition{c},
	}
	got := intervals(o, seriesOf(counts), len(counts))
	if want == nil {
		if len(got) != 0 {
			t.Errorf("fires at %v, want never", got)
		}
		return
	}
	// The table is rounded to four decimals; whole numbers in it are exact.
	near := func(x float64) slo.Minute { return slo.Minute(math.Floor(x+1e-9)) + 1 }
	if len(got) != 1 || got[0].Fire-quiet+1 != near(want.Detect) {
		t.Errorf("fires at %+v, want %d minutes after the start", got, near(want.Detect))
		return
	}
	// A burn equal to the threshold is not over it, so a whole reset time is met at once.
	if after := *got[0].Reset - quiet - incident + 1; after != slo.Minute(math.Ceil(want.Reset-1e-9)) && want.Reset > 0 {
		t.Errorf("resets %d minutes after the end, want %v", after, want.Reset)
	}
}
