package slo_test

import (
	"iter"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// history is the naive model: a map of minutes, summed minute by minute.
type history struct {
	step     slo.Minute
	birth    slo.Minute
	frontier slo.Minute
	counts   map[slo.Minute]slo.Count
	excluded func(slo.Minute) bool
}

func (h *history) expected(m slo.Minute) bool {
	return m >= h.birth && m+h.step <= h.frontier && !h.excluded(m)
}

// sum visits every step that lies whole in a span.
func (h *history) sum(s slo.Span) slo.Stretch {
	var out slo.Stretch
	for m := s.From; m < s.To; m++ {
		if (m%h.step) != 0 || m+h.step > s.To || !h.expected(m) {
			continue
		}
		out.Expected++
		if c, ok := h.counts[m]; ok {
			out.Measured++
			out.Good += c.Good
			out.Total += c.Total
		}
	}
	return out
}

// points lists what is kept, excluded steps included, in a random order.
func (h *history) points(t *rapid.T) []slo.Point {
	out := make([]slo.Point, 0, len(h.counts))
	for m, c := range h.counts {
		out = append(out, slo.Point{At: m, Count: c})
	}
	slices.SortFunc(out, func(a, b slo.Point) int { return int(a.At - b.At) })
	return rapid.Permutation(out).Draw(t, "order")
}

// strict is a view that yields points only where they were loaded, and that
// fails a test which sums what a history would not have been opened for.
type strict struct {
	slo.View
	opened []slo.Span
	loaded []slo.Span
	fail   func(format string, args ...any)
}

func (v *strict) Sum(s slo.Span) slo.Stretch {
	if !v.answers(s) {
		v.fail("sums %v, which nothing was opened for", s)
	}
	return v.View.Sum(s)
}

// answers says whether a span was opened, or is a whole UTC day of one, or its
// part before the first or behind the last whole day.
func (v *strict) answers(s slo.Span) bool {
	for _, o := range v.opened {
		first, last := (o.From+slo.Day-1)/slo.Day*slo.Day, o.To/slo.Day*slo.Day
		day := s.From%slo.Day == 0 && s.Len() == slo.Day && o.From <= s.From && s.To <= o.To
		ends := first < last && (s == slo.Span{From: o.From, To: first} || s == slo.Span{From: last, To: o.To})
		if s.Empty() || s == o || day || ends {
			return true
		}
	}
	return false
}

func (v *strict) Loaded(s slo.Span) bool {
	for _, l := range v.loaded {
		if l.From <= s.From && s.To <= l.To {
			return true
		}
	}
	return s.Empty()
}

func (v *strict) Points(s slo.Span) iter.Seq2[slo.Minute, slo.Count] {
	return func(yield func(slo.Minute, slo.Count) bool) {
		for m, c := range v.View.Points(s) {
			if v.Loaded(slo.Span{From: m, To: m + 1}) && !yield(m, c) {
				return
			}
		}
	}
}

type scenario struct {
	o      *slo.Objective
	h      *history
	at     slo.Minute
	cuts   []slo.Span
	series *slo.Series
}

// drawHistory fills a few days with quiet, noisy, silent and unmeasured blocks.
func drawHistory(t *rapid.T, o *slo.Objective, from, to slo.Minute) *history {
	h := &history{
		step: max(1, o.Slice), birth: to, frontier: to, counts: map[slo.Minute]slo.Count{},
		excluded: func(slo.Minute) bool { return false },
	}
	for m := from; m < to; {
		length := h.step * slo.Minute(rapid.IntRange(1, 600).Draw(t, "length"))
		kind := rapid.IntRange(0, 4).Draw(t, "kind")
		total := rapid.Int64Range(1, 3_000_000_000).Draw(t, "total")
		bad := min(total, rapid.Int64Range(0, total/20+1).Draw(t, "bad"))
		for end := min(to, m+length); m+h.step <= end; m += h.step {
			c := slo.Count{Good: slo.Amount(total), Total: slo.Amount(total)}
			switch kind {
			case 0:
				continue
			case 1:
				c = slo.Count{}
			case 2:
				c.Good -= slo.Amount(bad)
			}
			h.counts[m] = sliced(o, c)
			h.birth = min(h.birth, m)
		}
		m = (m + h.step - 1) / h.step * h.step
		if m+h.step > to {
			break
		}
	}
	return h
}

func sliced(o *slo.Objective, c slo.Count) slo.Count {
	if o.Budgeting == slo.Occurrences {
		return c
	}
	out, _ := slo.SliceOf(o, slo.SliceEvidence{Stretch: slo.Stretch{Count: c, Measured: 1, Expected: 1}})
	return out
}

func drawObjective(t *rapid.T) *slo.Objective {
	o := &slo.Objective{
		Target:      slo.MustDecimal(rapid.SampledFrom([]string{"0.9", "0.99", "0.999", "0.9995", "0.95"}).Draw(t, "target")),
		Budgeting:   slo.Budgeting(rapid.IntRange(0, 2).Draw(t, "method")),
		SliceTarget: slo.MustDecimal("0.98"),
	}
	if o.Budgeting != slo.Occurrences {
		o.Slice = slo.Minute(rapid.SampledFrom([]int{1, 5, 15}).Draw(t, "slice"))
	}
	switch rapid.IntRange(0, 2).Draw(t, "window") {
	case 0:
		o.Window = slo.Rolling{Length: slo.Minute(rapid.SampledFrom([]int{360, 1440, 2000, 4320, 7200}).Draw(t, "rolling"))}
	case 1:
		o.Window = slo.Calendar{N: 1, Unit: slo.CalendarDay, Location: zone(t, "Europe/Paris")}
	default:
		o.Window = slo.Calendar{N: 2, Unit: slo.CalendarDay, Location: zone(t, "Australia/Lord_Howe")}
	}
	o.Conditions, _ = slo.DefaultConditions(o.Window, o.Target)
	return o
}

func drawScenario(t *rapid.T) scenario {
	o := drawObjective(t)
	end := slo.Minute(28_500_000) + slo.Minute(rapid.IntRange(0, 3000).Draw(t, "end"))
	// Some histories begin inside the window.
	age := slo.Minute(rapid.SampledFrom([]int{6 * 24, 6 * 24, 30, 7}).Draw(t, "age"))
	s := scenario{o: o, h: drawHistory(t, o, (end-age*slo.Hour)/60*60, end), at: end}
	for range rapid.IntRange(0, 4).Draw(t, "exclusions") {
		from := end - slo.Minute(rapid.IntRange(0, 6*1440).Draw(t, "from"))
		s.cuts = append(s.cuts, slo.Span{From: from, To: from + slo.Minute(rapid.IntRange(0, 400).Draw(t, "len"))})
	}
	s.series = slo.NewSeries(s.h.step, end, s.h.points(t))
	s.h.excluded = func(m slo.Minute) bool {
		return slices.ContainsFunc(s.cuts, func(x slo.Span) bool { return x.From < m+s.h.step && m < x.To && !x.Empty() })
	}
	return s
}

// view opens the history as a shell would: sums of what is needed, points of
// what is excluded and of what an answer asked for.
func (s scenario) view(t *rapid.T, more []slo.Span) slo.View {
	needs := slo.Needs(s.o, s.at)
	cut := slo.ExcludedNeeds(needs, s.cuts, s.h.step)
	return slo.Exclude(&strict{
		View: s.series, opened: needs, loaded: append(cut, more...),
		fail: func(f string, a ...any) { t.Helper(); t.Fatalf(f, a...) },
	}, s.cuts, s.h.step)
}

// evaluate asks until nothing more is wanted.
func (s scenario) evaluate(t *rapid.T) slo.Status {
	var loaded []slo.Span
	for range 3 {
		st, more := slo.Evaluate(slo.Input{Objective: s.o, View: s.view(t, loaded), At: s.at})
		if len(more) == 0 {
			return st
		}
		loaded = append(loaded, more...)
	}
	t.Fatal("asks for points a third time")
	return slo.Status{}
}

func (h *history) whole(s slo.Span) slo.Span {
	return slo.Span{From: (s.From + h.step - 1) / h.step * h.step, To: s.To / h.step * h.step}
}

func unitOf(o *slo.Objective) int64 {
	if o.Budgeting == slo.RatioTimeslices {
		return 1_000_000_000_000
	}
	return 1_000_000
}

// naiveAllowed is what may be bad in the window, in the units of the counts.
func (s scenario) naiveAllowed() *big.Rat {
	w, h, period := s.h.whole(s.o.Window.Bounds(s.at)), s.h, s.o.Window.Period(s.at)
	got := h.sum(w)
	base := new(big.Rat).SetInt64(int64(got.Total))
	_, calendar := s.o.Window.(slo.Calendar)
	switch {
	case s.o.Budgeting == slo.Occurrences && calendar:
		last := s.o.Window.Period(period.From)
		rate := h.sum(last)
		if rate.Measured*20 < int64(last.Len()) {
			rate = got
		}
		left := int64(0)
		for m := s.at; m < period.To; m++ {
			if !h.excluded(m) {
				left++
			}
		}
		if rate.Measured > 0 {
			base.Add(base, big.NewRat(int64(rate.Total), 1).Mul(big.NewRat(int64(rate.Total), 1), big.NewRat(left, rate.Measured)))
		}
	case s.o.Budgeting == slo.Occurrences:
	case calendar:
		n := int64(0)
		for m := period.From; m < period.To; m++ {
			if m%h.step == 0 && m+h.step <= period.To && !h.excluded(m) {
				n++
			}
		}
		base.SetInt64(n * unitOf(s.o))
	default:
		base.SetInt64(got.Expected * unitOf(s.o))
	}
	return base.Mul(base, s.o.Target.Complement().Rat())
}

func float(r *big.Rat) float64 { f, _ := r.Float64(); return f }

func TestBudgetAgainstNaiveModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		st := s.evaluate(t)
		got := s.h.sum(s.h.whole(s.o.Window.Bounds(s.at)))
		if st.Stretch.Measured != got.Measured || st.Stretch.Expected != got.Expected {
			t.Fatalf("measured %d of %d, want %d of %d", st.Stretch.Measured, st.Stretch.Expected, got.Measured, got.Expected)
		}
		if got.Total == 0 {
			if st.SLI != nil || st.Budget.Remaining != nil || st.Level != slo.Unknown {
				t.Fatalf("without traffic: %+v", st)
			}
			return
		}
		allowed := s.naiveAllowed()
		unit := new(big.Rat).SetInt64(unitOf(s.o))
		spent := new(big.Rat).SetInt64(int64(got.Total - got.Good))
		if want := float(new(big.Rat).Quo(allowed, unit)); st.Budget.Allowed != want {
			t.Fatalf("allowed %v, want %v", st.Budget.Allowed, want)
		}
		if want := float(new(big.Rat).Quo(spent, unit)); st.Budget.Spent != want {
			t.Fatalf("spent %v, want %v", st.Budget.Spent, want)
		}
		if want := float(big.NewRat(int64(got.Good), int64(got.Total))); *st.SLI != want {
			t.Fatalf("sli %v, want %v", *st.SLI, want)
		}
		left := new(big.Rat).Sub(big.NewRat(1, 1), new(big.Rat).Quo(spent, allowed))
		if *st.Budget.Remaining != float(left) {
			t.Fatalf("remaining %v, want %v", *st.Budget.Remaining, float(left))
		}
		if want := naiveLevel(left); st.Level != want {
			t.Fatalf("level %v at %v, want %v", st.Level, left, want)
		}
	})
}

func naiveLevel(left *big.Rat) slo.Level {
	switch {
	case left.Cmp(big.NewRat(1, 4)) > 0:
		return slo.Healthy
	case left.Cmp(big.NewRat(1, 10)) > 0:
		return slo.Caution
	case left.Sign() > 0:
		return slo.Critical
	}
	return slo.Exhausted
}

// naiveLook sums a look-back: the newest whole steps, at least one.
func (s scenario) naiveLook(length slo.Minute) slo.Stretch {
	end := s.at / s.h.step * s.h.step
	from := min((end-length+s.h.step-1)/s.h.step*s.h.step, end-s.h.step)
	return s.h.sum(slo.Span{From: from, To: end})
}

func (s scenario) naiveBurn(length slo.Minute) *big.Rat {
	l := s.naiveLook(length)
	if l.Total == 0 {
		return nil
	}
	r := big.NewRat(int64(l.Total-l.Good), int64(l.Total))
	return r.Quo(r, s.o.Target.Complement().Rat())
}

func TestBurnAgainstNaiveModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		st := s.evaluate(t)
		for i, b := range st.Burns {
			if i > 0 && st.Burns[i-1].Lookback >= b.Lookback {
				t.Fatal("look-backs are not ascending")
			}
			want := s.naiveBurn(b.Lookback)
			if (want == nil) != (b.Rate == nil) || (want != nil && *b.Rate != float(want)) {
				t.Fatalf("burn over %d is %s, want %v", b.Lookback, show(b.Rate), want)
			}
		}
		for _, c := range st.Conditions {
			want := s.naiveAnd(s.naiveOver(c.Condition.Long, c.Threshold), s.naiveOver(c.Condition.Short, c.Threshold))
			if c.Truth != want {
				t.Fatalf("%s is %v, want %v", c.Name, c.Truth, want)
			}
		}
	})
}

func (scenario) naiveAnd(a, b slo.Truth) slo.Truth {
	switch {
	case a == slo.False || b == slo.False:
		return slo.False
	case a == slo.True && b == slo.True:
		return slo.True
	}
	return slo.Undetermined
}

// naiveOver tries the extremes of what missing slices could be; missing minutes
// could be anything.
func (s scenario) naiveOver(length slo.Minute, threshold slo.Decimal) slo.Truth {
	l := s.naiveLook(length)
	over := func(bad, total int64) bool {
		if total == 0 {
			return false
		}
		r := big.NewRat(bad, total)
		return r.Quo(r, s.o.Target.Complement().Rat()).Cmp(threshold.Rat()) > 0
	}
	truth := map[bool]slo.Truth{true: slo.True, false: slo.False}
	bad, total := int64(l.Total-l.Good), int64(l.Total)
	if l.Measured > 0 && 10*l.Measured >= 9*l.Expected {
		return truth[over(bad, total)]
	}
	if s.o.Budgeting == slo.Occurrences || l.Expected == 0 {
		return slo.Undetermined
	}
	missing := (l.Expected - l.Measured) * unitOf(s.o)
	best, worst := over(bad, total+missing), over(bad+missing, total+missing)
	if best == worst {
		return truth[best]
	}
	return slo.Undetermined
}

// naiveFuture is the spent share k steps ahead, minute by minute: bad arrives
// at the look-back's rate, what has left is not summed, and the allowed budget
// follows the window's expected steps.
type naiveFuture struct {
	scenario
	allowed  *big.Rat
	bad, per int64
	expected int64
}

func (s scenario) future(length slo.Minute) naiveFuture {
	l := s.naiveLook(length)
	w := s.h.sum(s.h.whole(s.o.Window.Bounds(s.at)))
	return naiveFuture{s, s.naiveAllowed(), int64(l.Total - l.Good), l.Measured, w.Expected}
}

func (f naiveFuture) known() bool {
	return f.per > 0 && f.allowed.Sign() > 0 && f.h.sum(f.h.whole(f.o.Window.Bounds(f.at))).Total > 0
}

// share needs the window's sums after its oldest k steps have left.
func (f naiveFuture) share(k int64, left slo.Stretch) *big.Rat {
	spent := new(big.Rat).SetInt64(int64(left.Total - left.Good))
	spent.Add(spent, big.NewRat(f.bad, 1).Mul(big.NewRat(f.bad, 1), big.NewRat(k, f.per)))
	allowed := new(big.Rat).Set(f.allowed)
	if _, rolling := f.o.Window.(slo.Rolling); rolling {
		allowed.Mul(allowed, big.NewRat(left.Expected+k, f.expected))
	}
	return spent.Quo(spent, allowed)
}

// first is the first number of steps at which ok holds for the share.
func (f naiveFuture) first(ok func(*big.Rat) bool) (int64, bool) {
	w := f.h.whole(f.o.Window.Bounds(f.at))
	left := f.h.sum(w)
	if ok(f.share(0, left)) {
		return 0, true
	}
	if _, calendar := f.o.Window.(slo.Calendar); calendar {
		return f.firstCalendar(left, ok)
	}
	for k := int64(1); k <= int64(w.Len()/f.h.step); k++ {
		left = left.Sub(f.h.sum(slo.Span{From: w.From + slo.Minute(k-1)*f.h.step, To: w.From + slo.Minute(k)*f.h.step}))
		if ok(f.share(k, left)) {
			return k, true
		}
	}
	return 0, false
}

func (f naiveFuture) firstCalendar(now slo.Stretch, ok func(*big.Rat) bool) (int64, bool) {
	period := f.o.Window.Period(f.at)
	n := int64((period.To/f.h.step*f.h.step - f.at/f.h.step*f.h.step) / f.h.step)
	for k := int64(1); k <= n; k++ {
		if ok(f.share(k, now)) {
			return k, true
		}
	}
	next, this := f.h.whole(f.o.Window.Period(period.To+1)), f.h.whole(period)
	allowed := new(big.Rat).Mul(f.allowed, big.NewRat(int64(next.Len()), int64(this.Len())))
	for k := int64(1); k <= int64(next.Len()/f.h.step); k++ {
		spent := new(big.Rat).Mul(big.NewRat(f.bad, 1), big.NewRat(k, f.per))
		if ok(spent.Quo(spent, allowed)) {
			return n + k, true
		}
	}
	return 0, false
}

func (f naiveFuture) minutes(k int64) slo.Minute {
	if k == 0 {
		return 0
	}
	return slo.Minute(k)*f.h.step - f.at%f.h.step
}

func TestForecastAgainstNaiveModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		st := s.evaluate(t)
		for _, e := range st.Exhausts {
			f := s.future(e.Lookback)
			if !f.known() {
				if e.In != nil {
					t.Fatalf("unknown, but exhausts in %d", *e.In)
				}
				continue
			}
			k, ok := f.first(func(share *big.Rat) bool { return share.Cmp(big.NewRat(1, 1)) >= 0 })
			sameMinute(t, "exhausts", e.In, f.minutes(k), ok)
		}
		s.checkReopening(t)
	})
}

func (s scenario) checkReopening(t *rapid.T) {
	var got *slo.Minute
	var loaded, more []slo.Span
	for range 3 {
		got, more = slo.Reopening(slo.Input{Objective: s.o, View: s.view(t, loaded), At: s.at})
		loaded = append(loaded, more...)
		if len(more) == 0 {
			break
		}
	}
	if len(more) > 0 {
		t.Fatal("asks for points a third time")
	}
	f := s.future(slo.Hour)
	if !f.known() {
		sameMinute(t, "reopens", got, 0, false)
		return
	}
	k, ok := f.first(func(share *big.Rat) bool { return share.Cmp(big.NewRat(9, 10)) < 0 })
	sameMinute(t, "reopens", got, f.minutes(k), ok && k > 0)
}

func sameMinute(t *rapid.T, what string, got *slo.Minute, want slo.Minute, ok bool) {
	t.Helper()
	if (got != nil) != ok || (ok && *got != want) {
		g := slo.Minute(-1)
		if got != nil {
			g = *got
		}
		t.Fatalf("%s in %d, want %d (%v)", what, g, want, ok)
	}
}
